"""Business hours: across weekends, holidays, pauses and changes of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.records.clock import DAYS, Calendar, Clock, Shift
from tasks.rules.clock import (
    Span,
    after,
    due_at,
    is_open,
    open_hours,
)
from tests.clockwork import business_time_between

CHICAGO = "America/Chicago"
OFFICE = Calendar(country="US")
NIGHTS = Calendar(shifts=(Shift(days=DAYS, opens=time(22), closes=time(6)),))
ALWAYS = Calendar(shifts=(Shift(days=DAYS, opens=time(0), closes=time(0)),))
HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)


def local(text: str, zone: str = CHICAGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


DUE = [
    ("within the day", OFFICE, "2026-11-23 08:00", 4, "2026-11-23 12:00"),
    ("at closing time, not the next morning", OFFICE, "2026-11-23 08:00", 9, "2026-11-23 17:00"),
    ("asked before they open", OFFICE, "2026-11-23 03:00", 1, "2026-11-23 09:00"),
    ("asked as they close", OFFICE, "2026-11-23 17:00", 1, "2026-11-24 09:00"),
    ("asked on Friday evening", OFFICE, "2026-11-20 16:00", 2, "2026-11-23 09:00"),
    ("asked on a Saturday", OFFICE, "2026-11-21 12:00", 1, "2026-11-23 09:00"),
    ("over Thanksgiving", OFFICE, "2026-11-25 16:00", 2, "2026-11-27 09:00"),
    ("over a holiday observed on another day", OFFICE, "2026-07-02 16:00", 2, "2026-07-06 09:00"),
    ("over new year", OFFICE, "2026-12-31 16:00", 2, "2027-01-04 09:00"),
    ("on a holiday that is worked on", OFFICE.model_copy(update={"works_on": ("Thanksgiving Day",)}),
     "2026-11-25 16:00", 2, "2026-11-26 09:00"),
    ("over a day that is closed", OFFICE.model_copy(update={"closed_on": (date(2026, 11, 27),)}),
     "2026-11-25 16:00", 2, "2026-11-30 09:00"),
    ("on a holiday of the state alone", Calendar(country="US", subdivision="IL"),
     "2026-11-02 16:00", 2, "2026-11-04 09:00"),
    ("where nobody keeps holidays", Calendar(), "2026-11-25 16:00", 2, "2026-11-26 09:00"),
    ("over the weekend on which clocks go forward", OFFICE, "2026-03-06 16:00", 2, "2026-03-09 09:00"),
    ("over the weekend on which clocks go back", OFFICE, "2026-10-30 16:00", 2, "2026-11-02 09:00"),
    ("in the night that loses an hour", NIGHTS, "2026-03-07 22:00", 7, "2026-03-08 06:00"),
    ("in the night that gains an hour", NIGHTS, "2026-10-31 22:00", 9, "2026-11-01 06:00"),
    ("a round day that loses an hour", ALWAYS, "2026-03-07 12:00", 24, "2026-03-08 13:00"),
]  # fmt: skip


@pytest.mark.parametrize(("calendar", "asked", "hours", "due"), [row[1:] for row in DUE], ids=[row[0] for row in DUE])
def test_an_answer_is_due(calendar: Calendar, asked: str, hours: int, due: str):
    clock = Clock(calendar=calendar, due_hours=hours)
    assert due_at(local(asked), clock, CHICAGO) == local(due)


ELSEWHERE = [("Europe/Berlin", "2026-11-23 16:00"), ("Pacific/Kiritimati", "2026-11-24 09:00")]


@pytest.mark.parametrize(("zone", "due"), ELSEWHERE)
def test_the_hours_are_those_of_the_hospitals_zone(zone, due):
    assert due_at(local("2026-11-23 08:00"), Clock(due_hours=1), zone) == local(due, zone)


def test_a_shift_that_would_end_in_the_hour_that_the_clocks_skip_before_it_began_is_none():
    inverted = Calendar(shifts=(Shift(days=("sun",), opens=time(2, 30), closes=time(3, 30)),))
    days = open_hours(local("2026-03-07 12:00"), inverted, CHICAGO)
    assert next(days).start == local("2026-03-15 02:30")


def test_shifts_that_overlap_count_once():
    both = Calendar(shifts=(Shift(), Shift(opens=time(12), closes=time(20)), Shift(opens=time(16), closes=time(17))))
    day = (local("2026-11-23 00:00"), local("2026-11-24 00:00"))
    assert business_time_between(*day, both, CHICAGO) == 12 * HOUR


WRONG = [
    (Shift, {"opens": "08:00+01:00"}, "without a zone"),
    (Shift, {"opens": "08:00", "closes": "08:30"}, "shorter than an hour"),
    (Shift, {"opens": "23:45", "closes": "00:15"}, "shorter than an hour"),
    (Shift, {"days": []}, "at least 1 item"),
    (Calendar, {"country": "USA"}, "match pattern"),
    (Calendar, {"shifts": []}, "at least 1 item"),
    (Clock, {"due_hours": 0}, "greater than or equal to 1"),
    (Clock, {"escalate_to": "manager"}, "say both, or neither"),
    (Clock, {"escalate_after_hours": 9}, "say both, or neither"),
    (Clock, {"escalate_to": "janitor", "escalate_after_hours": 9}, "Input should be"),
]


@pytest.mark.parametrize(("kind", "told", "why"), WRONG, ids=[f"{row[0].__name__} {row[2]}" for row in WRONG])
def test_a_clock_that_cannot_be_is_refused(kind, told, why):
    with pytest.raises(ValidationError, match=why):
        kind.model_validate(told)


@pytest.mark.parametrize(
    ("calendar", "why"),
    [
        (Calendar(), None),
        (Calendar(country="US", subdivision="IL"), None),
        (Calendar(country="ZZ"), "country: no public holidays are known for ZZ"),
        (Calendar(country="US", subdivision="XX"), "subdivision: US has none called XX"),
    ],
)
def test_a_place_whose_holidays_nobody_knows_is_told(calendar, why):
    assert calendar.reason_unknown() == why


HOLIDAYS = {code: holidays.country_holidays(code, years=range(2025, 2030)) for code in ("US", "DE")}

# Properties, against a model that counts half hours by the clock on the wall.

zones = st.sampled_from([CHICAGO, "UTC", "Europe/Berlin", "America/Phoenix", "Asia/Tokyo"])
hours = st.sampled_from([time(hour, minute) for hour in (0, 4, 7, 8, 12, 17, 22) for minute in (0, 30)])
moments = st.integers(0, 2 * 365 * 48).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * HALF)
around_changes = st.builds(
    lambda day, n: datetime.combine(day, time(0), tzinfo=UTC) + n * HALF,
    st.sampled_from([date(2026, 3, 7), date(2026, 3, 28), date(2026, 10, 24), date(2026, 10, 31), date(2027, 3, 13)]),
    st.integers(0, 96),
)
starts = moments | around_changes


@st.composite
def possible_shifts(draw: st.DrawFn) -> Shift:
    opens, closes = draw(hours), draw(hours)
    length = (closes.hour * 60 + closes.minute - opens.hour * 60 - opens.minute) % 1440
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
    return Shift(days=tuple(days), opens=opens, closes=opens if 0 < length < 60 else closes)


calendars = st.builds(
    Calendar,
    country=st.sampled_from([None, "US", "DE"]),
    closed_on=st.lists(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=3).map(tuple),
    shifts=st.lists(possible_shifts(), min_size=1, max_size=3).map(tuple),
)


def on_the_wall(at: datetime, calendar: Calendar, zone: str) -> bool:
    """Say whether somebody is at work, by the date and time a clock on the wall shows."""
    shown = at.astimezone(ZoneInfo(zone))
    for shift in calendar.shifts:
        for began in (shown.date(), shown.date() - timedelta(days=1)):
            if DAYS[began.weekday()] not in shift.days or began in calendar.closed_on:
                continue
            if calendar.country and began in HOLIDAYS[calendar.country]:
                continue
            over = shift.closes <= shift.opens
            start = datetime.combine(began, shift.opens)
            end = datetime.combine(began + timedelta(days=over), shift.closes)
            if start <= shown.replace(tzinfo=None) < end:
                return True
    return False


@given(calendar=calendars, zone=zones, start=starts, halves=st.integers(0, 96))
def test_business_time_is_what_a_clock_on_the_wall_counts(calendar, zone, start, halves):
    counted = sum(on_the_wall(start + n * HALF, calendar, zone) for n in range(halves))
    assert business_time_between(start, start + halves * HALF, calendar, zone) == counted * HALF


@given(calendar=calendars, zone=zones, start=starts)
def test_they_are_open_when_a_clock_on_the_wall_says_so(calendar, zone, start):
    assert is_open(start, calendar, zone) is on_the_wall(start, calendar, zone)


@st.composite
def some_pauses(draw: st.DrawFn, start: datetime) -> tuple[Span, ...]:
    cuts = sorted(draw(st.lists(st.integers(0, 20 * 48), max_size=6, unique=True)))
    ends = [start + n * HALF for n in cuts]
    return tuple(Span(*pair) for pair in zip(ends[::2], ends[1::2], strict=False))


@given(calendar=calendars, zone=zones, start=starts, count=st.integers(1, 60), data=st.data())
def test_what_is_due_after_so_many_hours_has_had_just_so_many(calendar, zone, start, count, data):
    pauses = data.draw(some_pauses(start))
    due = after(start, count, calendar, zone, pauses)
    assert business_time_between(start, due, calendar, zone, pauses) == count * HOUR
    assert business_time_between(start, due - timedelta(seconds=1), calendar, zone, pauses) < count * HOUR
    assert due >= after(start, count, calendar, zone)


@given(calendar=calendars, zone=zones, start=starts, cuts=st.tuples(st.integers(0, 200), st.integers(0, 200)))
def test_business_time_adds_up(calendar, zone, start, cuts):
    middle, end = (start + n * HALF for n in sorted(cuts))
    whole = business_time_between(start, end, calendar, zone)
    parts = business_time_between(start, middle, calendar, zone), business_time_between(middle, end, calendar, zone)
    assert whole == sum(parts, timedelta())
