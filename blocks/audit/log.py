"""Verifying the Merkle log: its keys, its heads, every entry and every tile of the tree, and what the witness saw."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from blocks.audit.finding import WITNESS, Fault, Finding
from blocks.audit.heads import current_head, read_published
from blocks.audit.scope import Scope
from blocks.errors import NotFoundError
from blocks.ledger import TamperedError, entry_key
from blocks.sealing.log import CHECKPOINT, KEYS, PREFIX, Head, Log, Tenure, read_head
from blocks.sealing.witness import Witnessed
from blocks.wire.commitments import Commitment, Committed, read_commitment
from blocks.wire.merkle import leaf_hash
from blocks.wire.tiles import WIDTH, Edge, Tile, hashed_in, hashes_in, tiles_of, unbundled

AHEAD = 16
UNSEEN = timedelta(minutes=10)
"""A witness that has not seen what was sealed so long ago stands still; usually it looks every few seconds."""
NOTHING: Mapping[Any, Any] = MappingProxyType({})


class LogFound(NamedTuple):
    """What was found in the log: which entries it commits to, how many, until when, and what is wrong with it."""

    committed: Committed
    size: int
    sealed_at: str
    findings: list[Finding]
    witnessed: int | None = None
    """How many entries the witness has seen; None where there is no witness."""
    tenures: tuple[Tenure, ...] = ()
    """The log's keys, as far as they hold."""
    roots: Mapping[int, bytes] = NOTHING
    """The root of the tree at each size that was asked for."""
    placed: Mapping[int, Commitment] = NOTHING
    """The last entry under each size that was asked for, and the first after it, by place."""
    demanded: Mapping[str, int] = NOTHING
    """How far each chain must be there, where only a scope of them is."""


async def audit_log(
    log: Log,
    witnessed: Witnessed | None,
    *,
    sizes: Iterable[int] = (),
    scope: Scope | None = None,
    now: datetime | None = None,
) -> LogFound:
    """Verify the published log from its keys to its last tile, against what the witness holds.

    *sizes*: of which trees the root, and the entries on both sides of their edge, are wanted. *scope*: where the log
    stands in a pack, which has no lock, and chains of a period alone. *now*: the witness must have seen what was sealed
    `UNSEEN` before.
    """
    findings = list[Finding]()
    tenures = await _tenures(log, findings)
    head = await (read_published(log, CHECKPOINT, tenures, findings) if scope else current_head(log, tenures, findings))
    seen = await _seen(witnessed, tenures, findings)
    sees = seen.checkpoint.size if seen else None
    if head is None:
        return LogFound(Committed(), 0, "", findings, sees, tenures)
    wanted = {*sizes, *([sees] if sees else [])}
    walk = _Walk(log, head, witnessed if seen else None, seen, findings, tuple(sorted(wanted)), scope)
    await walk.through()
    if sees is not None and not scope:
        findings += _unseen(walk.placed.get(sees), sees, now or datetime.now(UTC))
    found = LogFound(walk.committed, head.checkpoint.size, walk.at, findings, sees, tenures)
    return found._replace(roots=walk.roots, placed=walk.placed, demanded=walk.demanded)


async def _tenures(log: Log, findings: list[Finding]) -> tuple[Tenure, ...]:
    try:
        return await log.tenures()
    except TamperedError as error:
        findings.append(Finding("log", error.detail.partition(" ")[0] or KEYS, "altered", error.detail))
        return (Tenure(log.first_key),)


async def _seen(witnessed: Witnessed | None, tenures: tuple[Tenure, ...], findings: list[Finding]) -> Head | None:
    if witnessed is None:
        return None
    refused = "the witness did not cosign: {}"
    findings += [Finding(WITNESS, one.key, "refused", refused.format(one.why)) for one in await witnessed.alarms()]
    try:
        seen = await witnessed.head()
    except TamperedError as error:
        findings.append(Finding(WITNESS, "checkpoint", "altered", error.detail))
        return None
    if seen is None:
        findings.append(Finding(WITNESS, "checkpoint", "removed", "the witness has seen no head"))
    elif read_head(seen.note.data, tenures) is None:
        findings.append(Finding(WITNESS, "checkpoint", "altered", "the log's own signature on it does not hold"))
    return seen


def _unseen(following: Commitment | None, sees: int, now: datetime) -> list[Finding]:
    """Name the head where the witness has not seen it for long; *following*: the first entry that it has not seen."""
    if following is None or datetime.fromisoformat(following.at) > now - UNSEEN:
        return []
    because = f"the witness has seen {sees} entries, and not what was sealed since {following.at}"
    return [Finding("log", CHECKPOINT, "unwitnessed", because)]


@dataclass
class _Walk:
    """Goes through the log once, bundle by bundle, and builds the tree anew."""

    log: Log
    head: Head
    witnessed: Witnessed | None
    seen: Head | None
    findings: list[Finding]
    sizes: Sequence[int] = ()
    scope: Scope | None = None
    committed: Committed = field(default_factory=Committed)
    roots: dict[int, bytes] = field(default_factory=dict)
    placed: dict[int, Commitment] = field(default_factory=dict)
    demanded: dict[str, int] = field(default_factory=dict)
    edge: Edge = field(default_factory=Edge)
    at: str = ""
    differ: dict[Tile, Finding] = field(default_factory=dict)
    """Of each tile in which the witness holds another hash than the log, what to say of the first."""

    async def through(self) -> None:
        """Read everything the head needs; stop where so much is gone that no tree can be built."""
        checkpoint = self.head.checkpoint
        if self.seen and self.seen.checkpoint.size > checkpoint.size:
            seen = self.seen.checkpoint.size
            self._finds(CHECKPOINT, "replayed", f"it shows {checkpoint.size} entries; the witness has seen {seen}")
        bundles = list(tiles_of(checkpoint.size, None))
        for first in range(0, len(bundles), AHEAD):
            ahead = bundles[first : first + AHEAD]
            for bundle, read in zip(ahead, await asyncio.gather(*map(self._read, ahead)), strict=True):
                kept = self._take(bundle, *read)
                if len(kept) != bundle.width:
                    self._compare()
                    return
                for size in self._sizes_in(bundle):
                    self.roots[size] = hashed_in(self.edge, kept[: size - bundle.number * WIDTH])[0].root
                self.edge, new = hashed_in(self.edge, kept)
                await self._match(new, full=True)
        self._compare()
        if self.edge.root != checkpoint.root:
            self._finds(CHECKPOINT, "altered", "its root is not what the log's entries hash to")
        last = {Tile(level, checkpoint.size >> (8 * (level + 1)), len(held)).path: b"".join(held)
                for level, held in enumerate(self.edge.levels) if held}  # fmt: skip
        await self._match(last, full=False)

    def _compare(self) -> None:
        """Hold the tree against the head that the witness cosigned.

        The cosigned root says who is right where a hash differs: it is the log that was rewritten, or the witness's own
        memory that was harmed.
        """
        shown, seen = self.head.checkpoint, self.seen.checkpoint if self.seen else None
        if seen and self.roots.get(seen.size) == seen.root:
            because = "it does not hold the hashes of which the witness cosigned the root"
            self.findings += [Finding(WITNESS, tile.path, "altered", because) for tile in self.differ]
        elif seen:
            self.findings += list(self.differ.values())[:1]
            if seen.size in self.roots and self.edge.root == shown.root:
                because = f"the witness cosigned another root of the first {seen.size} entries"
                self._finds(CHECKPOINT, "rewritten", because)

    async def _read(self, bundle: Tile) -> tuple[bytes | None, bytes | None, list[bytes]]:
        """Read a bundle, its tile, and what the witness holds of it."""
        tile, held = bundle._replace(level=0), list[bytes]()
        width = min(WIDTH, self.seen.checkpoint.size - tile.number * WIDTH) if self.seen else 0
        if self.witnessed and width > 0:
            held = await self._held(self.witnessed, tile._replace(width=width))
        return await self._get(bundle), await self._get(tile), held

    async def _held(self, witnessed: Witnessed, tile: Tile) -> list[bytes]:
        """Read the hashes that the witness must hold of a tile, for it cosigned them."""
        held = await witnessed.hashes(tile)
        if held is None:
            self.findings.append(Finding(WITNESS, tile.path, "removed", "the head that the witness cosigned needs it"))
        elif len(held) != tile.width:
            because = f"it does not hold {tile.width} hashes"
            self.findings.append(Finding(WITNESS, tile.path, "altered", because))
        return held or []

    async def _get(self, tile: Tile) -> bytes | None:
        try:
            return await self.log.read_tile(tile)
        except TamperedError:
            self._finds(PREFIX + tile.path, "removed", "the head needs it")
            return None

    def _take(self, bundle: Tile, packed: bytes | None, tile: bytes | None, held: list[bytes]) -> list[bytes]:
        """Take up a bundle's entries, and return the hashes to build the tree of: its tile's, or else its own."""
        entries = (unbundled(packed) or []) if packed is not None else []
        hashes, start = [leaf_hash(entry) for entry in entries], bundle.number * WIDTH
        kept = hashes_in(tile) if tile is not None else hashes
        if packed is not None and len(entries) != bundle.width:
            self._finds(PREFIX + bundle.path, "altered", f"it is not a bundle of {bundle.width} entries")
        if len(kept) != bundle.width:
            self._finds(PREFIX + bundle._replace(level=0).path, "altered", f"it does not hold {bundle.width} hashes")
            kept = hashes
        disagreeing = _differing(hashes, kept)
        for place in disagreeing:
            self._names(entries, place, start, "altered", "the log's bundle and its tile disagree about it")
        self._differs(bundle, entries, [place for place in _differing(kept, held) if place not in disagreeing])
        self._remember(entries, start)
        return kept

    def _differs(self, bundle: Tile, entries: Sequence[bytes], places: list[int]) -> None:
        """Keep that the witness holds other hashes than the log: who is right shows at the end."""
        if places and self.seen:
            start, because = bundle.number * WIDTH, "the witness saw another entry {} of the log"
            width = min(WIDTH, self.seen.checkpoint.size - start)
            found = self._named(entries, places[0], start, "rewritten", because.format(start + places[0]))
            self.differ[Tile(0, bundle.number, width)] = found

    def _remember(self, entries: Sequence[bytes], start: int) -> None:
        for place, entry in enumerate(entries):
            found = read_commitment(entry)
            if found is None:
                self._names(entries, place, start, "altered", "it is not a commitment to an entry")
            else:
                if not self.committed.add(found.case, found.seq, found.digest):
                    self._names(entries, place, start, "doubled", "the log commits to it twice")
                if found.at < self.at:
                    because = f"it says that it was sealed at {found.at}, and the one before it at {self.at}"
                    self._names(entries, place, start, "backdated", because)
                self.at = found.at
                self._note(found, start + place)

    def _note(self, found: Commitment, place: int) -> None:
        """Take up what was asked for of an entry."""
        if self.scope and self.scope.demands(found.case, found.at):
            self.demanded[found.case] = max(found.seq, self.demanded.get(found.case, 0))
        if place in self._edges:
            self.placed[place] = found

    @cached_property
    def _edges(self) -> frozenset[int]:
        return frozenset({*(size - 1 for size in self.sizes), *self.sizes})

    def _sizes_in(self, bundle: Tile) -> Sequence[int]:
        begin = bundle.number * WIDTH
        return self.sizes[bisect_right(self.sizes, begin) : bisect_right(self.sizes, begin + bundle.width)]

    async def _match(self, new: dict[str, bytes], *, full: bool) -> None:
        """Compare the tiles above the leaves with those published."""
        for path, data in new.items():
            if path.startswith("tile/0/") or (full and ".p/" in path):
                continue
            try:
                if await self.log.store.get(PREFIX + path) != data:
                    self._finds(PREFIX + path, "altered", "it is not what the tiles below it hash to")
            except NotFoundError:
                self._finds(PREFIX + path, "removed", "the head needs it")

    def _names(self, entries: Sequence[bytes], place: int, start: int, fault: Fault, because: str) -> None:
        self.findings.append(self._named(entries, place, start, fault, because))

    def _named(self, entries: Sequence[bytes], place: int, start: int, fault: Fault, because: str) -> Finding:
        """Name the entry of the log by the entry of a chain that it commits to."""
        found = read_commitment(entries[place]) if place < len(entries) else None
        where = entry_key(found.case, found.seq) if found else f"{PREFIX}tile/entries#{start + place}"
        return Finding(found.case if found else "log", where, fault, because)

    def _finds(self, where: str, fault: Fault, because: str) -> None:
        self.findings.append(Finding("log", where, fault, because))


def _differing(ones: Sequence[bytes], others: Sequence[bytes]) -> list[int]:
    if ones == others:
        return []
    return [place for place, (one, other) in enumerate(zip(ones, others, strict=False)) if one != other]
