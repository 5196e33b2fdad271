"""Merkle trees: the vectors of transparency-dev/merkle, and whatever tree hypothesis thinks of."""

import base64
import json
from pathlib import Path
from typing import Any

from blocks.wire.merkle import extends, holds, within
from tests.needs import corpus


def vectors(kind: str) -> list[tuple[Path, dict[str, Any]]]:
    found = [(path, json.loads(path.read_text())) for path in sorted(corpus(f"tlog/{kind}").rglob("*.json"))]
    assert len(found) > 90
    return found


def hashes(vector: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(vector[name] or "") for name in names]


def proof(vector: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(one) for one in vector["proof"] or []]


def test_inclusion_agrees_with_every_vector():
    for path, one in vectors("inclusion"):
        leaf, root = hashes(one, "leafHash", "root")
        assert holds(leaf, one["leafIdx"], one["treeSize"], proof(one), root) is not one["wantErr"], path


def test_consistency_agrees_with_every_vector():
    for path, one in vectors("consistency"):
        old, new = hashes(one, "root1", "root2")
        assert extends(one["size1"], old, one["size2"], new, proof(one)) is not one["wantErr"], path


def test_inclusion_in_a_subtree_agrees_with_every_vector():
    for path, one in vectors("subtreeinclusion"):
        leaf, root = hashes(one, "leafHash", "root")
        index, size = one["leafIdx"] - one["start"], one["end"] - one["start"]
        assert holds(leaf, index, size, proof(one), root) is not one["wantErr"], path


def test_consistency_of_a_subtree_agrees_with_every_vector():
    for path, one in vectors("subtreeconsistency"):
        old, new = hashes(one, "root1", "root2")
        assert within(one["start"], one["end"], old, one["size"], new, proof(one)) is not one["wantErr"], path
