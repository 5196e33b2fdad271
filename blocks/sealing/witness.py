"""The witness: somebody else who saw the log grow, and says so only of heads that continue what was seen before.

It has its own key and its own store, and reads the log as anybody may. It keeps the hash of every entry it has seen;
a head is cosigned (C2SP tlog-cosignature) when those hashes, and the new ones after them, are the head's tree. So a log
that is rewritten, even with its own stolen key, no longer fits what the witness holds, and the first entry that differs
can be named.

    checkpoint           the largest head seen, with the log's signature and the witness's
    tile/0/…             the hash of every entry of it, in C2SP's tiles
    alarms/<digest>      what was refused, and the two heads that prove it
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple

from blocks.errors import ConflictError, NotFoundError
from blocks.ledger import TamperedError
from blocks.ports import Store
from blocks.sealing.log import CHECKPOINT, Head, Log
from blocks.wire.canonical import canonical, digest
from blocks.wire.signed_note import Checkpoint, Note, PublicKey, SecretKey, cosigned_at, read_checkpoint, read_note
from blocks.wire.tiles import WIDTH, Edge, Tile, hashed_in, hashes_in, tile_at, tiles_of

SEEN = "checkpoint"
ALARMS = "alarms/"
AHEAD = 16
REFRESH_S = 3600
"""So often a head that stays the same is cosigned anew: a cosignature says as of when."""


class Alarm(NamedTuple):
    """What the witness refused to cosign, and why. `place`: the first entry of the log that differs, from 0."""

    key: str
    why: str
    place: int | None


@dataclass(frozen=True)
class Witnessed:
    """What a witness says: read from its store, believed by its public key."""

    store: Store
    key: PublicKey

    async def head(self) -> Head | None:
        """Read the largest head it cosigned; None where it has seen none. `TamperedError` where it did not sign."""
        try:
            data = await self.store.get(SEEN)
        except NotFoundError:
            return None
        head = self.read(data)
        if head is None:
            raise TamperedError("witness", f"{SEEN} is not a head that the witness cosigned")
        return head

    def read(self, data: bytes) -> Head | None:
        """Read a head that it cosigned, or None where the bytes are none."""
        note = read_note(data)
        checkpoint = read_checkpoint(note) if note else None
        return Head(checkpoint, note) if note and checkpoint and self.key.signed(note) else None

    async def at(self) -> int:
        """Say when it last cosigned, in seconds since 1970; 0 where it never did."""
        head = await self.head()
        return max((cosigned_at(one) for one in self.key.signatures_in(head.note)), default=0) if head else 0

    async def hashes(self, tile: Tile) -> list[bytes] | None:
        """Read the hashes it holds of one tile of the tree it cosigned; None where the tile is gone."""
        try:
            return hashes_in(await self.store.get(tile.path))
        except NotFoundError:
            return None

    async def alarms(self) -> list[Alarm]:
        """Read what it refused, in no order."""
        return [_alarm(blob.key, await self.store.get(blob.key)) async for blob in self.store.list(ALARMS)]


@dataclass
class Witness:
    """Looks at a log, and cosigns. Its memory is its own store's."""

    log: Log
    store: Store
    key: SecretKey
    _edge: Edge | None = None

    async def look(self, now: datetime) -> Alarm | None:
        """Look once: cosign what continues, keep an alarm of what does not; the alarm, or None.

        Also what is harmed in its own memory is an alarm: a witness that does not know what it saw can warn of nothing.
        """
        seen = None
        try:
            seen = await Witnessed(self.store, self.key.public).head()
            return await self._look(seen, now)
        except TamperedError as error:
            return await self._alarm(error.detail, seen, None, None)

    async def _look(self, seen: Head | None, now: datetime) -> Alarm | None:
        shown = await self.log.head()
        held = list(tiles_of(seen.checkpoint.size, 0)) if seen else await self._left()
        if shown is None:
            return await self._alarm(f"{CHECKPOINT} is gone", seen, None, 0) if seen or held else None
        if not seen and (place := await self._first_other(held, shown)) is not None:
            why = f"its own {SEEN} is gone, and the log does not show what it saw"
            return await self._alarm(why, seen, shown, place)
        return await self._compared(seen, shown, held, now)

    async def _compared(self, seen: Head | None, shown: Head, held: Sequence[Tile], now: datetime) -> Alarm | None:
        size = shown.checkpoint.size
        if seen and size < seen.checkpoint.size:
            why = f"it shrank: {seen.checkpoint.size} entries were seen, {size} are shown"
            return await self._alarm(why, seen, shown, size)
        edge, new = await self._continued(seen, shown)
        if edge is None or edge.root != shown.checkpoint.root:
            place = await self._first_other(held, shown)
            return await self._alarm("the head shown does not continue the head seen", seen, shown, place)
        await self._cosign(seen, shown, new, now)
        self._edge = edge
        return None

    async def _continued(self, seen: Head | None, shown: Head) -> tuple[Edge | None, dict[str, bytes]]:
        """Add what the log shows after what was seen; None where its last seen entries are others than were seen."""
        edge = self._edge or await self._remembered(seen)
        start, new = edge.size, dict[str, bytes]()
        last = list(edge.levels[0]) if edge.levels else []
        async for shown_hashes in self._shown(shown.checkpoint.size, start):
            if shown_hashes[: len(last)] != last:
                return None, {}
            edge, tiles = hashed_in(edge, shown_hashes[len(last) :])
            new |= tiles
            last = []
        return edge, {path: data for path, data in new.items() if path.startswith("tile/0/")}

    async def _shown(self, size: int, start: int) -> AsyncIterator[list[bytes]]:
        tiles = list(tiles_of(size, 0, start)) if size > start else []
        for first in range(0, len(tiles), AHEAD):
            for data in await asyncio.gather(*map(self.log.read_tile, tiles[first : first + AHEAD])):
                yield hashes_in(data)

    async def _remembered(self, seen: Head | None) -> Edge:
        """Read the hashes of what was seen from the witness's own store."""
        edge, own = Edge(), Witnessed(self.store, self.key.public)
        if seen is None:
            return edge
        for tile in tiles_of(seen.checkpoint.size, 0):
            edge, _ = hashed_in(edge, await own.hashes(tile) or [])
        if edge.root != seen.checkpoint.root:
            raise TamperedError("witness", "the witness's own hashes are not those of the head it cosigned")
        return edge

    async def _left(self) -> list[Tile]:
        """List the hashes that lie in its store without a head: it died as it began, or somebody took the head away."""
        found = [tile_at(blob.key) async for blob in self.store.list("tile/0/")]
        return list({tile.number: tile for tile in sorted(one for one in found if one)}.values())  # the widest of each

    async def _first_other(self, tiles: Iterable[Tile], shown: Head) -> int | None:
        """Find the first entry that is another than one saw, or is not there; None where only the head is another."""
        own, size = Witnessed(self.store, self.key.public), shown.checkpoint.size
        for tile in tiles:
            held, start = await own.hashes(tile) or [], tile.number * WIDTH
            width = min(WIDTH, size - start)
            other = hashes_in(await self.log.read_tile(tile._replace(width=width))) if width > 0 else []
            for place, (one, two) in enumerate(zip_longest(held, other[: len(held)]), start):
                if one != two:
                    return place
        return None

    async def _cosign(self, seen: Head | None, shown: Head, new: dict[str, bytes], now: datetime) -> None:
        at = int(now.timestamp())
        own = Witnessed(self.store, self.key.public)
        if seen and seen.checkpoint == shown.checkpoint and at - await own.at() < REFRESH_S:
            return
        for path, data in new.items():
            try:
                await self.store.create(path, data)
            except ConflictError:
                raise TamperedError("witness", f"{path} in the witness's store is not what it saw") from None
        text = shown.checkpoint.text
        note = Note(text, (*shown.note.signatures, self.key.cosign(text, at)))
        try:
            held = await self.store.look(SEEN)
        except NotFoundError:
            await self.store.create(SEEN, note.data)
        else:
            if _size(held.data) > shown.checkpoint.size:
                raise ConflictError("another process witnesses with this store: it has seen more")
            await self.store.swap(SEEN, note.data, was=held.version)

    async def _alarm(self, why: str, seen: Head | None, shown: Head | None, place: int | None) -> Alarm:
        """Keep what was refused with its proof; the log's own signatures are what proves it.

        Once: as it was first seen, however much such a log grows meanwhile.
        """
        told = {
            "why": why,
            "place": place,
            "seen": seen.note.data.decode() if seen else None,
            "shown": shown.note.data.decode() if shown else None,
        }
        key = f"{ALARMS}{digest(canonical({**told, 'shown': None}))}"
        with suppress(ConflictError):
            await self.store.create(key, canonical(told))
        return Alarm(key, why, place)


def _alarm(key: str, data: bytes) -> Alarm:
    try:
        told = json.loads(data)
        return Alarm(key, str(told["why"]), told["place"])
    except (ValueError, KeyError, TypeError):
        return Alarm(key, "it is not an alarm as the witness writes one", None)


def _size(data: bytes) -> int:
    note = read_note(data)
    checkpoint: Checkpoint | None = read_checkpoint(note) if note else None
    return checkpoint.size if checkpoint else 0
