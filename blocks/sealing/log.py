"""The Merkle log over all chains, read: heads, keys, and the proof that an entry is under a head.

    log/checkpoint             the published head: how many entries, their root hash, signed (C2SP tlog-checkpoint)
    log/tile/…                 the tree's hashes and the entries, in tiles (C2SP tlog-tiles)
    log/keys/<n>               the n-th handover from one key to the next, signed by both
    log/lock, log/staging/…    how it is written without a database: see `blocks.sealing.sealer`

An entry of the log is a commitment to one entry of one chain: see `blocks.wire.commitments`. Anybody who knows the
log's first public key can check all of it with a reader of C2SP's formats.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from blocks.errors import NotFoundError
from blocks.ledger import TamperedError
from blocks.ports import Store
from blocks.wire.commitments import Commitment, case_part, moment_text, read_commitment
from blocks.wire.merkle import holds, leaf_hash
from blocks.wire.signed_note import Checkpoint, Note, PublicKey, read_checkpoint, read_note
from blocks.wire.tiles import (
    WIDTH,
    Span,
    Tile,
    consistency_spans,
    hashes_in,
    inclusion_spans,
    left_spans,
    root_after,
    spanned,
    tiles_for,
    tiles_of,
    unbundled,
)

PREFIX = "log/"
CHECKPOINT = f"{PREFIX}checkpoint"
KEYS = f"{PREFIX}keys/"
TILES = f"{PREFIX}tile/"
BUNDLES = f"{TILES}entries/"
AHEAD, AHEAD_MAX = 2, 32
"""Bundles read at once, at first and in the end."""
SKEW = timedelta(minutes=5)
"""The clock of who wrote an entry is seldom further ahead of the clock of who sequenced it,"""
SKEW_MAX = timedelta(days=1)
"""and never so far: not even one that was set to another zone's time."""


class Tenure(NamedTuple):
    """A key of the log and the heads it may sign: of trees from `since` to `until` entries; None: it still signs."""

    key: PublicKey
    since: int = 0
    until: int | None = None

    def covers(self, size: int) -> bool:
        """Say whether the key signs for trees of that size."""
        return self.since <= size and (self.until is None or size <= self.until)


class Head(NamedTuple):
    """A head that is believed: what it says, and the note as stored."""

    checkpoint: Checkpoint
    note: Note


class Inclusion(NamedTuple):
    """Proof that an entry is in the log: RFC 6962's path from its leaf to the root of a signed head."""

    place: int
    leaf: bytes
    head: Head
    hashes: tuple[bytes, ...]

    @property
    def holds(self) -> bool:
        """Whether the path leads to the head's root."""
        head = self.head.checkpoint
        return holds(leaf_hash(self.leaf), self.place, head.size, self.hashes, head.root)


@dataclass(frozen=True)
class Log:
    """The published log in a store, believed by its first public key. `TamperedError` for what is not as signed."""

    store: Store
    first_key: PublicKey

    async def tenures(self) -> tuple[Tenure, ...]:
        """Read the log's keys, oldest first: each handed over to the next, by a note that both signed."""
        found = [Tenure(self.first_key)]
        async for blob in self.store.list(KEYS):
            last = found[-1]
            successor = read_handover(await self.store.get(blob.key), last.key)
            if successor is None or blob.key != handover_key(len(found)) or successor.since < last.since:
                raise TamperedError("log", f"{blob.key} is no handover of {last.key.text}")
            found[-1] = last._replace(until=successor.since)
            found.append(successor)
        return tuple(found)

    async def head(self) -> Head | None:
        """Read the published head; None where nothing was published yet."""
        try:
            data = await self.store.get(CHECKPOINT)
        except NotFoundError:
            return None
        head = read_head(data, await self.tenures())
        if head is None:
            raise TamperedError("log", f"{CHECKPOINT} is not a head that the log's key signed")
        return head

    async def inclusion(self, case: str, seq: int, *, since: datetime, head: Head | None = None) -> Inclusion | None:
        """Prove that the entry *seq* of *case* is in the log; None where it is not, or not yet.

        *since*: when the entry was written, or earlier. The log is ordered by time, so little of it is read.
        """
        head = head or await self.head()
        if head is None:
            return None
        size = head.checkpoint.size
        start = await self._first_since(moment_text(since - SKEW), size)
        found = await self._found(case, seq, start, size)
        if found is None:  # who wrote it may have had a clock that was far ahead
            before = await self._first_since(moment_text(since - SKEW_MAX), size)
            found = await self._found(case, seq, before, start)
        if found is None:
            return None
        hashes = await self._hashed(inclusion_spans(found[0], size), size)
        return Inclusion(*found, head, tuple(hashes))

    async def _found(self, case: str, seq: int, start: int, end: int) -> tuple[int, bytes] | None:
        """Look for an entry from one place on and before another: the size of the tree, or where a bundle begins."""
        async for index, leaf in self.leaves(end, start):
            found = read_commitment(leaf)
            if found and (found.case, found.seq) == (case, seq):
                return index, leaf
        return None

    async def later(self, case: str, seq: int, start: int, end: int, head: Head) -> Commitment | None:
        """Look for an entry of *case* after its entry *seq* under *head*, from one place on and before another.

        `TamperedError` where the one that is found, or all that was read up to the head's end, is not under that head.
        """
        named, size, first, read = case_part(case), head.checkpoint.size, start // WIDTH * WIDTH, list[bytes]()
        async for index, leaf in self.leaves(end, first):
            read.append(leaf_hash(leaf))
            found = read_commitment(leaf) if index >= start and named in leaf else None
            if found and found.case == case and found.seq > seq:
                path = await self._hashed(inclusion_spans(index, size), size)
                if not holds(read[-1], index, size, path, head.checkpoint.root):
                    raise TamperedError(
                        "log", f"entry {index} of the log is not the one under the head that was signed"
                    )
                return found
        if end == size and first < size:
            spans = left_spans(first)
            left = dict(zip(spans, await self._hashed(spans, size), strict=True))
            if root_after(left, first, read) != head.checkpoint.root:
                raise TamperedError("log", f"its entries from {first} on are not those under the head that was signed")
        return None

    async def consistency(self, old: int, size: int) -> list[bytes]:
        """Prove that the tree of *size* continues that of *old* (> 0) entries: both heads were published once."""
        return await self._hashed(consistency_spans(old, size), size)

    async def leaves(self, size: int, start: int = 0) -> AsyncIterator[tuple[int, bytes]]:
        """Read the entries of the tree of *size* from *start* on, with their indices."""
        async for tile, data in self._bundles(size, start):
            entries, begin = _entries(tile, data), tile.number * WIDTH
            for index in range(max(start, begin), begin + tile.width):
                yield index, entries[index - begin]

    async def _bundles(self, size: int, start: int) -> AsyncIterator[tuple[Tile, bytes]]:
        """Read the bundles of the tree of *size* from that of *start* on: few at once, then more.

        Who looks for an entry mostly finds it in the first.
        """
        bundles, many = tiles_of(size, None, start), AHEAD
        while ahead := list(islice(bundles, many)):
            for one in zip(ahead, await asyncio.gather(*map(self.read_tile, ahead)), strict=True):
                yield one
            many = min(2 * many, AHEAD_MAX)

    async def beyond(self, size: int) -> int:
        """Say how many entries the store holds bundles of, where that is more than *size*; 0 where it is not."""
        last = Tile(None, size // WIDTH)
        with suppress(NotFoundError):
            await self.store.get(PREFIX + last.path)
            return (last.number + 1) * WIDTH
        async for blob in self.store.list(BUNDLES, after=PREFIX + last.path):
            path, _, partial = blob.key.removeprefix(BUNDLES).partition(".p/")
            number = path.replace("x", "").replace("/", "")
            if number.isdecimal() and (partial or "0").isdecimal():
                held = int(number) * WIDTH + int(partial or WIDTH)
                if held > size:
                    return held
        return 0

    async def read_tile(self, tile: Tile) -> bytes:
        """Read a tile or a bundle; `TamperedError` where it is gone."""
        try:
            return await self.store.get(PREFIX + tile.path)
        except NotFoundError:
            raise TamperedError("log", f"{PREFIX}{tile.path} is missing") from None

    async def _hashed(self, spans: list[Span], size: int) -> list[bytes]:
        needed = sorted(tiles_for(spans, size))
        read = await asyncio.gather(*map(self.read_tile, needed))
        tiles = {tile: hashes_in(data) for tile, data in zip(needed, read, strict=True)}
        return [spanned(span, size, tiles) for span in spans]

    async def _first_since(self, at: str, size: int) -> int:
        """Find the bundle from which on everything was sequenced at *at* or later, by halving."""
        low, high = 0, size // WIDTH
        while low < high:
            middle = (low + high + 1) // 2
            if await self._began(middle, size) < at:
                low = middle
            else:
                high = middle - 1
        return low * WIDTH

    async def _began(self, number: int, size: int) -> str:
        tile = Tile(None, number, min(WIDTH, size - number * WIDTH))
        first = (unbundled(await self.read_tile(tile)) or [b""])[0] if tile.width else b""
        found = read_commitment(first)
        return found.at if found else "~"  # nothing of ours begins so late


def _entries(tile: Tile, data: bytes) -> list[bytes]:
    entries = unbundled(data)
    if entries is None or len(entries) < tile.width:
        raise TamperedError("log", f"{PREFIX}{tile.path} is not a bundle of {tile.width} entries")
    return entries


def committed(leaf: bytes, index: int) -> Commitment:
    """Read a leaf of our log; `TamperedError` where it is none."""
    found = read_commitment(leaf)
    if found is None:
        raise TamperedError("log", f"entry {index} of the log is not a commitment")
    return found


def read_head(data: bytes, tenures: tuple[Tenure, ...]) -> Head | None:
    """Read a head that one of the keys signed for a tree of its time, or None."""
    note = read_note(data)
    checkpoint = read_checkpoint(note) if note else None
    if note is None or checkpoint is None:
        return None
    keys = [one.key for one in tenures if one.covers(checkpoint.size) and one.key.name == checkpoint.origin]
    return Head(checkpoint, note) if any(key.signed(note) for key in keys) else None


def handover_key(number: int) -> str:
    """Say where the n-th handover lies, from 1."""
    return f"{KEYS}{number:06}"


def handover_text(size: int, successor: PublicKey) -> str:
    """Write what is signed when a key hands over: from the tree of *size* on, its successor signs."""
    return f"almoner/key-handover/v1\n{size}\n{successor.text}\n"


def read_handover(data: bytes, last: PublicKey) -> Tenure | None:
    """Read the successor of *last* from a handover signed by both, or None."""
    note = read_note(data)
    try:
        _, size, key, _ = note.text.split("\n") if note else ("", "", "", "")
        successor = PublicKey.parse(key)
        said = handover_text(int(size), successor)
    except ValueError:
        return None
    if note is None or note.text != said or not (last.signed(note) and successor.signed(note)):
        return None
    return Tenure(successor, int(size)) if successor.name == last.name else None
