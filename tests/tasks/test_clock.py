"""The clock's deeds: each is noted once, none decides for anybody, and what lands first counts."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import product

import pytest

from blocks.ledger import Chain
from blocks.records.approval import Ask, Decision
from blocks.records.ledger import Line
from blocks.rulebook import Shelf
from tasks import clock
from tasks.approvals import VoidDecisionError
from tasks.decide import decision_of
from tests.clockwork import ASKED, CLOCK, LATER, TUESDAY, WEDNESDAY, at, tick, waiting, with_clock
from tests.hospital import Hospital, plain_policy
from tests.stores import Overtaken

HOUR = timedelta(hours=1)


@pytest.fixture
async def hospital(tmp_path) -> Hospital:
    return await with_clock(await Hospital.opened(tmp_path), CLOCK)


async def acts(hospital: Hospital, case: str) -> list[str]:
    told = {"decided", "reminded", "escalated", "late"}
    return [line.act for line in (await hospital.chain(case)).lines if line.act in told]


async def test_nothing_is_due_before_its_time_and_everything_once_after_it(hospital):
    case = await waiting(hospital)
    assert await tick(hospital, case, ASKED + timedelta(hours=2)) is None
    assert [await tick(hospital, case, TUESDAY) for _ in range(3)] == ["remind", None, None]
    assert [await tick(hospital, case, WEDNESDAY) for _ in range(3)] == ["escalate", "remind", None]
    assert [await tick(hospital, case, LATER) for _ in range(2)] == ["expire", None]
    assert await acts(hospital, case) == ["reminded", "escalated", "reminded", "decided"]


async def test_where_policy_has_no_clock_nothing_is_ever_due(tmp_path):
    hospital = await Hospital.opened(tmp_path)
    case = await waiting(hospital)
    before = await hospital.chain(case)
    assert await tick(hospital, case, LATER + timedelta(days=900)) is None
    assert await hospital.chain(case) == before


async def test_a_case_ends_under_the_clock_it_began_with(hospital):
    case = await waiting(hospital)
    await with_clock(hospital, None)
    assert await tick(hospital, case, TUESDAY) == "remind"


async def test_who_may_decide_is_reminded_and_nobody_else(hospital):
    case = await waiting(hospital)
    await tick(hospital, case, TUESDAY)
    line = (await hospital.chain(case)).last("reminded")
    assert (line.body, line.actor) == ({"whom": ["ana.silva"], "stopped": False}, "process:clock")


async def test_in_the_end_it_is_not_approved_and_everybody_is_told(hospital):
    case = await waiting(hospital)
    assert await tick(hospital, case, LATER) == "expire"
    outcome = await hospital.wake(case)
    because = "department-manager of ICU did not answer within 14 days. If it is still needed, ask again"
    assert (outcome.ended, outcome.because) == ("expired", because)
    assert not hospital.erp.orders()
    assert not (await hospital.chain("book~funds~ICU~2026")).having("held")
    assert (await hospital.chain("book~spend~sam.lind")).last("dropped", case)
    (card,) = [one for one in hospital.desk.cards("approvals") if one.key.startswith(case)]
    assert "Not approved in time. department-manager of ICU did not answer" in card.text
    assert not [block for block in card.blocks if block["type"] == "actions"]
    assert f"{case} expired" in [*hospital.desk.cards("U0SAM")][-1].text
    assert await hospital.verified()


async def test_the_last_step_is_not_approved_by_time_either(hospital):
    case = await waiting(hospital)
    await hospital.answer(case, "ana.silva")
    assert await hospital.wake(case) is None
    assert await tick(hospital, case, at("2027-03-01 09:00")) == "expire"
    assert (await hospital.wake(case)).ended == "expired"
    assert not hospital.erp.orders()


async def test_a_click_after_the_end_is_told_so(hospital):
    case = await waiting(hospital)
    await tick(hospital, case, LATER)
    told = await hospital.answer(case, "ana.silva")
    assert told.taken == "late"
    assert told.text.startswith("Already ended as not approved by the clock")
    assert (await hospital.wake(case)).ended == "expired"


# Questions.


async def said(hospital: Hospital, case: str, act: str, by: str, when: datetime) -> None:
    chain = await hospital.chain(case)
    line = Line(act=act, key=chain.last("asked").key, actor=f"person:{by}", at=when, source="test", body={"text": "?"})
    await hospital.ledger.append(chain, [line])


async def test_while_a_question_waits_the_requester_is_reminded_and_nothing_else_is_due(hospital):
    case = await waiting(hospital)
    await said(hospital, case, "question", "ana.silva", ASKED + timedelta(hours=1))
    assert await tick(hospital, case, at("2026-11-24 08:30")) is None
    assert await tick(hospital, case, TUESDAY) == "nudge"
    assert (await hospital.chain(case)).last("reminded").body == {"whom": ["sam.lind"], "stopped": True}
    assert await tick(hospital, case, at("2026-11-24 12:00")) is None
    await said(hospital, case, "answer", "sam.lind", at("2026-11-24 13:00"))
    assert await tick(hospital, case, at("2026-11-24 16:00")) is None
    assert await tick(hospital, case, at("2026-11-25 13:00")) == "remind"


# Whatever comes first.

Deed = Callable[[Hospital, str], Awaitable[object]]


def timer(now: datetime) -> Deed:
    async def propose(hospital: Hospital, case: str) -> object:
        return (await clock.keep_time(case, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=now))[0]

    return propose


def person(verdict: str) -> Deed:
    async def answer(hospital: Hospital, case: str) -> object:
        return (await hospital.answer(case, "ana.silva", verdict, "why not")).taken

    return answer


DEEDS: dict[str, Deed] = {
    "approve": person("approve"), "reject": person("reject"),
    "remind": timer(TUESDAY), "escalate": timer(WEDNESDAY), "expire": timer(LATER),
}  # fmt: skip
ENDS = {"approve": "approve", "reject": "reject", "expire": "expire"}


@pytest.mark.parametrize(("lands", "judged"), list(product(DEEDS, DEEDS)))
async def test_of_two_that_judged_the_same_case_the_one_that_lands_first_counts(tmp_path, lands, judged):
    hospital = await with_clock(await Hospital.opened(tmp_path), CLOCK)
    case = await waiting(hospital)
    store = hospital.ledger.store = Overtaken(tmp_path)
    store.first = lambda: DEEDS[lands](hospital, case)
    told = await DEEDS[judged](hospital, case)
    chain = await hospital.chain(case)
    assert store.first is None, "nobody was overtaken"
    first_end = next((ENDS[one] for one in (lands, judged) if one in ENDS), None)
    decided = chain.having("decided")
    assert [line.body["decision"]["verdict"] for line in decided] == ([first_end] if first_end else [])
    if lands in ENDS:
        same = lands == judged == "expire"  # by the same clock, at the same moment: the same bytes are one write
        assert told in (None, "late") or same
        assert not {"reminded", "escalated"} & {line.act for line in chain.lines}
    assert len(chain.having("reminded")) <= 1
    assert len(chain.having("escalated")) <= 1
    assert await hospital.verified()
    if first_end in ("reject", "expire"):
        assert (await hospital.wake(case)).ended == {"reject": "rejected", "expire": "expired"}[first_end]
    else:
        assert await hospital.wake(case) is None


@pytest.mark.parametrize("minutes", [1, 20], ids=["meanwhile", "by a clock that is ahead"])
@pytest.mark.parametrize("act", ["held-ask", "question"])
async def test_whoever_stops_the_clock_before_an_expiry_lands_has_stopped_it(tmp_path, act, minutes):
    """A round stands still once it has read that time is over: it goes by the time at which it began."""
    hospital = await with_clock(await Hospital.opened(tmp_path), CLOCK)
    case, stopped = await waiting(hospital), LATER + timedelta(minutes=minutes)
    store = hospital.ledger.store = Overtaken(tmp_path)
    store.first = lambda: said(hospital, case, act, "ana.silva", stopped)
    assert await tick(hospital, case, LATER) is None
    assert store.first is None, "nobody was overtaken"
    assert await hospital.wake(case) is None
    assert await tick(hospital, case, stopped + timedelta(hours=1)) is None
    await said(hospital, case, {"held-ask": "resumed", "question": "answer"}[act], "sam.lind", stopped + 2 * HOUR)
    assert await tick(hospital, case, stopped + 3 * HOUR) == "expire"
    assert (await hospital.wake(case)).ended == "expired"


async def test_an_expiry_that_stands_behind_a_hold_does_not_count(hospital):
    case = await waiting(hospital)
    await said(hospital, case, "held-ask", "ana.silva", LATER + timedelta(minutes=5))
    chain, rulebook = await hospital.chain(case), await Shelf(hospital.ledger).in_force(hospital.now)
    asked = chain.last("asked")
    decision = Decision(
        ask=asked.key, verdict="expire", by="clock", name="the clock", role=asked.body["ask"]["role"], at=LATER,
        shown=asked.seen, directory=rulebook.directory_version, note="", duties=0,
    )  # fmt: skip
    body = {"decision": decision.model_dump(mode="json")}
    line = Line(act="decided", key=asked.key, actor="process:clock", at=LATER, seen=asked.seen, body=body)
    await hospital.ledger.append(chain, [line])
    with pytest.raises(VoidDecisionError, match="its time had not run out"):
        await hospital.wake(case)


async def test_a_forged_end_of_time_does_not_count(hospital):
    """Whoever can write in the ledger writes an expiry before its time: the process does not go by it."""
    case = await waiting(hospital)
    chain = await hospital.chain(case)
    asked = chain.last("asked")
    ask = Ask.model_validate(asked.body["ask"])
    version = (await Shelf(hospital.ledger).in_force(hospital.now)).directory_version
    for by, name, why in (("clock", "the clock", "its time had not run out"), ("ana.silva", "Ana", "no time run out")):
        decision = Decision(
            ask=ask.key, verdict="expire", by=by, name=name, role=ask.role, at=TUESDAY, shown=asked.seen,
            directory=version, note="", duties=0,
        )  # fmt: skip
        body = {"decision": decision.model_dump(mode="json")}
        line = Line(act="decided", key=ask.key, actor="process:clock", at=TUESDAY, seen=asked.seen, body=body)
        forged = await hospital.ledger.append(chain, [line]) if by == "clock" else _instead(chain, line)
        assert decision_of(forged, ask.key) == decision
        found = clock.reason_not_expired(
            forged, ask, decision, plain_policy().model_copy(update={"clock": CLOCK}), "America/Chicago"
        )
        assert why in found
    with pytest.raises(VoidDecisionError, match="its time had not run out"):
        await hospital.wake(case)


def _instead(chain: Chain, line: Line) -> Chain:
    return Chain(chain.case, (*chain.entries, chain.entries[-1].model_copy(update={"lines": (line,)})), chain.head)
