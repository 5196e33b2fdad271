"""The books that many cases share, and what of a book was in force at a moment."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from blocks.records.ledger import Line

POLICY = "book~policy"
DIRECTORY = "book~directory"
DUTIES = "book~duties"
KNOWN_WITHIN = timedelta(minutes=1)
"""What is adopted is known everywhere within this, generously, where clocks differ: for whoever judges afterwards."""


def latest(adopted: Sequence[Line], on: date) -> Line | None:
    """Find what is in force on a day among what was adopted; of what takes effect on one day, the last adopted."""
    begun = [x for x in adopted if date.fromisoformat(x.body["effective_from"]) <= on]
    return max(reversed(begun), key=lambda line: line.body["effective_from"]) if begun else None


def versions_at(adopted: Sequence[Line], at: datetime) -> tuple[str, ...]:
    """Name the versions by which somebody may have judged at a moment: in force then, or just before."""
    lines = (latest([x for x in adopted if x.at < then], then.date()) for then in (at, at - KNOWN_WITHIN))
    return tuple(dict.fromkeys(str(line.body["object"]) for line in lines if line))
