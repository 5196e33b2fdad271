"""The clock: what is due when, and that questions, nights and holidays stop it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.records.clock import Clock
from blocks.records.ledger import Line
from tasks.rules.clock import due_at, is_open, times_of, watched, what_is_due
from tests.tasks.rules.test_business_hours import ALWAYS, CHICAGO, HALF, NIGHTS, OFFICE, local, starts

ASK = "1-department-manager"
MONDAY = local("2026-11-16 08:00")
CLOCK = Clock(
    calendar=OFFICE, due_hours=9, remind_every_hours=9, escalate_after_hours=18, escalate_to="manager",
    expire_after_days=14, pause_hours_max=18,
)  # fmt: skip


def line(act: str, at: datetime | str, by: str = "ana.silva", key: str = ASK, **body: object) -> Line:
    moment = local(at) if isinstance(at, str) else at
    body = {"stopped": False} | body if act == "reminded" else body
    return Line(act=act, key=key, actor=f"person:{by}", at=moment.astimezone(UTC), body=body)


def due_of(lines: list[Line], now: str, clock: Clock = CLOCK) -> str | None:
    times = times_of(watched([line("asked", MONDAY), *lines], ASK), clock, CHICAGO)
    return what_is_due(times, clock, CHICAGO, local(now))


QUESTION = line("question", "2026-11-16 10:00")
ANSWER = line("answer", "2026-11-17 10:00", by="rita.okafor")
MOVES = [
    ("before anything", [], "2026-11-16 16:59", None),
    ("nobody is disturbed after hours", [], "2026-11-16 17:00", None),
    ("the next morning they are reminded", [], "2026-11-17 08:00", "remind"),
    ("once", [line("reminded", "2026-11-17 08:00")], "2026-11-17 08:01", None),
    ("after two days somebody above may decide too", [line("reminded", "2026-11-17 08:00")], "2026-11-18 08:00",
     "escalate"),
    ("which weighs more than a reminder", [], "2026-11-18 08:00", "escalate"),
    ("but not at night", [], "2026-11-18 23:00", None),
    ("nor on a holiday", [], "2026-11-26 12:00", None),
    ("and once", [line("escalated", "2026-11-18 08:00"), line("reminded", "2026-11-18 08:00")], "2026-11-18 08:30",
     None),
    ("reminders go on", [line("escalated", "2026-11-18 08:00"), line("reminded", "2026-11-18 08:00")],
     "2026-11-19 08:00", "remind"),
    ("in the end it is over, at any hour", [], "2026-11-30 08:00", "expire"),
    ("not a second before", [line("escalated", "2026-11-18 08:00"), line("reminded", "2026-11-27 16:00")],
     "2026-11-30 07:59:59", None),
    ("what another ask was reminded of does not count", [line("reminded", "2026-11-17 08:00", key="2-x")],
     "2026-11-17 08:00", "remind"),
    ("a question stops the clock", [QUESTION], "2026-11-17 08:00", None),
    ("who asked is reminded of the question", [QUESTION], "2026-11-17 10:00", "nudge"),
    ("once as well", [QUESTION, line("reminded", "2026-11-17 10:00", stopped=True)], "2026-11-17 10:30", None),
    ("one's own word is no answer", [QUESTION, line("answer", "2026-11-16 11:00")], "2026-11-17 10:00", "nudge"),
    ("with the answer the clock goes on", [QUESTION, ANSWER], "2026-11-17 16:00", None),
    ("from where it stood", [QUESTION, ANSWER], "2026-11-18 08:00", "remind"),
    ("the answer gives the days back too", [QUESTION, ANSWER, line("escalated", "2026-11-20 08:00"),
     line("reminded", "2026-11-30 08:00")], "2026-11-30 08:30", None),
    ("and no more of them", [QUESTION, ANSWER], "2026-12-01 08:00", "expire"),
    ("a hold stops it as well", [line("held-ask", "2026-11-16 10:00")], "2026-11-17 09:00", None),
    ("and when it is over the clock goes on", [line("held-ask", "2026-11-16 10:00"),
     line("resumed", "2026-11-17 10:00")], "2026-11-18 08:00", "remind"),
    ("what is put on hold is, whatever the time of whoever looks", [line("held-ask", "2026-11-30 08:05")],
     "2026-11-30 08:00", None),
    ("unless the hold was over by then", [line("held-ask", "2026-11-27 08:05"), line("resumed", "2026-11-27 09:05")],
     "2026-11-30 09:00", "expire"),
    ("a question that nobody answers does not stop it for ever", [QUESTION], "2026-11-19 08:00", "remind"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "now", "move"), [row[1:] for row in MOVES], ids=[row[0] for row in MOVES])
def test_it_is_due(lines, now, move):
    assert due_of(lines, now) == move


def test_without_a_word_of_it_nothing_but_a_due_time_is_ever_due():
    quiet = Clock(remind_every_hours=None)
    for now in ("2026-11-17 08:00", "2027-11-17 08:00"):
        assert due_of([], now, quiet) is None
        assert due_of([QUESTION], now, quiet) is None


def test_nothing_is_over_before_it_was_due():
    slow = Clock(due_hours=90, remind_every_hours=None, expire_after_days=1)
    assert due_of([], "2026-11-27 16:59", slow) is None
    assert due_of([], "2026-11-27 17:00", slow) == "expire"


acts = st.sampled_from(["question", "answer", "held-ask", "resumed", "reminded", "escalated", "late", "refused-click"])
histories = st.lists(st.tuples(acts, st.integers(1, 700), st.sampled_from(["ana.silva", "rita.okafor"])), max_size=8)
clocks = st.builds(
    Clock,
    calendar=st.sampled_from([OFFICE, NIGHTS, ALWAYS]),
    due_hours=st.integers(1, 60),
    remind_every_hours=st.none() | st.integers(1, 30),
    escalate_after_hours=st.integers(1, 60),
    escalate_to=st.just("manager"),
    expire_after_days=st.none() | st.integers(1, 20),
    pause_hours_max=st.integers(1, 60),
)


@given(history=histories, clock=clocks, start=starts, later=st.integers(0, 1500))
def test_whatever_was_said_the_clock_disturbs_nobody_at_night_and_ends_nothing_early(history, clock, start, later):
    told = [line(act, start + n * HALF, by) for act, n, by in sorted(history, key=lambda one: one[1])]
    times = times_of(watched([line("asked", start), *told], ASK), clock, CHICAGO)
    now = start + later * HALF
    move = what_is_due(times, clock, CHICAGO, now)
    assert not (move and times.paused(now)) or move == "nudge"
    if move in {"remind", "nudge", "escalate"}:
        assert is_open(now, clock.calendar, CHICAGO)
    if move == "expire":
        assert now >= start + timedelta(days=clock.expire_after_days or 0)
        assert now >= times.due
    if move == "escalate":
        assert not any(one.act == "escalated" for one in told)
    assert times.due >= due_at(start, clock, CHICAGO)


@given(history=histories, clock=clocks, start=starts, later=st.integers(0, 1500))
def test_what_was_done_is_not_due_again_at_once(history, clock, start, later):
    told = [line("asked", start), *(line(act, start + n * HALF, by) for act, n, by in history)]
    told.sort(key=lambda one: one.at)
    now = start + later * HALF
    told = [one for one in told if one.at <= now]
    done = {"remind": ("reminded", {}), "nudge": ("reminded", {"stopped": True}), "escalate": ("escalated", {})}
    for _ in range(3):
        move = what_is_due(times_of(watched(told, ASK), clock, CHICAGO), clock, CHICAGO, now)
        if move is None or move == "expire":
            return
        act, body = done[move]
        told.append(line(act, now, **body))
    raise AssertionError
