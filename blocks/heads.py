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
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from blocks.errors import OutsideError
from blocks.ports import Store
from blocks.records.ledger import GENESIS
from blocks.wire.canonical import canonical, digest, is_canonical

logger = logging.getLogger("almoner.heads")
PREFIX = "log/heads/"
MOMENT = "%Y%m%dT%H%M%S%f"
EVERY_S = 1.0
BATCH_MAX = 2000
AT_ONCE = 16


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
            await self.store.create(f"{PREFIX}{at:{MOMENT}}-{self.writer}-{self._batch:06}.json", data)
        except OutsideError as error:
            logger.warning("the log of heads waits: %s", error)
            self._noted[:0] = batch
        else:
            self._batch, self._prev = self._batch + 1, digest(data)


class Note(NamedTuple):
    """One batch as it was read: whose, the how manieth, after which, and the heads by case."""

    writer: str
    batch: int
    prev: str
    heads: list[tuple[str, Head]]


class Notes(NamedTuple):
    """What was noted: heads by case and sequence number; and the notes that are not as they were written."""

    heads: dict[str, dict[int, Head]]
    altered: dict[str, str]
    """By key, how one sees it."""
    removed: dict[str, str]


class Written(NamedTuple):
    """What was noted lately: the keys of the notes, and of each case the numbers of its entries."""

    keys: frozenset[str]
    heads: dict[str, list[int]]
    digests: dict[tuple[str, int], str]
    """By case and number, the digest of each."""


async def noted_since(store: Store, at: datetime, known: Collection[str] = ()) -> Written:
    """Read the notes written since *at* by their writers' clocks, except those *known*; a note that is none is left."""
    keys = [blob.key async for blob in store.list(PREFIX, after=f"{PREFIX}{at:{MOMENT}}")]
    heads, digests = defaultdict[str, list[int]](list), {}
    unread = [key for key in keys if key not in known]
    for start in range(0, len(unread), AT_ONCE):
        for data in await asyncio.gather(*(store.get(key) for key in unread[start : start + AT_ONCE])):
            note = _read_note(data)
            for case, head in note.heads if note else ():
                heads[case].append(head.seq)
                digests[case, head.seq] = head.digest
    return Written(frozenset(keys), heads, digests)


async def read_notes(store: Store, *, since: datetime | None = None) -> Notes:
    """Read every note, or those written since. That a writer's last ones are gone shows in the Merkle log alone."""
    notes = Notes(defaultdict(dict), {}, {})
    by_writer: dict[str, dict[int, tuple[str, str, str]]] = defaultdict(dict)
    async for blob in store.list(PREFIX, after=f"{PREFIX}{since:{MOMENT}}" if since else ""):
        data = await store.get(blob.key)
        note = _read_note(data)
        if note is None:
            notes.altered[blob.key] = "it is not a note"
            continue
        if not blob.key.endswith(f"-{note.writer}-{note.batch:06}.json") or not is_canonical(data):
            notes.altered[blob.key] = f"it says that it is note {note.batch} of {note.writer}"
            continue
        by_writer[note.writer][note.batch] = (blob.key, note.prev, digest(data))
        for case, head in note.heads:
            notes.heads[case][head.seq] = head
    for batches in by_writer.values():
        _follow(batches, notes, from_first=since is None)
    return notes


def _read_note(data: bytes) -> Note | None:
    try:
        note = json.loads(data)
        heads = [(str(case), Head(int(seq), str(name))) for case, seq, name in note["heads"]]
        return Note(str(note["writer"]), int(note["batch"]), str(note["prev"]), heads)
    except (ValueError, TypeError, KeyError):
        return None


def _follow(batches: dict[int, tuple[str, str, str]], notes: Notes, *, from_first: bool) -> None:
    """Follow one writer's notes from the first, or the first that was read; each names the one before."""
    first = min(batches)
    head = GENESIS if from_first or not first else batches[first][1]
    for place, batch in enumerate(sorted(batches), 0 if from_first else first):
        key, prev, name = batches[batch]
        if batch != place:
            notes.removed[key] = f"the note before it, {batch - 1}, is missing"
            return
        if prev != head:
            notes.altered[key] = "it does not follow the note before it"
            return
        head = name
