"""Verifying the fingerprints that were told: the log must still continue every head of which somebody kept one."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import ValidationError

from blocks.audit.finding import Finding
from blocks.audit.log import LogFound
from blocks.books import FINGERPRINT
from blocks.ledger import Ledger, TamperedError
from blocks.sealing.log import CHECKPOINT

_TOLD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


class Told(NamedTuple):
    """A head that somebody was told of: how many entries, their root in hex, and by what one knows of it."""

    size: int
    root: str
    by: str = "the head that was given"


def read_told(text: str) -> Told:
    """Read `SIZE:ROOT`, the root in hex; as a card tells it, with blanks and commas, too. ValueError where it is none.

    >>> read_told("1,204: 00112233 " + "44556677 " * 7).size
    1204
    """
    found = _TOLD.fullmatch(re.sub(r"[\s,]", "", text).lower())
    if found is None:
        raise ValueError(f"a head reads SIZE:ROOT, the root in 64 hex digits, and not {text[:80]!r}")
    return Told(int(found[1]), found[2])


async def told_of(ledger: Ledger) -> list[Told]:
    """Read what was told day by day, of which the ledger keeps a book."""
    try:
        lines = (await ledger.read(FINGERPRINT)).having("told")
    except (TamperedError, ValidationError):
        return []  # named where the chains are verified
    return [Told(x.body["size"], x.body["root"], f"the fingerprint of {x.key}") for x in lines]


def audit_told(told: Sequence[Told], found: LogFound) -> list[Finding]:
    """Name the first head of each kind that the log does not continue."""
    wrong = dict[str, Finding]()
    for one in told:
        root = found.roots.get(one.size)
        if one.size > found.size:
            because = f"it shows {found.size} entries; {one.by} names {one.size}"
            wrong.setdefault("replayed", Finding("log", CHECKPOINT, "replayed", because))
        elif one.size and root is not None and root.hex() != one.root:
            because = f"the first {one.size} entries have the root {root.hex()[:16]}…; {one.by} is another"
            wrong.setdefault("rewritten", Finding("log", CHECKPOINT, "rewritten", because))
    return list(wrong.values())
