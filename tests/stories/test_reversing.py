"""What was ordered was billed wrongly: the bill's journal entry is reversed in the ERP, once, where two say so."""

import asyncio
from datetime import timedelta

import pytest

from blocks.audit.verdict import verify
from blocks.errors import UnavailableError
from blocks.records.purchasing import ReverseDraft
from blocks.rulebook import adopt
from blocks.wire.names import effect_key
from infrastructure.local.hospital.__main__ import directory
from tasks.cancelling import CannotCancelError
from tasks.results import is_finished
from tasks.reversing import CannotReverseError, draw_reversal
from tests.hospital import Hospital, with_gaps
from tests.judging import finished
from tests.samples import usd


@pytest.fixture(autouse=True)
def _no_patience_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.durable.BACKOFF_S", 0)


@pytest.fixture
async def billed(hospital: Hospital) -> tuple[Hospital, str, str]:
    """A case that has ordered, and the journal entry of the bill that came."""
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    await finished(hospital, case)
    number = hospital.erp.bill(effect_key(case, "order"), theirs="B-1")
    return hospital, case, f"J-{number}"


async def two_say(hospital: Hospital, case: str, entry: str) -> None:
    await hospital.reverse(case, entry, "paula.reyes")
    await hospital.reverse(case, entry, "frida.ng", agree=True)


def cards(hospital: Hospital) -> list:
    return [card for card in hospital.desk.messages.values() if "/reversal-" in card.key]


async def show(hospital: Hospital, case: str, entry: str) -> None:
    """Draw the card as the doors do."""
    with hospital.bound() as outside:
        rules = await outside.shelf.in_force(hospital.now)
        await draw_reversal(await hospital.chain(case), entry, rules, hospital.now)


async def test_one_asks_another_agrees_and_the_entry_is_reversed_once(billed):
    hospital, case, entry = billed
    told = await hospital.reverse(case, entry, "paula.reyes")
    assert told == f"Journal entry {entry} is reversed once somebody agrees: Ana Silva or Frida Ng or Carl Moss."
    assert await is_finished(await hospital.chain(case), hospital.ledger), "only one has said so"
    told = await hospital.reverse(case, entry, "frida.ng", agree=True)
    assert told == f"Journal entry {entry} is being reversed. The card says how it ends."
    assert not await is_finished(await hospital.chain(case), hospital.ledger)
    outcome = await finished(hospital, case)
    assert (outcome.ended, outcome.document, outcome.amount) == ("ordered", "1", usd("2890.00"))
    assert outcome.because.endswith(f"{entry} was reversed by {entry}-R (Paula Reyes: billed twice; Frida Ng agreed)")
    assert [one.document.number for one in hospital.erp.bills.mirrors.values()] == [f"{entry}-R"]
    assert await finished(hospital, case) == outcome
    assert hospital.erp.calls["reverse"] == 1
    assert hospital.erp._books["OR"].posted[2026] == 0
    assert (await verify(hospital.ledger)).verified


async def test_the_card_asks_those_who_may_agree_and_says_in_the_end_what_came_of_it(billed):
    hospital, case, entry = billed
    await hospital.reverse(case, entry, "paula.reyes")
    await show(hospital, case, entry)
    (card,) = cards(hospital)
    assert card.text.startswith(f"Reverse journal entry {entry} ($2,890.00 on 2026-11-23 for order 1)? Do you agree?")
    assert "<@U0FRIDA>" in str(card.blocks)
    assert "<@U0PAULA>" not in str(card.blocks)
    assert "I agree…" in str(card.blocks)
    await hospital.reverse(case, entry, "frida.ng", agree=True)
    await show(hospital, case, entry)
    assert cards(hospital)[0].text.startswith(f"Frida Ng agreed: {entry} is being reversed.")
    await finished(hospital, case)
    (card,) = cards(hospital)
    assert card.text.startswith(f"{entry} was reversed by {entry}-R. Paula Reyes asked for it: billed twice")
    assert "I agree…" not in str(card.blocks)


async def test_where_the_erp_will_not_everything_stays_and_all_can_read_why(billed):
    hospital, case, entry = billed
    hospital.erp.bills.paid.add(entry)
    await two_say(hospital, case, entry)
    outcome = await finished(hospital, case)
    assert outcome.ended == "ordered"
    assert f"journal entry {entry} could not be reversed: INV-1 has been paid" in outcome.because
    assert cards(hospital)[0].text.startswith(f"{entry} was not reversed: INV-1 has been paid")
    hospital.erp.bills.paid.clear()  # the payment was taken back
    await two_say(hospital, case, entry)
    assert f"was reversed by {entry}-R" in (await finished(hospital, case)).because
    assert len(cards(hospital)) == 2


async def test_a_second_entry_of_a_case_is_an_effect_of_its_own(billed):
    hospital, case, entry = billed
    bills = hospital.erp.bills
    bills.posted.append(bills.posted[0]._replace(number="INV-9", entry="J-INV-9"))
    for one in (entry, "J-INV-9"):
        await two_say(hospital, case, one)
        await finished(hospital, case)
    assert [*bills.mirrors] == [entry, "J-INV-9"]
    keys = [line.key for line in (await hospital.chain(case)).having("intent")]
    assert keys == [effect_key(case, "order"), effect_key(case, "reverse"), effect_key(case, "reverse", 1)]
    with pytest.raises(CannotReverseError, match=f"was reversed already, by {entry}-R"):
        await hospital.reverse(case, entry, "paula.reyes")


async def test_a_lost_answer_is_asked_for_again_and_it_is_reversed_once(billed):
    hospital, case, entry = billed
    await two_say(hospital, case, entry)
    hospital.erp.lose = 2
    assert f"was reversed by {entry}-R" in (await finished(hospital, case)).because
    assert len(hospital.erp.bills.mirrors) == 1


async def test_an_erp_that_is_away_is_asked_when_it_is_back(billed):
    hospital, case, entry = billed
    hospital.erp.fail = 1
    with pytest.raises(UnavailableError):
        await hospital.reverse(case, entry, "paula.reyes")
    await two_say(hospital, case, entry)
    hospital.erp.fail = 5
    with pytest.raises(UnavailableError):
        await hospital.wake(case)
    assert f"was reversed by {entry}-R" in (await finished(hospital, case)).because


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("gus.varga", "no longer active"),
        ("leo.brandt", "holds no role for OR"),
        ("rita.okafor", "asked for this: somebody else must say it"),
        ("ivo.petrov", "has been approver of this case"),
    ],
)
async def test_who_may_not_is_told_why(billed, by, why):
    hospital, case, entry = billed
    with pytest.raises(CannotReverseError, match=why):
        await hospital.reverse(case, entry, by)
    await hospital.reverse(case, entry, "paula.reyes")
    with pytest.raises(CannotReverseError, match=why):
        await hospital.reverse(case, entry, by, agree=True)
    assert not (await hospital.chain(case)).having("reversing")


async def test_nobody_corrects_the_books_alone(billed):
    hospital, case, entry = billed
    with pytest.raises(CannotReverseError, match="Nobody has asked for journal entry"):
        await hospital.reverse(case, entry, "paula.reyes", agree=True)
    await hospital.reverse(case, entry, "paula.reyes")
    with pytest.raises(CannotReverseError, match="Paula Reyes has asked for it: somebody who does not stand in"):
        await hospital.reverse(case, entry, "paula.reyes", agree=True)
    with pytest.raises(CannotReverseError, match="somebody else can agree"):
        await hospital.reverse(case, entry, "frida.ng")


async def test_only_an_entry_of_a_bill_for_this_order_is_reversed(billed):
    hospital, case, _ = billed
    other = await hospital.submit("IVSET-20", 40)
    await finished(hospital, other)
    theirs = f"J-{hospital.erp.bill(effect_key(other, 'order'))}"
    for entry in (theirs, "J-NEVER", "INV-1", "B-1"):
        with pytest.raises(CannotReverseError, match="knows no journal entry"):
            await hospital.reverse(case, entry, "paula.reyes")


async def test_of_what_did_not_order_there_is_nothing_to_reverse(hospital):
    waiting = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(waiting)
    refused = await hospital.submit("SUTURE-30", 2)
    await hospital.wake(refused)
    whys = {waiting: "has not ordered anything yet", refused: "was refused", "RQ-NEVERSEEN1": "no case"}
    for case, why in whys.items():
        with pytest.raises(CannotReverseError, match=why):
            await hospital.reverse(case, "J-1", "paula.reyes")


@pytest.mark.parametrize(("because", "why"), [(" ", "say why"), ("for MRN 4711, Jane Roe", "What you wrote")])
async def test_half_a_reason_is_not_taken(billed, because, why):
    hospital, case, entry = billed
    with pytest.raises(CannotReverseError, match=why):
        await hospital.reverse(case, entry, "paula.reyes", because)


async def test_of_two_who_agree_at_once_one_is_taken_down(billed):
    hospital, case, entry = billed
    await hospital.reverse(case, entry, "paula.reyes")
    both = [hospital.reverse(case, entry, by, agree=True) for by in ("frida.ng", "carl.moss")]
    told = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["CannotReverseError", "str"]
    await finished(hospital, case)
    assert hospital.erp.calls["reverse"] == 1


async def test_while_one_thing_is_undone_nothing_else_is_asked_for(billed):
    hospital, case, entry = billed
    await two_say(hospital, case, entry)
    with pytest.raises(CannotCancelError, match=rf"Frida Ng agreed that journal entry {entry} be reversed, at"):
        await hospital.cancel(case, "rita.okafor")
    await finished(hospital, case)
    await hospital.cancel(case, "rita.okafor")
    with pytest.raises(CannotReverseError, match="Rita Okafor has asked for it to be cancelled, at"):
        await hospital.reverse(case, "J-INV-9", "paula.reyes")


async def test_a_bill_for_two_orders_says_so_and_is_reversed_once(billed):
    hospital, _, _ = billed
    more, before = list[str](), hospital.erp._books["OR"].posted[2026]
    for _ in range(2):
        more.append(await hospital.submit("IVSET-20", 40))
        await finished(hospital, more[-1])
    number = hospital.erp.bill(effect_key(more[0], "order"))
    hospital.erp.bill(effect_key(more[1], "order"), number=number)
    await hospital.reverse(more[0], f"J-{number}", "paula.reyes")
    await show(hospital, more[0], f"J-{number}")
    assert "Its bill is also for*\norder 3" in str(cards(hospital)[0].blocks).replace("\\n", "\n")
    await hospital.reverse(more[0], f"J-{number}", "frida.ng", agree=True)
    await finished(hospital, more[0])
    await two_say(hospital, more[1], f"J-{number}")
    assert f"J-{number} was reversed by J-{number}-R (" in (await finished(hospital, more[1])).because
    assert len(hospital.erp.bills.mirrors) == 1
    assert hospital.erp._books["OR"].posted[2026] == before


async def test_of_two_entries_that_are_asked_for_each_card_says_what_came_of_its_own(billed):
    hospital, case, entry = billed
    bills = hospital.erp.bills
    bills.posted.append(bills.posted[0]._replace(number="INV-9", entry="J-INV-9"))
    for one in (entry, "J-INV-9"):
        await hospital.reverse(case, one, "paula.reyes")
        await show(hospital, case, one)
    await hospital.reverse(case, entry, "frida.ng", agree=True)
    await show(hospital, case, entry)
    await finished(hospital, case)
    first, second = cards(hospital)
    assert first.text.startswith(f"{entry} was reversed by {entry}-R.")
    assert second.text.startswith("Reverse journal entry J-INV-9")
    assert "<@U0FRIDA>" in str(second.blocks)


async def test_what_reverses_an_entry_is_not_reversed_itself(billed):
    hospital, case, entry = billed
    await two_say(hospital, case, entry)
    await finished(hospital, case)
    with pytest.raises(CannotReverseError, match="reverses another"):
        await hospital.reverse(case, f"{entry}-R", "paula.reyes")


async def test_what_reversed_an_entry_by_hand_is_not_reversed_either(billed):
    hospital, case, entry = billed
    (bill,) = hospital.erp.bills.posted
    hospital.erp.bills.reverse(bill, ReverseDraft(entry=entry, of=bill.key, number=bill.of), "by hand")
    with pytest.raises(CannotReverseError, match="reverses another"):
        await hospital.reverse(case, f"{entry}-R", "paula.reyes")


async def test_a_word_stands_whatever_becomes_of_the_directory_after_it(billed):
    hospital, case, entry = billed
    await two_say(hospital, case, entry)
    staff = with_gaps(directory())
    left = tuple(x.model_copy(update={"active": x.id != "frida.ng"}) for x in staff.people)
    later = staff.model_copy(update={"people": left, "effective_from": staff.effective_from + timedelta(days=1)})
    await adopt(hospital.ledger, later, actor="door:test", at=hospital.now)
    assert f"was reversed by {entry}-R" in (await finished(hospital, case)).because


async def test_an_order_that_was_not_cancelled_for_its_bill_is_once_the_bill_was_reversed(billed):
    hospital, case, entry = billed
    await hospital.cancel(case, "rita.okafor")
    assert "could not be cancelled" in (await finished(hospital, case)).because
    hospital.erp.bills.paid.add(entry)
    await two_say(hospital, case, entry)
    assert "could not be reversed" in (await finished(hospital, case)).because
    with pytest.raises(CannotCancelError, match="would not take it back"):
        await hospital.cancel(case, "rita.okafor")
    hospital.erp.bills.paid.clear()
    await two_say(hospital, case, entry)
    await finished(hospital, case)
    await hospital.cancel(case, "rita.okafor")
    assert (await finished(hospital, case)).ended == "cancelled"
    assert [one.live for one in hospital.erp.booked()] == [False]
