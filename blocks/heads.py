"""The log of heads: what each process wrote, noted within a second beside the chains.

A chain cannot show that its last entries were taken away, nor that it was there at all. So whoever writes
entries also notes, a batch a second, which: `log/heads/<moment>-<writer>-<n>.json`, each batch holding the
digest of the writer's batch before it. A crash loses at most the last second's notes, never entries.
"""

import asyncio
import json
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from blocks.errors import OutsideError
from blocks.ports import Store
from blocks.records.ledger import GENESIS
from blocks.wire.canonical import canonical, digest

logger = logging.getLogger("almoner.heads")
PREFIX = "log/heads/"
EVERY_S = 1.0
BATCH_MAX = 2000


class Head(NamedTuple):
    """An entry as its writer noted it."""

    seq: int
    digest: str


@dataclass
class HeadsLog:
    """One process's notes of what it wrote. Use it as an observer of a ledger, and keep `run` running."""

    store: Store
    writer: str = field(default_factory=lambda: secrets.token_hex(6))
    _noted: list[tuple[str, int, str]] = field(default_factory=list)
    _batch: int = 0
    _prev: str = GENESIS

    def __call__(self, case: str, seq: int, head: str) -> None:
        """Hear of an entry."""
        self._noted.append((case, seq, head))

    async def run(self, clock: Callable[[], datetime]) -> None:
        """Write what was noted once a second until cancelled; what is left then is written first."""
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                await self.flush(clock())
        finally:
            await self.flush(clock())

    async def flush(self, at: datetime) -> None:
        """Write what was noted as one batch; what cannot be written is kept for the next try."""
        batch, self._noted = self._noted[:BATCH_MAX], self._noted[BATCH_MAX:]
        if not batch:
            return
        note = {"writer": self.writer, "batch": self._batch, "prev": self._prev, "heads": [[*x] for x in batch]}
        data = canonical(note)
        try:
            await self.store.create(f"{PREFIX}{at:%Y%m%dT%H%M%S%f}-{self.writer}-{self._batch:06}.json", data)
        except OutsideError as error:
            logger.warning("the log of heads waits: %s", error)
            self._noted[:0] = batch
        else:
            self._batch, self._prev = self._batch + 1, digest(data)


async def read_heads(store: Store) -> dict[str, dict[int, Head]]:
    """Read every note: case, sequence number, head."""
    heads: dict[str, dict[int, Head]] = defaultdict(dict)
    async for blob in store.list(PREFIX):
        for case, seq, name in json.loads(await store.get(blob.key))["heads"]:
            heads[case][seq] = Head(seq, name)
    return heads
