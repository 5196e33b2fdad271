"""Steps of several people at once, quorums, lines of managers, owners and emergencies, told as stories."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from blocks.records.people import Delegation
from blocks.records.policy import Band, Matrix, Tier
from blocks.records.routes import Also, Approver, Step, Weighs
from blocks.rulebook import adopt
from infrastructure.local.hospital.__main__ import directory
from tasks.signing import people as verbs
from tests.clockwork import CLOCK, LATER, tick
from tests.hospital import Hospital, plain_policy
from tests.samples import usd

BOTH = Step(approvers=(Approver(who="department-manager"), Approver(who="finance-director")))
TWO_OF_THREE = Step(
    approvers=(
        Approver(who="department-manager"), Approver(who="procurement-lead"), Approver(who="finance-director"),
    ),
    quorum=2,
)  # fmt: skip
MANAGEMENT = Step(approvers=(Approver(who="management"),))


async def under(hospital: Hospital, *steps: Step, **more: Any) -> Hospital:
    """Let everything take these steps."""
    tier = Tier(band=Band(lower=Decimal(0)), steps=steps)
    changed = {"matrices": tuple(one.model_copy(update={"tiers": (tier,)}) for one in plain_policy().matrices)}
    policy = plain_policy().model_copy(update=changed | {"effective_from": date(2026, 1, 2), "low_budget": ()} | more)
    await adopt(hospital.ledger, policy, actor="door:test", at=hospital.now)
    return hospital


async def staffed(hospital: Hospital, **changes: dict[str, Any]) -> None:
    """Put people in force, some of them changed; names are written with `_` for `.`."""
    named = {name.replace("_", "."): fields for name, fields in changes.items()}
    staff = tuple(one.model_copy(update=named.get(one.id, {})) for one in directory().people)
    hospital.now += timedelta(days=1)
    told = directory().model_copy(update={"people": staff, "effective_from": hospital.now.date()})
    await adopt(hospital.ledger, told, actor="door:test", at=hospital.now)


async def asked(hospital: Hospital, item: str = "VENT-T1", **more: Any) -> str:
    """Hand in a request and let it wait."""
    case = await hospital.submit(item, **{"by": "sam.lind", "centre": "ICU"} | more)
    assert await hospital.wake(case) is None
    return case


async def waits_on(hospital: Hospital, case: str) -> list[str]:
    return [ask.key for ask in await hospital.asks(case)]


def card(hospital: Hospital, key: str) -> str:
    return next(one.text for one in hospital.desk.cards("approvals") if one.key.endswith(key))


async def test_two_are_asked_at_the_same_time_and_both_must_approve(hospital):
    case = await asked(await under(hospital, BOTH))
    assert await waits_on(hospital, case) == ["1-department-manager", "1-finance-director"]
    assert (await hospital.answer(case, "frida.ng", ask="1-finance-director")).taken == "counted"
    assert await hospital.wake(case) is None
    assert not hospital.erp.orders()
    shown = (await hospital.asks(case))[0]
    seen = (await hospital.chain(case)).last("asked", shown.key)
    assert (await hospital.answer(case, "ana.silva", ask=shown.key, shown=seen.seen)).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"
    assert len(hospital.erp.orders()) == 1


async def say(hospital: Hospital, case: str, by: str, ask: str, verdict: str = "approve", **more: Any):
    """Let somebody answer one of several asks, having seen its card."""
    seen = (await hospital.chain(case)).last("asked", ask).seen
    return await hospital.answer(case, by, verdict, "not now", ask=ask, shown=seen, **more)


async def test_one_no_ends_a_step_that_takes_both_and_the_other_card_asks_no_more(hospital):
    case = await asked(await under(hospital, BOTH))
    await say(hospital, case, "frida.ng", "1-finance-director", "reject")
    late = await say(hospital, case, "ana.silva", "1-department-manager")
    assert late.taken == "late"
    assert late.text.startswith("Already rejected by Frida Ng at")
    assert late.text.endswith("so that not enough can approve it any more.")
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.because) == ("rejected", "Frida Ng: not now")
    assert "No answer is needed any more" in card(hospital, "1-department-manager")


async def test_two_of_three_are_enough_and_the_third_is_told_so(hospital):
    case = await asked(await under(hospital, TWO_OF_THREE))
    await say(hospital, case, "frida.ng", "1-finance-director")
    await say(hospital, case, "paula.reyes", "1-procurement-lead")
    late = await say(hospital, case, "ana.silva", "1-department-manager", "reject")
    assert (late.taken, late.text.partition(" at ")[0]) == ("late", "Already approved by Frida Ng and Paula Reyes")
    assert (await hospital.wake(case)).ended == "ordered"
    assert "No answer is needed any more" in card(hospital, "1-department-manager")
    assert await hospital.verified()


async def test_one_no_among_three_is_outvoted_and_two_are_not(hospital):
    await under(hospital, TWO_OF_THREE)
    outvoted, ended = await asked(hospital), await asked(hospital, "CENTRI-5")
    for case in (outvoted, ended):
        await say(hospital, case, "frida.ng", "1-finance-director", "reject")
        assert await hospital.wake(case) is None
    await say(hospital, outvoted, "paula.reyes", "1-procurement-lead")
    await say(hospital, outvoted, "ana.silva", "1-department-manager")
    assert (await hospital.wake(outvoted)).ended == "ordered"
    await say(hospital, ended, "paula.reyes", "1-procurement-lead", "reject")
    assert (await hospital.wake(ended)).ended == "rejected"


async def test_two_seats_of_one_role_take_two_people(hospital):
    await under(hospital, Step(approvers=(Approver(who="procurement-lead", seats=2),)))
    second = next(one for one in directory().people if one.id == "paula.reyes").grants
    await staffed(hospital, leo_brandt={"grants": second})
    case = await asked(hospital)
    assert await waits_on(hospital, case) == ["1-procurement-lead", "1-procurement-lead-2"]
    assert (await say(hospital, case, "paula.reyes", "1-procurement-lead")).taken == "counted"
    again = await say(hospital, case, "paula.reyes", "1-procurement-lead-2")
    assert (again.taken, "A second person has to decide this one" in again.text) == ("void", True)
    assert (await say(hospital, case, "leo.brandt", "1-procurement-lead-2")).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"


async def test_who_stands_in_for_one_of_a_step_fills_no_other_seat_of_it(hospital):
    await under(hospital, BOTH)
    lent = Delegation(
        key="d-1", of="ana.silva", to="frida.ng", start=hospital.now, until=hospital.now + timedelta(days=3)
    )
    with hospital.bound() as outside:
        rulebook = await outside.shelf.in_force(hospital.now)
        ana = rulebook.directory.person("ana.silva")
        await verbs.delegate(lent, ana, "test", ledger=hospital.ledger, rulebook=rulebook, at=hospital.now)
    case = await asked(hospital)
    assert (await say(hospital, case, "frida.ng", "1-department-manager")).taken == "counted"
    assert (await say(hospital, case, "frida.ng", "1-finance-director")).taken == "void"


async def test_the_line_of_managers_goes_up_to_the_first_whose_limit_covers_it(hospital):
    await under(hospital, MANAGEMENT)
    await staffed(hospital, ana_silva={"manager_limit": usd(5_000)}, frida_ng={"manager_limit": usd(20_000)})
    case = await asked(hospital)
    assert (await hospital.answer(case, "ana.silva")).taken == "counted"
    assert await hospital.wake(case) is None
    assert await waits_on(hospital, case) == ["1-line-manager", "1-line-manager-2"]
    assert (await hospital.answer(case, "carl.moss")).taken == "void"
    assert (await hospital.answer(case, "frida.ng")).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"


async def test_a_line_of_managers_none_of_whom_reaches_so_far_is_an_error_told_at_once(hospital):
    await under(hospital, MANAGEMENT)
    few = {"manager_limit": usd(10)}
    await staffed(hospital, ana_silva=few, frida_ng=few, carl_moss=few)
    case = await hospital.submit("VENT-T1", by="sam.lind", centre="ICU")
    outcome = await hospital.wake(case)
    assert outcome.ended == "refused"
    assert "nobody active holds line-manager" in outcome.because


async def test_the_line_manager_is_whoever_that_is_at_the_click(hospital):
    case = await asked(await under(hospital, Step(approvers=(Approver(who="line-manager"),))))
    await staffed(hospital, sam_lind={"manager": "leo.brandt"})
    told = await hospital.answer(case, "ana.silva")
    assert (told.taken, told.text) == ("void", "This waits for the line manager of Sam Lind, which you are not.")
    assert (await hospital.answer(case, "leo.brandt")).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"


async def test_the_owner_of_the_cost_centre_is_asked(hospital):
    await under(hospital, Step(approvers=(Approver(who="cost-centre-owner"),)))
    await staffed(hospital, leo_brandt={"owns": ("ICU",), "manager_limit": usd(18_500)})
    case = await asked(hospital)
    assert (await hospital.answer(case, "ana.silva")).taken == "void"
    assert (await hospital.answer(case, "leo.brandt")).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"


async def test_an_emergency_goes_its_own_way_and_says_why(hospital):
    tier = Tier(band=Band(lower=Decimal(0)), roles=("department-manager",))
    quick = Matrix(category="capital", tiers=(tier,), emergency=True)
    await under(hospital, BOTH, matrices=(*plain_policy().matrices, quick))
    case = await asked(hospital, emergency=True, reason="the last one broke")
    assert await waits_on(hospital, case) == ["1-department-manager"]
    (ask,) = await hospital.asks(case)
    assert ask.why.startswith("emergency, capital from $0.00")
    assert card(hospital, "1-department-manager").startswith("Emergency: 1 × Transport ventilator")
    refused = await hospital.receive(
        requester="sam.lind", cost_centre="ICU", item="VENT-T1", quantity=1, emergency=True
    )
    assert refused.issues == (("emergency", "needs a reason: say why it cannot wait"),)


async def test_a_condition_asks_for_more_with_its_reason(hospital):
    step = Step(approvers=(Approver(who="chief-financial-officer"),))
    dear = Also(
        why="anything this dear for the ICU", steps=(step,), cost_centres=("ICU",), band=Band(lower=Decimal(9_000))
    )
    await under(hospital, Step(approvers=(Approver(who="department-manager"),)), also=(dear,))
    case = await asked(hospital)
    await hospital.answer(case, "ana.silva")
    await hospital.wake(case)
    asks = await hospital.asks(case)
    assert [(ask.role, ask.why) for ask in asks[1:]] == [("chief-financial-officer", "anything this dear for the ICU")]


@pytest.mark.parametrize(("rise", "again"), [("18700", []), ("19100", ["2-procurement-lead"]), ("37100", None)])
async def test_only_who_weighs_what_changed_is_asked_again(hospital, rise, again):
    """The manager weighs the amount, up to twice as much; procurement the price, within two in a hundred."""
    weighs = (
        Weighs(who=("department-manager",), terms=("amount",), tolerance=Decimal(1)),
        Weighs(terms=("supplier", "contract", "unit_price"), tolerance=Decimal("0.02")),
    )
    one, other = (Step(approvers=(Approver(who=who),)) for who in ("department-manager", "procurement-lead"))
    case = await asked(await under(hospital, one, other, material=weighs))
    await hospital.answer(case, "ana.silva")
    await hospital.wake(case)
    await hospital.answer(case, "paula.reyes")
    hospital.erp.prices["VENT-T1"] = Decimal(rise)
    outcome = await hospital.wake(case)
    asked_again = (await waits_on(hospital, case))[2:]
    if again is None:
        assert asked_again == ["2-department-manager"]
        return
    assert asked_again == again
    assert (outcome is None) == bool(again)


async def test_of_two_who_let_fewer_pass_the_least_counts(hospital):
    case = await asked(await under(hospital, BOTH), "CENTRI-5", quantity=5)
    await say(hospital, case, "ana.silva", "1-department-manager", quantity=4)
    await say(hospital, case, "frida.ng", "1-finance-director", quantity=2)
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.quantity) == ("ordered", 2)


async def test_a_step_of_which_one_has_approved_can_be_withdrawn(hospital):
    case = await asked(await under(hospital, BOTH))
    await say(hospital, case, "frida.ng", "1-finance-director")
    assert (await hospital.wish(case, "sam.lind", "withdraw")).taken == "counted"
    assert (await hospital.wake(case)).ended == "withdrawn"
    assert not hospital.erp.orders()


async def test_time_that_runs_out_for_one_of_both_ends_it_and_never_approves(hospital):
    case = await asked(await under(hospital, BOTH, clock=CLOCK))
    await say(hospital, case, "frida.ng", "1-finance-director")
    await tick(hospital, case, LATER)
    while await tick(hospital, case, LATER + timedelta(days=10)):
        pass
    outcome = await hospital.wake(case)
    assert outcome.ended == "expired"
    assert await hospital.verified()
