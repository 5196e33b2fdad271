"""Clicks, questions, holds and timers in any order, some overtaking others: what lands first counts, and once."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.ledger import Chain
from blocks.records.clock import Clock
from blocks.records.ledger import Line
from blocks.rulebook import Shelf
from tasks import clock
from tasks.rules.clock import Times, times_of, watched, what_is_due
from tests.clockwork import CLOCK, business_time_between, waiting, with_clock
from tests.hospital import Hospital
from tests.stores import Overtaken

ZONE = "America/Chicago"
PEOPLE = ("ana.silva", "ana.silva", "frida.ng", "carl.moss", "sam.lind")
clicks = st.tuples(st.sampled_from(["approve", "reject"]), st.sampled_from(PEOPLE))
words = st.tuples(st.sampled_from(["hold", "resume"]), st.sampled_from(PEOPLE))
timers = st.tuples(st.just("timer"), st.sampled_from([0, 0, 0, 2, 30]))
deeds = timers | timers | timers | clicks | words | st.just(("wake", ""))
hours = st.sampled_from([0, 1, 10, 24, 25, 49, 90])
histories = st.lists(st.tuples(hours, deeds, st.none() | clicks | timers), min_size=1, max_size=10)
clocks = st.builds(
    lambda *of: CLOCK.model_copy(
        update=dict(zip(("remind_every_hours", "escalate_after_hours", "expire_after_days"), of, strict=True))
    ),
    st.integers(1, 20), st.integers(1, 30), st.integers(1, 8),
)  # fmt: skip


async def do(hospital: Hospital, case: str, deed: tuple[str, str | int]) -> None:
    act, by = deed
    if act == "timer":  # some upkeep's clock is slow: what it judges is judged as of then
        at = hospital.now - timedelta(hours=int(by))
        await clock.keep_time(case, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=at)
    elif act in ("approve", "reject"):
        await hospital.answer(case, str(by), act, "because")
    elif act in ("hold", "resume"):
        await hospital.wish(case, str(by), act, note="wait")
    else:
        await hospital.wake(case)


async def lived(root: Path, told: Clock, history: list) -> tuple[Hospital, str]:
    hospital = await with_clock(await Hospital.opened(root), told)
    case = await waiting(hospital)
    store = hospital.ledger.store = Overtaken(root)
    for hours, deed, overtaken_by in history:
        hospital.now += timedelta(hours=hours)
        if overtaken_by:
            store.first = lambda by=overtaken_by: do(hospital, case, by)
        await do(hospital, case, deed)
        store.first = None
    await hospital.wake(case)
    return hospital, case


def wrong_with_end(lines: list[Line], told: Clock, at: datetime) -> Iterator[str]:
    """List why time cannot have run out at a moment for what these lines were about."""
    if what_is_due(times_of(watched(lines, lines[0].key), told, ZONE), told, ZONE, at) != "expire":
        yield "ended before its time"
    stops = [line for line in lines if line.act in ("held-ask", "resumed")]
    if stops and stops[-1].act == "held-ask":
        stood = business_time_between(stops[-1].at, max(at, stops[-1].at), told.calendar, ZONE)
        if stood < timedelta(hours=told.pause_hours_max):
            yield "ended while it was on hold"


def faults(chain: Chain, told: Clock) -> list[str]:
    """List what is wrong with a case, whatever happened to it."""
    found = []
    for asked in chain.having("asked"):
        lines = [line for line in chain.lines if line.key == asked.key]
        decided = [n for n, line in enumerate(lines) if line.act == "decided"]
        if len(decided) > 1:
            found.append("decided twice")
        for n in decided:
            decision = lines[n].body["decision"]
            if (decision["by"] == "clock") is not (decision["verdict"] == "expire"):
                found.append("the clock decided, or a person let time run out")
            if decision["verdict"] == "expire":
                found += wrong_with_end(lines[:n], told, datetime.fromisoformat(decision["at"]))
            if {"reminded", "escalated"} & {line.act for line in lines[n:]}:
                found.append("somebody was disturbed after the end")
        if sum(line.act == "escalated" for line in lines) > 1:
            found.append("escalated twice")
        reminders = [line.at for line in lines if line.act == "reminded" and not line.body["stopped"]]
        for one, other in pairwise([asked.at, *reminders]):
            if business_time_between(one, other, told.calendar, ZONE) < timedelta(hours=told.remind_every_hours or 0):
                found.append(f"reminded too soon, {one} and {other}")
    return found


@settings(max_examples=40, deadline=None)
@given(told=clocks, history=histories)
def test_whatever_happens_in_whatever_order_each_question_ends_once_and_never_as_approved_by_time(told, history):
    async def story() -> None:
        with TemporaryDirectory() as folder:
            hospital, case = await lived(Path(folder), told, history)
            chain = await hospital.chain(case)
            assert not faults(chain, told)
            assert await hospital.verified()
            ended = chain.last("ended")
            verdicts = [line.body["decision"]["verdict"] for line in chain.having("decided")]
            if ended and ended.body["outcome"]["ended"] == "ordered":
                assert verdicts == ["approve"] * len(chain.having("asked"))
            if "expire" in verdicts:
                assert ended.body["outcome"]["ended"] == "expired"
                assert not hospital.erp.orders()

    asyncio.run(story())


async def test_a_fault_would_be_seen(tmp_path):
    hospital, case = await lived(tmp_path, CLOCK, [(24 * 20, ("timer", 0), None)])
    chain = await hospital.chain(case)
    assert not faults(chain, CLOCK)
    late = CLOCK.model_copy(update={"expire_after_days": 30})
    assert faults(chain, late) == ["ended before its time"]


async def test_a_slow_round_over_a_hold_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(Times, "paused", lambda self, at: any(one.start <= at < one.end for one in self.pauses))
    hospital, case = await lived(tmp_path, CLOCK, [(24 * 20, ("hold", "ana.silva"), None), (1, ("timer", 2), None)])
    assert faults(await hospital.chain(case), CLOCK) == ["ended while it was on hold"]
