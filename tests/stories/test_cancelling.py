"""What was bought is wanted no more: it is taken back in the ERP, once, by whoever may say so."""

import asyncio

import pytest

from blocks.errors import UnavailableError
from tasks.cancelling import CannotCancelError
from tasks.results import is_finished
from tests.hospital import Hospital
from tests.judging import finished
from tests.samples import usd


@pytest.fixture(autouse=True)
def _no_patience_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.durable.BACKOFF_S", 0)


@pytest.fixture
async def ordered(hospital: Hospital) -> tuple[Hospital, str]:
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    await finished(hospital, case)
    return hospital, case


def open_on(hospital: Hospital) -> list:
    return list(hospital.erp._books["OR"].open.values())


@pytest.mark.parametrize("by", ["rita.okafor", "paula.reyes"])
async def test_an_order_is_taken_back_for_who_asked_for_it_or_answers_for_its_cost_centre(ordered, by):
    hospital, case = ordered
    assert len(open_on(hospital)) == 1
    assert await hospital.cancel(case, by) == f"{case} is being cancelled. You will hear how it ends."
    assert not await is_finished(await hospital.chain(case), hospital.ledger)
    outcome = await finished(hospital, case)
    assert (outcome.ended, outcome.document) == ("cancelled", None)
    assert "purchase order 1 was taken back" in outcome.because
    assert not open_on(hospital)
    assert [one.live for one in hospital.erp.booked()] == [False]
    assert await finished(hospital, case) == outcome
    assert hospital.erp.calls["cancel"] == 1


async def test_the_requester_hears_of_both_ends_and_the_second_has_no_way_to_cancel(ordered):
    hospital, case = ordered
    await hospital.cancel(case, "rita.okafor")
    await finished(hospital, case)
    cards = {card.key: card for card in hospital.desk.messages.values() if "/told" in card.key}
    assert list(cards) == [f"{case}/told", f"{case}/told-1"]
    assert "Cancel it" in str(cards[f"{case}/told"].blocks)
    assert "Cancel it" not in str(cards[f"{case}/told-1"].blocks)
    assert "cancelled: 1 x KNEE-TIB-4" in cards[f"{case}/told-1"].text


async def test_what_it_cost_counts_no_longer_for_the_next_request(ordered):
    hospital, case = ordered
    await hospital.cancel(case, "rita.okafor")
    await finished(hospital, case)
    again = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(again)
    (ask,) = await hospital.asks(again)
    assert ask.counted == ask.amount == usd("2890.00")


async def test_goods_on_the_shelf_are_free_again_when_an_issue_is_taken_back(hospital):
    before = hospital.erp.stock["GLOVE-M"]
    case = await hospital.submit("GLOVE-M", 20)
    await finished(hospital, case)
    await hospital.cancel(case, "rita.okafor")
    assert (await finished(hospital, case)).ended == "cancelled"
    assert hospital.erp.stock["GLOVE-M"] == before


async def test_once_goods_have_arrived_it_stays_ordered_and_everybody_can_read_why(ordered):
    hospital, case = ordered
    hospital.erp.arrived.add(hospital.erp.booked()[0].document.key)
    await hospital.cancel(case, "rita.okafor")
    outcome = await finished(hospital, case)
    assert (outcome.ended, outcome.document) == ("ordered", "1")
    assert "could not be cancelled: goods have arrived" in outcome.because
    assert len(open_on(hospital)) == 1
    with pytest.raises(CannotCancelError, match="The ERP would not take it back: goods have arrived"):
        await hospital.cancel(case, "rita.okafor")


async def test_a_lost_answer_is_asked_for_again_and_it_is_taken_back_once(ordered):
    hospital, case = ordered
    await hospital.cancel(case, "rita.okafor")
    hospital.erp.lose = 2
    assert (await finished(hospital, case)).ended == "cancelled"
    chain = await hospital.chain(case)
    assert [line.body["effect"] for line in chain.having("intent")] == ["order", "cancel"]


async def test_an_erp_that_is_away_is_asked_when_it_is_back(ordered):
    hospital, case = ordered
    await hospital.cancel(case, "rita.okafor")
    hospital.erp.fail = 5
    with pytest.raises(UnavailableError):
        await hospital.wake(case)
    assert (await finished(hospital, case)).ended == "cancelled"


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("nobody.here", "is not in the directory"),
        ("gus.varga", "no longer active"),
        ("leo.brandt", "did not ask for this and holds no role for OR"),
    ],
)
async def test_who_may_not_is_told_why(ordered, by, why):
    hospital, case = ordered
    with pytest.raises(CannotCancelError, match=why):
        await hospital.cancel(case, by)
    assert not (await hospital.chain(case)).having("cancelling")


async def test_what_was_not_bought_cannot_be_taken_back(hospital):
    waiting = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(waiting)
    refused = await hospital.submit("SUTURE-30", 2)
    await hospital.wake(refused)
    for case, why in ((waiting, "withdraw it instead"), (refused, "was refused"), ("RQ-NEVERSEEN1", "has no case")):
        with pytest.raises(CannotCancelError, match=why):
            await hospital.cancel(case, "rita.okafor")


@pytest.mark.parametrize(("because", "why"), [(" ", "say why"), ("for MRN 4711, Jane Roe", "What you wrote")])
async def test_half_a_reason_is_not_taken(ordered, because, why):
    hospital, case = ordered
    with pytest.raises(CannotCancelError, match=why):
        await hospital.cancel(case, "rita.okafor", because)


async def test_of_two_who_ask_at_once_one_is_taken_down(ordered):
    hospital, case = ordered
    asked = [hospital.cancel(case, by) for by in ("rita.okafor", "paula.reyes")]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["CannotCancelError", "str"]
    assert len((await hospital.chain(case)).having("cancelling")) == 1
