"""Clockwork: a hospital whose policy has a clock, and what moves it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from blocks.records.clock import Calendar, Clock
from blocks.rulebook import Shelf, adopt
from tasks import clock
from tasks.rules.clock import Move, Span, open_hours
from tests.hospital import Hospital, plain_policy

CLOCK = Clock(
    calendar=Calendar(country="US"), due_hours=9, remind_every_hours=9, escalate_after_hours=18, escalate_to="manager",
    expire_after_days=14, pause_hours_max=45,
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Chicago")).astimezone(UTC)


ASKED, TUESDAY, WEDNESDAY, LATER = (
    at(text) for text in ("2026-11-23 08:00", "2026-11-24 09:00", "2026-11-25 09:00", "2026-12-08 09:00")
)


def business_time_between(
    start: datetime, end: datetime, calendar: Calendar, zone: str, pauses: Sequence[Span] = ()
) -> timedelta:
    """Sum the hours at which people are at work, without the pauses, which do not overlap."""
    total = timedelta()
    for piece in open_hours(start, calendar, zone):
        if piece.start >= end:
            break
        until = min(piece.end, end)
        cut = (min(until, one.end) - max(piece.start, one.start) for one in pauses)
        total += until - piece.start - sum((x for x in cut if x > timedelta()), timedelta())
    return total


async def with_clock(hospital: Hospital, told: Clock | None) -> Hospital:
    wanted = plain_policy().model_copy(update={"clock": told, "effective_from": date(2026, 1, 2)})
    await adopt(hospital.ledger, wanted, actor="door:test", at=hospital.now)
    return hospital


async def waiting(hospital: Hospital, item: str = "CENTRI-5", quantity: int = 1, **more) -> str:
    """Let a case wait, by default for Ana Silva as department manager and then for Frida Ng as finance director."""
    case = await hospital.submit(item, quantity, **{"by": "sam.lind", "centre": "ICU"} | more)
    assert await hospital.wake(case) is None
    return case


async def tick(hospital: Hospital, case: str, now: datetime) -> Move | None:
    hospital.now = max(hospital.now, now)
    return (await clock.keep_time(case, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=now))[0]
