"""The log as files: whatever way a tree grows, its tiles are the same, and its proofs hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.wire.merkle import EMPTY_ROOT, extends, holds, leaf_hash, node_hash, within
from blocks.wire.tiles import (
    Edge,
    Span,
    Tile,
    bundled,
    consistency_spans,
    grown,
    hashes_in,
    inclusion_spans,
    left_spans,
    levels_of,
    root_after,
    spanned,
    tiles_for,
    tiles_of,
    unbundled,
)

ENTRIES = [str(number).encode() for number in range(70_000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
WHOLE, FILES = grown(Edge(), ENTRIES)


def mth(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    half = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(mth(hashes[:half]), mth(hashes[half:]))


def shown(spans: list[Span], size: int, files: dict[str, bytes]) -> list[bytes]:
    tiles = {tile: hashes_in(files[tile.path]) for tile in tiles_for(spans, size)}
    return [spanned(span, size, tiles) for span in spans]


def test_the_tree_of_the_specifications_example_has_the_tiles_it_names():
    widths = {level: [tile.width for tile in tiles_of(70_000, level)] for level in levels_of(70_000)}
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}
    assert [tile.width for tile in tiles_of(256, 1)] == [1]
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(None, 0, 3).path == "tile/entries/000.p/3"
    assert list(levels_of(0)) == []


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_a_tree_has_the_root_of_the_standard_and_every_tile(size: int):
    edge, files = grown(Edge(), ENTRIES[:size])
    assert (edge.size, edge.root) == (size, mth(LEAVES[:size]))
    named = {tile.path for level in (None, *levels_of(size)) for tile in tiles_of(size, level)}
    assert set(files) == named
    assert all(hashes_in(files[tile.path])[0] == LEAVES[tile.number * 256] for tile in tiles_of(size, 0))


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), max_size=6))
def test_however_it_grows_its_tiles_are_the_same(steps: list[int]):
    edge, files, size = Edge(), {}, 0
    for step in steps:
        edge, new = grown(edge, ENTRIES[size : size + step])
        size += step
        files |= new
    at_once, wanted = grown(Edge(), ENTRIES[:size])
    assert edge == at_once
    assert wanted.items() <= files.items()


@settings(deadline=None)
@given(st.integers(1, 1500), st.data())
def test_every_proof_from_tiles_holds_and_no_other_leaf_does(size: int, data: st.DataObject):
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    edge, files = grown(Edge(), ENTRIES[:size])
    proof = shown(inclusion_spans(index, size), size, files)
    assert holds(LEAVES[index], index, size, proof, edge.root)
    assert not holds(LEAVES[-1], index, size, proof, edge.root)
    assert extends(old, mth(LEAVES[:old]), size, edge.root, shown(consistency_spans(old, size), size, files))


def subtree_proof(start: int, end: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """`SUBTREE_SUBPROOF` of draft-ietf-plants-merkle-tree-certs, word for word."""
    size = len(leaves)
    if (start, end) == (0, size):
        return [] if whole else [mth(leaves)]
    half = 1 << ((size - 1).bit_length() - 1)
    if end <= half:
        return [*subtree_proof(start, end, leaves[:half], whole=whole), mth(leaves[half:])]
    if start >= half:
        return [*subtree_proof(start - half, end - half, leaves[half:], whole=whole), mth(leaves[:half])]
    return [*subtree_proof(0, end - half, leaves[half:], whole=False), mth(leaves[:half])]


@given(st.integers(1, 40), st.integers(0, 5), st.data())
def test_the_proof_of_a_subtree_holds_and_is_no_other_subtrees(size: int, height: int, data: st.DataObject):
    start = data.draw(st.integers(0, (size - 1) >> height)) << height
    end = data.draw(st.integers(start + 1, min(size, start + (1 << height))))
    leaves, root = LEAVES[:size], mth(LEAVES[:size])
    proof = subtree_proof(start, end, leaves)
    assert within(start, end, mth(leaves[start:end]), size, root, proof)
    assert not within(start, end, LEAVES[-1], size, root, proof)
    assert not within(start, end, mth(leaves[start:end]), size, root, [*proof, LEAVES[-1]])
    assert not within(start, end, mth(leaves[start:end]), size, root, proof[:-1]) or not proof


def test_what_is_no_subtree_is_part_of_nothing():
    assert within(3, 3, EMPTY_ROOT, 5, mth(LEAVES[:5]), [])
    assert not within(1, 3, mth(LEAVES[1:3]), 5, mth(LEAVES[:5]), [])
    assert not within(0, 3, mth(LEAVES[:3]), 5, mth(LEAVES[:5]), [])
    assert not holds(LEAVES[0], 5, 5, [], LEAVES[0])
    assert not holds(LEAVES[0], 0, 1, [LEAVES[1]], LEAVES[0])


def test_a_proof_reaches_across_the_levels_of_tiles():
    proof = shown(inclusion_spans(66_000, 70_000), 70_000, FILES)
    assert holds(LEAVES[66_000], 66_000, 70_000, proof, WHOLE.root)
    proof = shown(consistency_spans(66_000, 70_000), 70_000, FILES)
    assert extends(66_000, mth(LEAVES[:66_000]), 70_000, WHOLE.root, proof)
    assert spanned(Span(0, 0), 70_000, {}) == EMPTY_ROOT


def test_nothing_added_makes_nothing_new():
    assert grown(WHOLE, []) == (WHOLE, {})


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_a_bundle_is_read_as_it_was_printed(entries: list[bytes]):
    assert unbundled(bundled(entries)) == entries


@pytest.mark.parametrize("data", [b"\0", b"\0\2a", b"\0\1ab", b"\xff\xff"])
def test_what_is_no_bundle_is_none(data: bytes):
    assert unbundled(data) is None


def test_an_entry_longer_than_the_format_allows_is_refused():
    with pytest.raises(ValueError, match="at most 65,535 bytes"):
        bundled([b"x" * 65_536])


@given(st.integers(1, 700), st.data())
def test_a_root_is_the_same_whether_one_knows_all_leaves_or_only_those_after_a_place(size: int, data: st.DataObject):
    first = data.draw(st.integers(0, size - 1))
    hashes = LEAVES[:size]
    left = {span: mth(hashes[span.start : span.end]) for span in left_spans(first)}
    assert root_after(left, first, hashes[first:]) == mth(hashes)
