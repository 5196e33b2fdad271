"""The bundle: one case as an auditor takes it away, a JSON file of a few kilobytes that proves itself offline.

`infrastructure/auditor/check_bundle.py` reads it, and is all that an auditor needs to.

    entries      the chain's entries as they are stored, a line each, deflated, in base64
    enrolled     the entries of the book of passkeys that enrolled or withdrew what signed, each with its proof. That
                 none is left out only the whole book shows: a month's pack has it, and `almoner ledger verify` reads it
    log          the last entry's proof (RFC 6962) and the signed head (C2SP checkpoint) that it leads to: it proves
                 them all, since each entry holds the digest of the one before
    keys         the log's first public key, its handovers, the witness's key
"""

import base64
import json
import zlib
from typing import Any, NamedTuple

from blocks.sealing.log import Inclusion

FORMAT = "almoner-bundle/1"
BYTES_MAX = 10_000
"""A decision."""


class Known(NamedTuple):
    """The keys by which a log is believed, as text."""

    log: str
    handovers: tuple[str, ...] = ()
    witness: str = ""


class Proven(NamedTuple):
    """An entry as stored, and the proof that it is in the log, where one is kept."""

    entry: bytes
    proof: Inclusion | None = None


def bundled(
    case: str, texts: list[bytes], enrolled: list[Proven], *, proof: Inclusion | None = None, known: Known | None = None
) -> bytes:
    """Print a bundle: the same case under the same head is the same bytes."""
    told: dict[str, Any] = {
        "format": FORMAT,
        "case": case,
        "entries": base64.b64encode(zlib.compress(b"\n".join(texts), 9)).decode(),
        "enrolled": [_enrolled(one) for one in enrolled],
    }
    if proof and known:
        told["log"] = {"checkpoint": proof.head.note.data.decode(), "proof": _path(proof)}
        told["keys"] = {"log": known.log, "handovers": list(known.handovers)}
        if known.witness:
            told["keys"]["witness"] = known.witness
    return f"{json.dumps(told, indent=1, ensure_ascii=False)}\n".encode()


def _enrolled(one: Proven) -> dict[str, Any]:
    told: dict[str, Any] = {"entry": one.entry.decode()}
    return told | ({"proof": _path(one.proof)} if one.proof else {})


def _path(proof: Inclusion) -> dict[str, Any]:
    hashes = [base64.b64encode(x).decode() for x in proof.hashes]
    return {"place": proof.place, "leaf": proof.leaf.decode(), "hashes": hashes}
