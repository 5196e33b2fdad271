"""What one can do with a request besides yes and no: fewer, hand over, add, hold, withdraw; each told as a story."""

from decimal import Decimal

import pytest

from blocks.ports import Card
from blocks.records.approval import Ask
from blocks.rulebook import Shelf, adopt
from tasks.decide import decision_of
from tasks.showing import card_of
from tests.hospital import two_coordinators


async def waiting(hospital, item: str = "KNEE-TIB-4", quantity: int = 1, **more) -> str:
    case = await hospital.submit(item, quantity, **more)
    assert await hospital.wake(case) is None
    return case


def card(hospital, case: str, key: str):
    return next(card for card in hospital.desk.cards("approvals") if card.key == f"{case}/{key}")


async def drawn(hospital, case: str) -> Card:
    """Draw the newest card of a case, as any door would by now."""
    chain, rulebook = await hospital.chain(case), await Shelf(hospital.ledger).in_force(hospital.now)
    return card_of(chain, (await hospital.asks(case))[-1], rulebook, hospital.now)


async def test_fewer_are_approved_and_ordered_and_the_requester_is_told_how_many(hospital):
    case = await waiting(hospital, quantity=5)
    told = await hospital.answer(case, "ivo.petrov", quantity=1)
    assert told.text == f"You approved {case} (1 of 5)."
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.quantity, str(outcome.amount)) == ("ordered", 1, "$2,890.00")
    assert len(hospital.erp.orders()) == 1
    last = list(hospital.desk.cards("U0RITA"))[-1]
    assert "1 x KNEE-TIB-4 (5 asked for)" in last.text
    assert "Approved 1 of 5 by Ivo Petrov" in card(hospital, case, "1-implant-coordinator").text
    assert await hospital.verified()


async def test_fewer_may_need_fewer_approvers_and_whoever_is_asked_later_sees_how_many_are_left(hospital):
    case = await waiting(hospital, "KNEE-TIB-4", 10)  # $28,900: coordinator, manager and finance
    first = (await hospital.asks(case))[0]
    assert first.key == "1-implant-coordinator"
    await hospital.answer(case, "ivo.petrov", quantity=3)  # $8,670: the manager, and no longer finance
    assert await hospital.wake(case) is None
    second = (await hospital.asks(case))[1]
    assert (second.role, second.quantity, second.asked_for, str(second.amount)) == (
        "department-manager", 3, 10, "$8,670.00",
    )  # fmt: skip
    assert "3 (of 10 asked for) ×" in card(hospital, case, second.key).text
    await hospital.answer(case, "ana.silva", quantity=2)
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.quantity) == ("ordered", 2)
    assert len(await hospital.asks(case)) == 2
    assert await hospital.verified()


async def test_who_approved_fewer_is_asked_again_when_those_became_dearer(hospital):
    case = await waiting(hospital, quantity=5)
    await hospital.answer(case, "ivo.petrov", quantity=1)
    hospital.erp.prices["KNEE-TIB-4"] = Decimal("2990.00")
    assert await hospital.wake(case) is None
    again = (await hospital.asks(case))[-1]
    assert (again.key, again.quantity, again.asked_for) == ("2-implant-coordinator", 1, 5)
    shown = card(hospital, case, again.key)
    assert "price $2,890.00 → $2,990.00" in str(shown.blocks)
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).quantity == 1


async def test_what_is_handed_over_mentions_the_colleague_first_and_both_may_decide(hospital):
    case = await waiting(hospital, "VENT-T1", by="sam.lind", centre="ICU")
    await hospital.answer(case, "ana.silva")
    assert await hospital.wake(case) is None
    assert (await hospital.wish(case, "ana.silva", "hand-over", whom="frida.ng")).taken == "void"
    told = await hospital.wish(case, "frida.ng", "hand-over", whom="carl.moss")
    assert (told.taken, "Carl Moss may not decide this" in told.text) == ("void", True)
    assert (await hospital.answer(case, "frida.ng")).taken == "counted"


@pytest.mark.parametrize("who", ["ivo.petrov", "paula.reyes"])
async def test_to_hand_over_narrows_whom_we_ask_and_not_who_may(hospital, who):
    await adopt(hospital.ledger, two_coordinators(), actor="door:test", at=hospital.now)
    case = await waiting(hospital)
    told = await hospital.wish(case, "ivo.petrov", "hand-over", whom="paula.reyes")
    assert (told.taken, told.text) == ("counted", f"You handed {case} over to Paula Reyes.")
    chain = await hospital.chain(case)
    assert chain.last("handed", "1-implant-coordinator").body == {
        "to": "paula.reyes", "name": "Paula Reyes", "by": "Ivo Petrov",
    }  # fmt: skip
    text = str((await drawn(hospital, case)).blocks)
    assert "<@U0PAULA>: your approval as *implant coordinator* is needed" in text
    assert "Ivo Petrov hands it over to you. <@U0IVO> may still decide." in text
    assert (await hospital.answer(case, who)).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"


async def test_who_was_added_is_asked_after_all_whom_policy_names_and_has_to_agree(hospital):
    case = await waiting(hospital, "VENT-T1", by="sam.lind", centre="ICU")
    told = await hospital.wish(case, "ana.silva", "add", whom="paula.reyes")
    assert (told.taken, told.text) == (
        "counted", "Paula Reyes is asked as well, after everybody whom policy names.",
    )  # fmt: skip
    for by in ("ana.silva", "frida.ng"):
        await hospital.answer(case, by)
        assert await hospital.wake(case) is None
    assert [ask.key for ask in await hospital.asks(case)] == [
        "1-department-manager", "1-finance-director", "1-added-paula.reyes",
    ]  # fmt: skip
    shown = card(hospital, case, "1-added-paula.reyes")
    assert "<@U0PAULA>: your approval is needed: Ana Silva added you." in str(shown.blocks)
    assert "Waits for Paula Reyes, added by Ana Silva." in shown.text
    assert "Next: Paula Reyes is asked." in str(card(hospital, case, "1-finance-director").blocks)
    late = await hospital.answer(case, "frida.ng")
    assert (late.taken, late.text) == ("void", "This waits for Paula Reyes, whom Ana Silva added.")
    assert not hospital.erp.orders()
    await hospital.answer(case, "paula.reyes")
    assert (await hospital.wake(case)).ended == "ordered"
    assert await hospital.verified()


async def test_who_was_added_may_say_no(hospital):
    case = await waiting(hospital)
    await hospital.wish(case, "ivo.petrov", "add", whom="leo.brandt")
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    await hospital.answer(case, "leo.brandt", "reject", "we have two in the other house")
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.because) == ("rejected", "Leo Brandt: we have two in the other house")


async def test_to_add_who_is_asked_later_anyway_keeps_them_from_no_role_and_asks_them_once(hospital):
    case = await waiting(hospital, "VENT-T1", by="sam.lind", centre="ICU")
    await hospital.wish(case, "ana.silva", "add", whom="frida.ng")
    await hospital.answer(case, "ana.silva")
    await hospital.wake(case)
    await hospital.answer(case, "frida.ng")
    assert (await hospital.wake(case)).ended == "ordered"
    assert [ask.role for ask in await hospital.asks(case)] == ["department-manager", "finance-director"]


async def test_who_agreed_as_added_may_still_be_asked_in_a_role_that_policy_comes_to_need(hospital):
    """The added fill no role of policy, so that their yes keeps nobody from one."""
    case = await waiting(hospital)
    await hospital.wish(case, "ivo.petrov", "add", whom="frida.ng")
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    hospital.erp.post("OR", "380000")
    await hospital.answer(case, "frida.ng")
    assert await hospital.wake(case) is None
    assert [ask.key for ask in await hospital.asks(case)] == [
        "1-implant-coordinator", "1-added-frida.ng", "2-finance-director",
    ]  # fmt: skip
    assert (await hospital.answer(case, "frida.ng")).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"


async def test_whoever_was_added_may_add_in_turn(hospital):
    case = await waiting(hospital)
    await hospital.wish(case, "ivo.petrov", "add", whom="frida.ng")
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    await hospital.wish(case, "frida.ng", "add", whom="carl.moss")
    await hospital.answer(case, "frida.ng")
    await hospital.wake(case)
    await hospital.answer(case, "carl.moss")
    assert (await hospital.wake(case)).ended == "ordered"
    decided = (await hospital.chain(case)).having("decided")
    assert [line.key for line in decided] == ["1-implant-coordinator", "1-added-frida.ng", "1-added-carl.moss"]


async def test_what_changed_is_asked_of_the_added_again_as_well(hospital):
    case = await waiting(hospital)
    await hospital.wish(case, "ivo.petrov", "add", whom="frida.ng")
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    await hospital.answer(case, "frida.ng")
    hospital.erp.prices["KNEE-TIB-4"] = Decimal("2990.00")
    for by in ("ivo.petrov", "frida.ng"):
        assert await hospital.wake(case) is None
        await hospital.answer(case, by)
    assert (await hospital.wake(case)).ended == "ordered"
    assert [ask.key for ask in await hospital.asks(case)][2:] == ["2-implant-coordinator", "2-added-frida.ng"]


async def test_on_hold_nothing_is_decided_until_somebody_resumes_it(hospital):
    case = await waiting(hospital)
    assert (await hospital.wish(case, "ivo.petrov", "hold", note="the new quote")).taken == "counted"
    told = await hospital.answer(case, "ivo.petrov")
    assert (told.taken, told.text) == (
        "void",
        "On hold by Ivo Petrov at 14:01 UTC on 23 Nov: the new quote. Please press Resume first, then decide.",
    )
    assert await hospital.wake(case) is None
    text = str((await drawn(hospital, case)).blocks)
    assert "*On hold* by Ivo Petrov" in text
    assert "> the new quote" in text
    assert (await hospital.wish(case, "ivo.petrov", "hold", note="again")).taken == "void"
    assert (await hospital.wish(case, "ivo.petrov", "resume")).text == f"{case} waits for an answer again."
    assert (await hospital.wish(case, "ivo.petrov", "resume")).taken == "void"
    assert "On hold" not in str((await drawn(hospital, case)).blocks)
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"


@pytest.mark.parametrize("by", ["rita.okafor", "ana.silva"])
async def test_the_requester_or_their_manager_withdraws_what_waits(hospital, by):
    case = await waiting(hospital)
    (mine,) = hospital.desk.cards("U0RITA")
    assert mine.blocks[-1]["elements"][0]["action_id"] == "withdraw"
    assert (await hospital.wish(case, by, "withdraw")).text == f"You withdrew {case}. Nothing is ordered."
    outcome = await hospital.wake(case)
    name = {"rita.okafor": "Rita Okafor", "ana.silva": "Ana Silva"}[by]
    assert (outcome.ended, outcome.because) == ("withdrawn", f"{name} withdrew it")
    assert not hospital.erp.orders()
    spend = await hospital.chain("book~spend~rita.okafor")
    assert [line.act for line in spend.lines] == ["spent", "dropped"]
    assert f"Withdrawn by {name}" in card(hospital, case, "1-implant-coordinator").text
    waits, told = hospital.desk.cards("U0RITA")
    assert f"{case} withdrawn" in told.text
    assert not [block for block in waits.blocks if block["type"] == "actions"]
    assert await hospital.wake(case) == outcome
    assert await hospital.verified()


async def test_what_is_withdrawn_between_two_approvals_asks_nobody_any_more(hospital):
    case = await waiting(hospital, "VENT-T1", by="sam.lind", centre="ICU")
    await hospital.answer(case, "ana.silva")
    await hospital.wake(case)
    assert (await hospital.wish(case, "sam.lind", "withdraw")).taken == "counted"
    assert (await hospital.wake(case)).ended == "withdrawn"
    first, second = (card(hospital, case, key) for key in ("1-department-manager", "1-finance-director"))
    assert "Approved by Ana Silva" in first.text
    assert "Withdrawn by Sam Lind" in second.text


async def test_a_withdrawal_that_came_first_wins_and_whoever_answers_is_told(hospital):
    case = await waiting(hospital)
    await hospital.wish(case, "rita.okafor", "withdraw")
    told = await hospital.answer(case, "ivo.petrov")
    assert (told.taken, told.text) == ("late", "Withdrawn by Rita Okafor at 14:01 UTC on 23 Nov.")
    assert decision_of(await hospital.chain(case), "1-implant-coordinator") is None
    assert (await hospital.wake(case)).ended == "withdrawn"


@pytest.mark.parametrize(
    ("verdict", "done", "ended"), [("approve", "approved", "ordered"), ("reject", "rejected", "rejected")]
)
async def test_an_answer_that_came_first_wins_and_whoever_withdraws_is_told(hospital, verdict, done, ended):
    case = await waiting(hospital)
    await hospital.answer(case, "ivo.petrov", verdict, "use the other")
    told = await hospital.wish(case, "rita.okafor", "withdraw")
    assert told.taken == "late"
    assert told.text.startswith(f"Already {done} by Ivo Petrov at 14:01 UTC on 23 Nov.")
    assert (await hospital.wake(case)).ended == ended
    after = await hospital.wish(case, "rita.okafor", "withdraw")
    assert (after.taken, "Already" in after.text) == ("late", True)


async def test_a_click_on_the_card_of_before_is_told_what_changed(hospital):
    case = await waiting(hospital)
    old = (await hospital.chain(case)).last("asked")
    await hospital.answer(case, "ivo.petrov")
    hospital.erp.prices["KNEE-TIB-4"] = Decimal("2990.00")
    await hospital.wake(case)
    changed = "price $2,890.00 → $2,990.00, amount $2,890.00 → $2,990.00"
    told = await hospital.answer(case, "ivo.petrov", shown=old.seen)
    assert told.taken == "changed"
    assert told.text == (
        f"This request has changed since the card you saw: {changed}. Please decide on the newest card."
    )
    late = await hospital.answer(case, "ivo.petrov", ask=old.key, shown=old.seen)
    assert late.taken == "late"
    assert late.text.endswith(f"It has changed since: {changed}. The newest card asks about that.")


async def test_an_ask_from_before_there_were_more_ways_keeps_its_digest(hospital):
    case = await waiting(hospital)
    asked = (await hospital.chain(case)).last("asked")
    assert not {"added", "asked_for"} & set(asked.body["ask"])
    assert Ask.model_validate(asked.body["ask"]).added is None
