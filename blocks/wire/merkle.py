"""Merkle trees as RFC 6962 hashes them (SHA-256), and the proofs one can check without the tree.

Hashes are 32 bytes. A tree of *size* leaves has one root, `MTH`; a proof is the hashes of the subtrees beside a path.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf (RFC 6962, 2.1)."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node (RFC 6962, 2.1)."""
    return sha256(b"\1" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Hash a tree over one or more nodes of one height, leaves or roots of full subtrees: `MTH` (RFC 6962, 2.1)."""
    level = list(hashes)
    while len(level) > 1:
        paired = [sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level = [*paired, level[-1]] if len(level) % 2 else paired
    return level[0]


def holds(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether *proof* shows *leaf* (its hash) at *index* of the tree of *size* with *root* (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        return False
    place, last, found = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if place % 2 or place == last:
            found = node_hash(beside, found)
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def extends(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether *proof* shows that the tree of *size* continues the one of *old* leaves (RFC 9162, 2.1.4.2)."""
    return (old > 0 or (size == 0 and root == old_root)) and within(0, old, old_root, size, root, proof)


def within(  # noqa: C901  the standard's own steps
    start: int, end: int, subtree: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Say whether *proof* shows that the leaves [start, end) of the tree of *size* hash to *subtree*.

    With `start` 0 it is the consistency proof of RFC 9162, 2.1.4.2; else a subtree's of
    draft-ietf-plants-merkle-tree-certs. No leaves are part of every tree, and that needs no proof.
    """
    if start == end and 0 <= end <= size:
        return subtree == EMPTY_ROOT and not proof
    if not 0 <= start < end <= size or not _is_subtree(start, end):
        return False
    first, last, end_of_tree = start, end - 1, size - 1
    while first != last and (last == end_of_tree or last % 2):
        first, last, end_of_tree = first >> 1, last >> 1, end_of_tree >> 1
    rest = list(proof)
    if first == last:
        old = new = subtree
    elif rest:
        old = new = rest.pop(0)
    else:
        return False
    for beside in rest:
        if end_of_tree == 0:
            return False
        if last % 2 or last == end_of_tree:
            if first < last:
                old = node_hash(beside, old)
            new = node_hash(beside, new)
            while last and not last % 2:
                first, last, end_of_tree = first >> 1, last >> 1, end_of_tree >> 1
        else:
            new = node_hash(new, beside)
        first, last, end_of_tree = first >> 1, last >> 1, end_of_tree >> 1
    return end_of_tree == 0 and old == subtree and new == root


def _is_subtree(start: int, end: int) -> bool:
    """Say whether [start, end) begins at a multiple of the smallest power of two that holds it."""
    return start % (1 << (end - start - 1).bit_length()) == 0
