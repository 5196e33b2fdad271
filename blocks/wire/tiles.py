"""A Merkle log as static files: C2SP tlog-tiles. Paths, entry bundles, tiles, and the tree as it grows.

A tile holds up to 256 hashes of one height: level 0 the leaves', level 1 the roots of full level-0 tiles, and so on. A
bundle holds the entries of a level-0 tile. A full one never changes; a partial one is named by how many it holds.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from blocks.wire.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash, root_of

WIDTH = 256
HEIGHT = 8
ENTRY_MAX = 0xFFFF
_PATH = re.compile(r"tile/0/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?")
_LENGTH = struct.Struct(">H")


class Tile(NamedTuple):
    """Which tile: `level` None is a bundle of entries; `width` < 256 makes it partial."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies below the log's prefix.

        >>> Tile(0, 1234067, 8).path
        'tile/0/x001/x234/067.p/8'
        """
        number = self.number
        parts: list[str] = []
        while not parts or number:
            number, last = divmod(number, 1000)
            parts.append(f"{'x' if parts else ''}{last:03}")
        name = "/".join(reversed(parts))
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{'entries' if self.level is None else self.level}/{name}{partial}"


def tile_at(path: str) -> Tile | None:
    """Read which tile of the leaves lies at a path, or None where it is no path of one.

    >>> tile_at("tile/0/x001/x234/067.p/8")
    Tile(level=0, number=1234067, width=8)
    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    tile = Tile(0, int(found[1].replace("x", "").replace("/", "")), int(found[2] or WIDTH))
    return tile if tile.path == path else None


def tiles_of(size: int, level: int | None, start: int = 0) -> Iterator[Tile]:
    """List the tiles of one level of the tree of *size*, from that of node *start* on."""
    nodes = size >> (HEIGHT * (level or 0))
    for number in range(start // WIDTH, -(-nodes // WIDTH)):
        yield Tile(level, number, min(WIDTH, nodes - number * WIDTH))


def levels_of(size: int) -> range:
    """List the levels on which the tree of *size* has tiles."""
    return range(-(-max(size.bit_length(), 1) // HEIGHT)) if size else range(0)


def bundled(entries: Sequence[bytes]) -> bytes:
    """Print entries as a bundle; ValueError for one longer than 65,535 bytes."""
    try:
        return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)
    except struct.error:
        raise ValueError(f"an entry of the log holds at most {ENTRY_MAX:,} bytes") from None


def unbundled(data: bytes) -> list[bytes] | None:
    """Read a bundle's entries, or None where the bytes are no bundle."""
    entries, place, end = [], 0, len(data)
    while place < end:
        start = place + 2
        place = start + int.from_bytes(data[place:start])
        if start > end or place > end:
            return None
        entries.append(data[start:place])
    return entries


def hashes_in(data: bytes) -> list[bytes]:
    """Cut a tile into its hashes."""
    return [data[place : place + HASH_BYTES] for place in range(0, len(data), HASH_BYTES)]


@dataclass(frozen=True)
class Edge:
    """A tree by its right edge: all that is needed to make it grow.

    `levels` holds the hashes of each level's last tile while it is partial, `bundle` the entries of the last bundle.
    """

    size: int = 0
    levels: tuple[tuple[bytes, ...], ...] = ()
    bundle: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The root hash of the tree."""
        found = None
        for hashes in self.levels:
            for full in reversed(list(_full_subtrees(hashes))):
                found = full if found is None else node_hash(full, found)
        return found or EMPTY_ROOT


def grown(edge: Edge, entries: Sequence[bytes]) -> tuple[Edge, dict[str, bytes]]:
    """Add entries to a tree; return its new edge, and by path every tile and bundle that is new."""
    hashed, new = hashed_in(edge, [leaf_hash(entry) for entry in entries])
    bundle, first = [*edge.bundle, *entries], edge.size // WIDTH
    for number, start in enumerate(range(0, len(bundle) if entries else 0, WIDTH), first):
        held = bundle[start : start + WIDTH]
        new[Tile(None, number, len(held)).path] = bundled(held)
    return Edge(hashed.size, hashed.levels, tuple(bundle[len(bundle) // WIDTH * WIDTH :])), new


def hashed_in(edge: Edge, hashes: Sequence[bytes]) -> tuple[Edge, dict[str, bytes]]:
    """Add leaves by their hashes; return the new edge, without a bundle, and by path every tile that is new."""
    levels, size, new = [list(held) for held in edge.levels], edge.size, dict[str, bytes]()
    for added in hashes:
        size += 1
        _add(levels, added, size, new)
    for level, held in enumerate(levels):
        changed = size >> (HEIGHT * level) != edge.size >> (HEIGHT * level)
        if held and changed:
            new[Tile(level, size >> (HEIGHT * (level + 1)), len(held)).path] = b"".join(held)
    return Edge(size, tuple(map(tuple, levels))), new


def _add(levels: list[list[bytes]], added: bytes, size: int, new: dict[str, bytes]) -> None:
    """Add a leaf's hash; a tile that it fills is new, and its root goes one level up."""
    level, found = 0, added
    while True:
        if level == len(levels):
            levels.append([])
        levels[level].append(found)
        if len(levels[level]) < WIDTH:
            return
        new[Tile(level, (size >> (HEIGHT * (level + 1))) - 1).path] = b"".join(levels[level])
        found, levels[level], level = root_of(levels[level]), [], level + 1


def _full_subtrees(hashes: Sequence[bytes]) -> Iterator[bytes]:
    """Hash the largest full subtrees of a partial tile, left to right."""
    place = 0
    for height in reversed(range(HEIGHT)):
        if len(hashes) >> height & 1:
            yield root_of(hashes[place : place + (1 << height)])
            place += 1 << height


class Span(NamedTuple):
    """The leaves [start, end) of a tree: *start* a multiple of the smallest power of two that holds them."""

    start: int
    end: int


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Name the subtrees beside the path of a leaf, from the leaf up: `PATH` (RFC 6962, 2.1.1)."""
    spans, start, end = [], 0, size
    while end - start > 1:
        middle = start + _half(end - start)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, size: int) -> list[Span]:
    """Name the subtrees that show that the tree of *size* continues that of *old* > 0: `PROOF` (RFC 6962, 2.1.2)."""
    spans, start, end, whole = [], 0, size, True
    while old != end:
        middle = start + _half(end - start)
        if old <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start, whole = middle, False
    return ([] if whole else [Span(start, end)]) + spans[::-1]


def _half(size: int) -> int:
    """Find the largest power of two below *size*."""
    return 1 << ((size - 1).bit_length() - 1)


def left_spans(first: int) -> list[Span]:
    """Name the full subtrees that the leaves before *first* make up, left to right."""
    heights = [height for height in reversed(range(first.bit_length())) if first >> height & 1]
    ends = list(accumulate((1 << height for height in heights), initial=0))
    return [Span(*one) for one in pairwise(ends)]


def root_after(left: Mapping[Span, bytes], first: int, hashes: Sequence[bytes]) -> bytes:
    """Hash a tree of which the leaves from *first* on are known, and before them the full subtrees: `left_spans`."""

    def hashed(start: int, end: int) -> bytes:
        if end <= first:
            return left[Span(start, end)]
        if start >= first:
            return root_of(hashes[start - first : end - first])
        middle = start + _half(end - start)
        return node_hash(hashed(start, middle), hashed(middle, end))

    return hashed(0, first + len(hashes))


def tiles_for(spans: Sequence[Span], size: int) -> set[Tile]:
    """List the tiles of the tree of *size* that hold what `spanned` needs."""
    return {_tile_of(height, index, size) for span in spans for height, index in _nodes(span)}


def spanned(span: Span, size: int, tiles: Mapping[Tile, Sequence[bytes]]) -> bytes:
    """Hash the leaves of *span* from the hashes in *tiles*: `MTH(D[start:end])`."""
    found = None
    for height, index in reversed(_nodes(span)):
        tile, below = _tile_of(height, index, size), height % HEIGHT
        place = (index << below) % WIDTH
        full = root_of(tiles[tile][place : place + (1 << below)])
        found = full if found is None else node_hash(full, found)
    return found or EMPTY_ROOT


def _nodes(span: Span) -> list[tuple[int, int]]:
    """Name a span's full subtrees by height and index, left to right."""
    nodes, start = [], span.start
    while start < span.end:
        height = (span.end - start).bit_length() - 1
        nodes.append((height, start >> height))
        start += 1 << height
    return nodes


def _tile_of(height: int, index: int, size: int) -> Tile:
    """Find the tile that holds, or from which one hashes, a node of the tree."""
    level = height // HEIGHT
    number = (index << (height % HEIGHT)) // WIDTH
    return Tile(level, number, min(WIDTH, (size >> (HEIGHT * level)) - number * WIDTH))
