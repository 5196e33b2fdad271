"""The log of heads: what each process wrote, noted within a second beside the chains.

A chain cannot show that its last entries were taken away, nor that it was there at all. So whoever writes
entries also notes, a batch a second, which: `log/heads/<moment>-<writer>-<n>.json`, each batch holding the
digest of the writer's batch before it. A crash loses at most the last second's notes, never entries.
"""

import asyncio
import json
import logging
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from blocks.errors import NotFoundError, OutsideError
from blocks.ports import Store
from blocks.records.ledger import GENESIS
from blocks.wire.canonical import canonical, digest, is_canonical
from blocks.wire.commitments import is_place

logger = logging.getLogger("almoner.heads")
PREFIX = "log/heads/"
MOMENT = "%Y%m%dT%H%M%S%f"
EVERY_S = 1.0
_KEY = re.compile(rf"{PREFIX}[^-]+-(.+)-(\d+)\.json")
BATCH_MAX = 2000
AT_ONCE = 16
CLOCK_OFF = timedelta(seconds=5)
"""So far a writer's clock may be from the store's, before its notes are dated by the store's."""
CLOCK_EVERY = timedelta(minutes=10)
SHORTLY = timedelta(minutes=5)
LATELY = timedelta(hours=1)
"""How far back whoever asks what was written last looks at most."""


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
    _ahead: timedelta = timedelta()
    """How far the store's clock is ahead of ours."""
    _asked: datetime | None = None

    def __call__(self, case: str, seq: int, head: str) -> None:
        """Hear of an entry."""
        self._noted.append((case, seq, head))

    async def run(self, clock: Callable[[], datetime]) -> None:
        """Write what was noted once a second until cancelled; what is left then is written first.

        Whoever seals looks for what was noted lately. So notes are dated by the store's clock, which is one for all.
        """
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                await self.note(clock())
        finally:
            await self.flush(clock() + self._ahead)

    async def note(self, now: datetime) -> None:
        """Write one batch, dated by the store's clock; now and then see how far ours is from it."""
        batch = self._noted[:BATCH_MAX]
        key = await self.flush(now + self._ahead)
        if key is None or (self._asked and now < self._asked + CLOCK_EVERY):
            return
        try:
            ahead = await self.store.written_at(key) - now
        except (OutsideError, NotFoundError) as error:
            logger.warning("the store's clock could not be read: %s", error)
            return
        self._asked = now
        if abs(ahead - self._ahead) > CLOCK_OFF:
            logger.warning("the clock here is %s from the store's: notes are dated by the store's", abs(ahead))
            self._ahead = ahead
            self._noted[:0] = batch  # nobody may have looked where these were noted

    async def flush(self, at: datetime) -> str | None:
        """Write what was noted as one batch, and return its key; what cannot be written is kept for the next try."""
        batch, self._noted = self._noted[:BATCH_MAX], self._noted[BATCH_MAX:]
        if not batch:
            return None
        note = {"writer": self.writer, "batch": self._batch, "prev": self._prev, "heads": [[*x] for x in batch]}
        data, key = canonical(note), f"{PREFIX}{at:{MOMENT}}-{self.writer}-{self._batch:06}.json"
        try:
            await self.store.create(key, data)
        except OutsideError as error:
            logger.warning("the log of heads waits: %s", error)
            self._noted[:0] = batch
            return None
        self._batch, self._prev = self._batch + 1, digest(data)
        return key


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
    disputed: dict[str, set[int]]
    """By case, the entries of which notes tell different things: one of them is false."""


class _Read(NamedTuple):
    key: str
    prev: str
    digest: str


class Written(NamedTuple):
    """What was noted lately: the keys of the notes, and of each case the numbers of its entries."""

    keys: frozenset[str]
    heads: dict[str, list[int]]
    digests: dict[tuple[str, int], str]
    """By case and number, the digest of each."""


async def note_keys(store: Store, since: datetime, until: datetime) -> list[str]:
    """List the notes that were written between two moments, by their writers' clocks."""
    found, end = list[str](), f"{PREFIX}{until:{MOMENT}}"
    async for blob in store.list(PREFIX, after=f"{PREFIX}{since:{MOMENT}}"):
        if blob.key > end:
            break
        found.append(blob.key)
    return found


async def noted_since(store: Store, at: datetime, known: Collection[str] = ()) -> Written:
    """Read the notes written since *at* by their writers' clocks, except those *known*; a note that is none is left."""
    keys = await _keys_since(store, at)
    return await _written(store, keys, [key for key in keys if key not in known])


async def noted_last(store: Store, at: datetime, most: int) -> Written:
    """Read the last notes of the hour before *at*, by their writers' clocks: *most* of them at most."""
    soon = at + SHORTLY  # a clock may be ahead, but who dates a note far ahead only hides others
    keys = await note_keys(store, at - SHORTLY, soon)
    if len(keys) < most:  # a busy house writes thousands an hour, of which none need be listed
        keys = await note_keys(store, at - LATELY, soon)
    return await _written(store, keys, keys[-most:])


async def _keys_since(store: Store, at: datetime) -> list[str]:
    return [blob.key async for blob in store.list(PREFIX, after=f"{PREFIX}{at:{MOMENT}}")]


async def _written(store: Store, keys: list[str], unread: list[str]) -> Written:
    heads, digests = defaultdict[str, list[int]](list), {}
    for start in range(0, len(unread), AT_ONCE):
        for data in await asyncio.gather(*(store.get(key) for key in unread[start : start + AT_ONCE])):
            note = _read_note(data)
            for case, head in note.heads if note else ():
                heads[case].append(head.seq)
                digests[case, head.seq] = head.digest
    return Written(frozenset(keys), heads, digests)


async def read_notes(store: Store, *, since: datetime | None = None) -> Notes:
    """Read every note, or those written since. That a writer's last ones are gone shows in the Merkle log alone."""
    notes, by_writer = Notes(defaultdict(dict), {}, {}, defaultdict(set)), _by_writer()
    begin = f"{PREFIX}{since:{MOMENT}}" if since else ""
    async for blob in store.list(PREFIX, after=begin):
        _take(blob.key, await store.get(blob.key), notes, by_writer)
    if since and any(len(batches) <= max(batches) - min(batches) for batches in by_writer.values()):
        # A clock that was set back dates a note before those that came before it.
        async for blob in store.list(PREFIX):
            if blob.key > begin:
                break
            if _fills_a_gap(blob.key, by_writer):
                _take(blob.key, await store.get(blob.key), notes, by_writer)
    for batches in by_writer.values():
        _follow(batches, notes, from_first=since is None)
    return notes


def _by_writer() -> dict[str, dict[int, list[_Read]]]:
    return defaultdict(lambda: defaultdict(list))


def _fills_a_gap(key: str, by_writer: Mapping[str, Mapping[int, object]]) -> bool:
    """Say whether a note stands between those that were read of its writer, by its key."""
    named = _KEY.fullmatch(key)
    batches = by_writer.get(named[1]) if named else None
    return bool(named and batches and min(batches) < int(named[2]) < max(batches))


def _take(key: str, data: bytes, notes: Notes, by_writer: dict[str, dict[int, list[_Read]]]) -> None:
    """Take up one note, or say why it is none."""
    note = _read_note(data)
    if note is None:
        notes.altered[key] = "it is not a note"
    elif not key.endswith(f"-{note.writer}-{note.batch:06}.json") or not is_canonical(data):
        notes.altered[key] = f"it says that it is note {note.batch} of {note.writer}"
    else:
        by_writer[note.writer][note.batch].append(_Read(key, note.prev, digest(data)))
        for case, head in note.heads:
            if notes.heads[case].setdefault(head.seq, head) != head:
                notes.disputed[case].add(head.seq)


def _read_note(data: bytes) -> Note | None:
    try:
        note = json.loads(data)
        heads = [(case, Head(seq, name)) for case, seq, name in note["heads"]]
        sound = len(heads) <= BATCH_MAX and all(is_place(case, *head) for case, head in heads)
        return Note(str(note["writer"]), int(note["batch"]), str(note["prev"]), heads) if sound else None
    except (ValueError, TypeError, KeyError):
        return None


def _follow(batches: dict[int, list[_Read]], notes: Notes, *, from_first: bool) -> None:
    """Follow one writer's notes from the first, or the first that was read; each names the one before.

    A writer that did not hear that a note was stored wrote it again, with what it knew and the date it had by then:
    there are two of them, and the next names either.
    """
    first = min(batches)
    before = {GENESIS} if from_first or not first else {one.prev for one in batches[first]}
    for place, batch in enumerate(sorted(batches), 0 if from_first else first):
        if batch != place:
            notes.removed[batches[batch][0].key] = f"the note before it, {batch - 1}, is missing"
            return
        strays = [one.key for one in batches[batch] if one.prev not in before]
        if strays:
            notes.altered.update(dict.fromkeys(strays, "it does not follow the note before it"))
            return
        before = {one.digest for one in batches[batch]}
