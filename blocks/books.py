"""The books that many cases share, and what of a book was in force at a moment."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from blocks.errors import RefusedError
from blocks.records.ledger import Line

POLICY = "book~policy"
DIRECTORY = "book~directory"
DUTIES = "book~duties"
FINGERPRINT = "book~fingerprint"
VAULT = "book~vault"
KNOWN_WITHIN = timedelta(minutes=1)
"""What is adopted is known everywhere within this, generously, where clocks differ: for whoever judges afterwards."""


@lru_cache(maxsize=4096)
def start_of(day: date, zone: str) -> datetime:
    """Say when a day of the hospital begins, in UTC."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def starts(effective_from: date, zone: str) -> dict[str, str]:
    """Print, for the line that adopts, from when on something is in force: from a day on, in which time zone.

    `RefusedError` where there is no such zone: of such a line nobody could say when it holds.
    """
    try:
        start_of(effective_from, zone)
    except (KeyError, ValueError, OSError) as error:
        why = f"zone: {zone!r} is none: give an IANA time zone like America/Chicago"
        raise RefusedError("directory", why) from error
    return {"effective_from": effective_from.isoformat(), "zone": zone}


def takes_effect(adopted: Line) -> datetime:
    """Say when what was adopted takes effect. Lines that name no zone, as older ones, hold from midnight UTC on."""
    return start_of(date.fromisoformat(adopted.body["effective_from"]), adopted.body.get("zone", "UTC"))


def latest(adopted: Sequence[Line], at: datetime) -> Line | None:
    """Find what is in force at a moment among what was adopted; of what takes effect on one day, the last adopted."""
    begun = [line for line in adopted if takes_effect(line) <= at]
    return max(reversed(begun), key=lambda line: line.body["effective_from"]) if begun else None


def versions_at(adopted: Sequence[Line], at: datetime) -> tuple[str, ...]:
    """Name the versions by which somebody may have judged at a moment: in force then, or just before."""
    lines = (latest([x for x in adopted if x.at < then], then) for then in (at, at - KNOWN_WITHIN))
    return tuple(dict.fromkeys(str(line.body["object"]) for line in lines if line))
