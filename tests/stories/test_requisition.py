"""Requisitions, told as stories: plain Python over a real ledger, milliseconds each."""

import pytest

from blocks.errors import UnavailableError


async def test_what_the_shelf_holds_is_filled_from_stock(hospital):
    case = await hospital.submit("GLOVE-M", 20)
    outcome = await hospital.wake(case)
    assert outcome.ended == "filled"
    assert [issue.number for issue in hospital.erp.issues()] == [outcome.document]
    assert not hospital.erp.orders()


async def test_below_the_threshold_it_goes_straight_through(hospital):
    case = await hospital.submit("IVSET-20", 40)
    outcome = await hospital.wake(case)
    assert (outcome.ended, str(outcome.amount)) == ("ordered", "$250.00")
    assert not list(hospital.desk.cards("approvals"))


async def test_one_approver_is_asked_and_then_it_is_ordered(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    assert await hospital.wake(case) is None
    assert (await hospital.answer(case, "ivo.petrov")).taken == "counted"
    outcome = await hospital.wake(case)
    assert outcome.ended == "ordered"
    assert len(hospital.erp.orders()) == 1


async def test_two_approvers_are_asked_one_after_the_other(hospital):
    case = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU")
    assert await hospital.wake(case) is None
    await hospital.answer(case, "ana.silva")
    assert await hospital.wake(case) is None
    await hospital.answer(case, "frida.ng")
    assert (await hospital.wake(case)).ended == "ordered"
    assert [ask.role for ask in await hospital.asks(case)] == ["department-manager", "finance-director"]


async def test_a_rejection_ends_it_with_the_reason(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov", "reject", "use the consigned tray")
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.because) == ("rejected", "Ivo Petrov: use the consigned tray")
    assert not hospital.erp.orders()


async def test_without_budget_it_is_refused_and_says_by_how_much(hospital):
    case = await hospital.submit("CENTRI-5", 1, by="mei.tan", centre="LAB")
    outcome = await hospital.wake(case)
    assert outcome.ended == "refused"
    assert "$4,900.00 too much" in outcome.because


async def test_when_the_erp_refuses_the_funds_are_let_go(hospital):
    case = await hospital.submit("SUTURE-30", 2)
    outcome = await hospital.wake(case)
    assert outcome.ended == "refused"
    book = await hospital.chain("book~funds~OR~2026")
    assert [line.act for line in book.lines] == ["held", "released"]


async def test_waking_a_case_without_a_decision_decides_nothing(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    for _ in range(5):
        assert await hospital.wake(case) is None
    assert len(list(hospital.desk.cards("approvals"))) == 1
    assert not hospital.erp.orders()


@pytest.mark.parametrize("verdict", ["reject", "approve"])
async def test_who_was_told_before_a_crash_is_not_told_again(hospital, verdict):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov", verdict, "as asked")
    append = hospital.ledger.append

    async def dies_at_the_end(chain, lines):
        if any(line.act == "ended" for line in lines):
            raise UnavailableError("store", "the process died here")
        return await append(chain, lines)

    hospital.ledger.append = dies_at_the_end
    with pytest.raises(UnavailableError):
        await hospital.wake(case)
    told = [card.text for card in hospital.desk.cards("U0RITA")]
    assert told
    hospital.ledger.append = append
    assert await hospital.wake(case)
    assert [card.text for card in hospital.desk.cards("U0RITA")] == told


async def test_running_an_ended_case_again_changes_nothing(hospital):
    case = await hospital.submit("IVSET-20", 40)
    first = await hospital.wake(case)
    before = await hospital.chain(case)
    assert await hospital.wake(case) == first
    assert await hospital.chain(case) == before
    assert len(hospital.erp.orders()) == 1
