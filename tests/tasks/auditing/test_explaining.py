"""Explaining: who is asked and why, who could decide and why they, for a case of the ledger and for one that is not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from blocks.errors import NotFoundError
from blocks.records.clock import Clock
from blocks.records.people import Absence, Delegation, Duties
from blocks.rulebook import Shelf, adopt
from tasks.auditing.explaining import Supposed, explain_case, facts_for
from tasks.clock import keep_time
from tasks.rules.explain import Explanation, Step, foreseen
from tasks.signing.people import delegate
from tests.fakes.erp import FakeErp
from tests.hospital import MORNING, Hospital, plain_policy
from tests.samples import NOON, request, rulebook

WEEK = timedelta(days=7)
DAY = NOON.date()


@pytest.fixture
async def hospital(tmp_path) -> Hospital:
    return await Hospital.opened(tmp_path)


async def foretold(supposed: Supposed, **book: object) -> Explanation:
    facts = await facts_for(request(), supposed, None, DAY)
    return foreseen(request(), facts, rulebook().model_copy(update=book), NOON)


async def explained(hospital: Hospital, case: str) -> Explanation:
    return await explain_case(case, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=hospital.now)


def able(step: Step) -> dict[str, str]:
    return {one.person: one.because for one in step.able}


def unable(step: Step) -> dict[str, str]:
    return {one.person: one.because for one in step.unable}


async def test_who_is_asked_in_which_order_and_why():
    told = await foretold(Supposed("implants", Decimal("12500.50"), contract=False))
    assert [(one.role, one.why) for one in told.steps] == [
        ("implant-coordinator", "implants from $5,000.00 below $25,000.00"),
        ("department-manager", "implants from $5,000.00 below $25,000.00"),
        ("procurement-lead", "no contract fixes the price"),
    ]
    manager = told.steps[1]
    assert able(manager) == {"ana.silva": "department-manager of OR, ICU, ED, up to $250,000.00"}
    assert unable(manager) == {
        "rita.okafor": "You asked for this yourself. Somebody else has to decide it.",
        "leo.brandt": "This waits for a department-manager of OR, a role you do not hold.",
    }
    assert manager.others == len(rulebook().directory.people) - 3
    assert (told.amount, told.steps[0].due) == (told.counted, None)


async def test_little_budget_and_earlier_orders_count_as_supposed():
    low = Supposed("supplies", Decimal(500), budget=Decimal(100_000), budget_left=Decimal(5_000))
    (step,) = (await foretold(low)).steps
    assert (step.role, step.why) == ("finance-director", "only $4,500.00 of the budget would be left")
    split = await foretold(Supposed("supplies", Decimal(500), recent=Decimal(600)))
    assert [one.role for one in split.steps] == ["department-manager"]
    assert str(split.counted) == "$1,100.00"


async def test_what_policy_refuses_or_lets_through_is_said():
    assert "beyond what a requisition may be" in (await foretold(Supposed("supplies", Decimal(300_000)))).refused
    assert (await foretold(Supposed("supplies", Decimal(10)))).steps == ()


async def test_who_stands_in_and_who_is_away_is_told():
    lent = Delegation(key="d", of="ana.silva", to="leo.brandt", start=NOON, until=NOON + WEEK)
    gone = Absence(key="a", person="ana.silva", start=NOON, until=NOON + WEEK)
    told = await foretold(Supposed("capital", Decimal(100)), duties=Duties(delegations=(lent,), absences=(gone,)))
    (step,) = told.steps
    assert [(one.person, one.away) for one in step.able] == [("ana.silva", True), ("leo.brandt", False)]
    right = "department-manager of OR, ICU, ED, up to $250,000.00"
    assert able(step)["leo.brandt"] == f"stands in for Ana Silva until 30 Nov 12:00 UTC: {right}"


async def test_each_step_is_due_after_the_one_before():
    slow = plain_policy().model_copy(update={"clock": Clock(due_hours=9)})
    told = await foretold(Supposed("capital", Decimal(9000)), policy=slow)
    first, second = (one.due for one in told.steps)
    assert first is not None
    assert second == first + timedelta(days=1)


async def test_what_is_not_supposed_the_erp_is_asked():
    erp = FakeErp()
    facts = await facts_for(request(quantity=2), Supposed(contract=False), erp, DAY)
    assert (facts.sourcing.category, facts.sourcing.contract) == ("implants", None)
    assert str(facts.left) == "$400,000.00"
    shelf = await facts_for(request(item="GLOVE-M", quantity=2), Supposed(), erp, DAY)
    assert "the shelf holds enough" in foreseen(request(item="GLOVE-M"), shelf, rulebook(), NOON).refused


async def test_of_a_case_that_waits_who_can_decide_now_and_who_is_next(hospital):
    case = await hospital.submit("HIP-STEM-12", 2)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    told = await explained(hospital, case)
    assert [(one.role, one.state) for one in told.steps] == [
        ("implant-coordinator", "approve"),
        ("department-manager", "asked"),
    ]
    assert told.steps[0].decided == "approved by Ivo Petrov, 23 Nov 14:01 UTC"
    assert set(able(told.steps[1])) == {"ana.silva"}
    assert str(told.amount) == "$12,500.50"


async def test_of_a_case_that_has_just_asked_the_rest_is_foretold(hospital):
    case = await hospital.submit("HIP-STEM-12", 2)
    await hospital.wake(case)
    told = await explained(hospital, case)
    assert [(one.role, one.state) for one in told.steps] == [
        ("implant-coordinator", "asked"),
        ("department-manager", "to ask"),
    ]


async def test_who_could_have_decided_is_told_as_it_was_then(hospital):
    book = await Shelf(hospital.ledger).in_force(hospital.now)
    lent = Delegation(key="d", of="ana.silva", to="leo.brandt", start=hospital.now, until=hospital.now + WEEK)
    ana = book.directory.person("ana.silva")
    await delegate(lent, ana, "test", ledger=hospital.ledger, rulebook=book, at=hospital.now)
    case = await hospital.submit("IVSET-20", 200)
    await hospital.wake(case)
    await hospital.answer(case, "leo.brandt")
    hospital.now += 2 * WEEK
    assert (await hospital.wake(case)).ended == "ordered"
    (step,) = (await explained(hospital, case)).steps
    assert step.decided == "approved by Leo Brandt for ana.silva, 23 Nov 14:01 UTC"
    assert set(able(step)) == {"ana.silva", "leo.brandt"}


async def test_to_whom_it_was_escalated_could_decide_and_that_time_ran_out_is_told(hospital):
    clock = Clock(due_hours=1, escalate_to="manager", escalate_after_hours=2, expire_after_days=5)
    await adopt(hospital.ledger, plain_policy().model_copy(update={"clock": clock}), actor="door:test", at=hospital.now)
    case = await hospital.submit("IVSET-20", 200)
    await hospital.wake(case)
    shelf = Shelf(hospital.ledger)
    hospital.now += timedelta(hours=5)
    assert (await keep_time(case, ledger=hospital.ledger, shelf=shelf, at=hospital.now))[0] == "escalate"
    (step,) = (await explained(hospital, case)).steps
    assert able(step)["frida.ng"] == "escalated to them, everywhere, up to $500,000.00"
    assert step.due == MORNING + timedelta(hours=1, seconds=1)
    hospital.now += WEEK
    assert (await keep_time(case, ledger=hospital.ledger, shelf=shelf, at=hospital.now))[0] == "expire"
    (step,) = (await explained(hospital, case)).steps
    assert (step.state, step.decided.startswith("ended as not approved by the clock")) == ("expire", True)


async def test_a_case_that_is_not_there_is_said_to_be_none(hospital):
    with pytest.raises(NotFoundError, match="the ledger has no case RQ-NONE"):
        await explained(hospital, "RQ-NONE")
