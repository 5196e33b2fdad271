"""The clock: business hours, and what is due while an ask waits. Pure: the time is told, never looked up.

All spans are half open and in UTC; a calendar's hours are the hospital's own, whatever the sun does: on the day of a
change of the clocks a shift from midnight to noon has eleven hours, or thirteen.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo

from blocks.records.clock import DAYS, Calendar, Clock, Shift
from blocks.records.ledger import Line

if TYPE_CHECKING:
    from holidays import HolidayBase

DAY = timedelta(days=1)
FOREVER = datetime.max.replace(tzinfo=UTC)
Move = Literal["remind", "nudge", "escalate", "expire"]


class Span(NamedTuple):
    """A stretch of time: from `start` on, and not at `end` any more."""

    start: datetime
    end: datetime


class Watch(NamedTuple):
    """What the ledger says of one ask that matters to the clock."""

    asked: datetime
    reminded: datetime | None = None
    nudged: datetime | None = None
    escalated: bool = False
    stops: tuple[Span, ...] = ()
    """From a question to its answer, from a hold to its end; or for ever."""


class Times(NamedTuple):
    """When what is due for one ask, as things stand; None: never."""

    due: datetime
    remind: datetime | None
    escalate: datetime | None
    expire: datetime | None
    nudge: datetime | None
    """When who stopped the clock, or has to answer, is told again that it stands still."""
    pauses: tuple[Span, ...]

    def paused(self, at: datetime) -> bool:
        """Say whether the clock stands still at a moment.

        A stop that the ledger holds was there before whoever looks, though by their clock, or by the time at which
        their round began, it seems to come later.
        """
        return any(at < one.end for one in self.pauses)


def due_at(asked: datetime, clock: Clock, zone: str, pauses: Sequence[Span] = ()) -> datetime:
    """Say when an answer to something asked at a moment is due."""
    return after(asked, clock.due_hours, clock.calendar, zone, pauses)


def after(start: datetime, hours: int, calendar: Calendar, zone: str, pauses: Sequence[Span] = ()) -> datetime:
    """Say when so many business hours have passed since *start*, without the pauses."""
    left = timedelta(hours=hours)
    for piece in _working(start, calendar, zone, pauses):
        if left <= piece.end - piece.start:
            return piece.start + left
        left -= piece.end - piece.start
    raise AssertionError  # pragma: no cover  (working hours do not end)


def is_open(at: datetime, calendar: Calendar, zone: str) -> bool:
    """Say whether people are at work at a moment."""
    return next(open_hours(at, calendar, zone)).start == at.astimezone(UTC)


def watched(lines: Sequence[Line], ask: str) -> Watch:
    """Read from a case's lines what matters of one ask, which has been asked."""
    mine = [line for line in lines if line.key == ask]
    reminders = [line for line in mine if line.act == "reminded"]
    return Watch(
        asked=next(line.at for line in mine if line.act == "asked"),
        reminded=max((line.at for line in reminders if not line.body["stopped"]), default=None),
        nudged=max((line.at for line in reminders if line.body["stopped"]), default=None),
        escalated=any(line.act == "escalated" for line in mine),
        stops=tuple(_stops(mine)),
    )


def times_of(watch: Watch, clock: Clock, zone: str) -> Times:
    """Say when what is due. An ask is never over before it was due; a question or a hold stops the clock."""
    calendar, every = clock.calendar, clock.remind_every_hours
    pauses = _merged(
        Span(one.start, min(one.end, after(one.start, clock.pause_hours_max, calendar, zone))) for one in watch.stops
    )
    due = due_at(watch.asked, clock, zone, pauses)
    remind = escalate = expire = nudge = None
    if every:
        remind = after(watch.reminded or watch.asked, every, calendar, zone, pauses)
        if standing := [one.start for one in watch.stops if one.end == FOREVER]:
            nudge = after(max(standing[0], watch.nudged or standing[0]), every, calendar, zone)
    if clock.escalate_after_hours and not watch.escalated:
        escalate = after(watch.asked, clock.escalate_after_hours, calendar, zone, pauses)
    if clock.expire_after_days:
        expire = max(due, _days_after(watch.asked, clock.expire_after_days, pauses))
    return Times(due, remind, escalate, expire, nudge, pauses)


def what_is_due(times: Times, clock: Clock, zone: str, now: datetime) -> Move | None:
    """Say what is to be done now, the weightiest first; people are disturbed only while they are at work."""

    def come(at: datetime | None) -> bool:
        return at is not None and at <= now

    if times.paused(now):
        return "nudge" if come(times.nudge) and is_open(now, clock.calendar, zone) else None
    if come(times.expire):
        return "expire"
    if not (come(times.escalate) or come(times.remind)) or not is_open(now, clock.calendar, zone):
        return None
    return "escalate" if come(times.escalate) else "remind"


def open_hours(since: datetime, calendar: Calendar, zone: str) -> Iterator[Span]:
    """List when people are at work from a moment on: spans in order that do not overlap, without end."""
    reached = since.astimezone(UTC)
    first = since.astimezone(ZoneInfo(zone)).date() - DAY
    for shift in (
        one for days in count() for one in _shifts_on(first + days * DAY, calendar, zone)
    ):  # pragma: no branch
        if shift.end > reached:
            yield Span(max(shift.start, reached), shift.end)
            reached = shift.end


def _shifts_on(day: date, calendar: Calendar, zone: str) -> list[Span]:
    """List the shifts that begin on a day."""
    if day in calendar.closed_on or _is_holiday(day, calendar.country, calendar.subdivision, calendar.works_on):
        return []
    name = DAYS[day.weekday()]
    spans = (_span(day, shift, zone) for shift in calendar.shifts if name in shift.days)
    return sorted(span for span in spans if span.start < span.end)


def _span(day: date, shift: Shift, zone: str) -> Span:
    """Place a shift on a day; an hour that the clocks skip is an hour later, one that they repeat is the first."""
    tz, until = ZoneInfo(zone), day if shift.closes > shift.opens else day + DAY
    opens = datetime.combine(day, shift.opens, tzinfo=tz).astimezone(UTC)
    return Span(opens, datetime.combine(until, shift.closes, tzinfo=tz).astimezone(UTC))


@lru_cache(maxsize=4096)
def _is_holiday(day: date, country: str | None, subdivision: str | None, works_on: tuple[str, ...]) -> bool:
    if country is None:
        return False
    told = _holidays(country, subdivision, day.year).get(day)
    return any(name.removesuffix(" (observed)") not in works_on for name in told.split("; ")) if told else False


@lru_cache(maxsize=64)
def _holidays(country: str, subdivision: str | None, year: int) -> "HolidayBase":
    from holidays import country_holidays  # it takes a third of a second

    return country_holidays(country, subdiv=subdivision, years=year, expand=False, language="en_US")


def _working(since: datetime, calendar: Calendar, zone: str, pauses: Sequence[Span]) -> Iterator[Span]:
    for span in open_hours(since, calendar, zone):  # pragma: no branch
        start = span.start
        for pause in pauses:
            if pause.start >= span.end or pause.end <= start:
                continue
            if pause.start > start:
                yield Span(start, pause.start)
            start = pause.end
        if start < span.end:
            yield Span(start, span.end)


def _stops(lines: Sequence[Line]) -> Iterator[Span]:
    """Span each question to its answer, which may come from anybody but who asked it, and each hold to its end."""
    for place, line in enumerate(lines):
        if line.act == "question":
            ends = (one.at for one in lines[place:] if one.act == "answer" and one.actor != line.actor)
            yield Span(line.at, next(ends, FOREVER))
        elif line.act == "held-ask":
            ends = (one.at for one in lines[place:] if one.act == "resumed")
            yield Span(line.at, next(ends, FOREVER))


def _merged(spans: Iterator[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in sorted(one for one in spans if one.start < one.end):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


def _days_after(start: datetime, days: int, pauses: Sequence[Span]) -> datetime:
    end = start + days * DAY
    for pause in pauses:
        if pause.start < end:
            end += pause.end - pause.start
    return end
