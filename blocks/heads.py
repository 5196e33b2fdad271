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
from blocks.wire.canonical import canonical, digest, is_canonical

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


class Notes(NamedTuple):
    """What was noted: heads by case and sequence number; and the notes that are not as they were written."""

    heads: dict[str, dict[int, Head]]
    altered: dict[str, str]
    """By key, how one sees it."""
    removed: dict[str, str]


async def read_notes(store: Store) -> Notes:
    """Read every note. What a writer's last notes said shows nowhere else, so that they are gone cannot be seen."""
    notes = Notes(defaultdict(dict), {}, {})
    by_writer: dict[str, dict[int, tuple[str, str, str]]] = defaultdict(dict)
    async for blob in store.list(PREFIX):
        data = await store.get(blob.key)
        try:
            note = json.loads(data)
            writer, batch, prev = str(note["writer"]), int(note["batch"]), str(note["prev"])
            heads = [(str(case), Head(int(seq), str(name))) for case, seq, name in note["heads"]]
        except (ValueError, TypeError, KeyError):
            notes.altered[blob.key] = "it is not a note"
            continue
        if not blob.key.endswith(f"-{writer}-{batch:06}.json") or not is_canonical(data):
            notes.altered[blob.key] = f"it says that it is note {batch} of {writer}"
            continue
        by_writer[writer][batch] = (blob.key, prev, digest(data))
        for case, head in heads:
            notes.heads[case][head.seq] = head
    for batches in by_writer.values():
        _follow(batches, notes)
    return notes


def _follow(batches: dict[int, tuple[str, str, str]], notes: Notes) -> None:
    """Follow one writer's notes from the first; each names the one before."""
    head = GENESIS
    for place, batch in enumerate(sorted(batches)):
        key, prev, name = batches[batch]
        if batch != place:
            notes.removed[key] = f"the note before it, {batch - 1}, is missing"
            return
        if prev != head:
            notes.altered[key] = "it does not follow the note before it"
            return
        head = name
