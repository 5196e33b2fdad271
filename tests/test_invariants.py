"""The invariants find what they are for: each with a story in which it does not hold."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.wire.names import effect_key
from tests.fakes.erp import Booked, FakeErp
from tests.fakes.erp_bills import Reversed
from tests.hospital import Hospital
from tests.invariants import Violation, check_invariants


@dataclass
class Books:
    """The books of an ERP as a story alters them."""

    erp: FakeErp
    more: list[Booked] = field(default_factory=list)
    without: int = 0
    mirrors: list[Reversed] | None = None

    def booked(self) -> list[Booked]:
        return [*self.erp.booked()[self.without :], *self.more]

    def reversed(self) -> list[Reversed]:
        return self.erp.reversed() if self.mirrors is None else self.mirrors


@pytest.fixture
async def ordered(hospital: Hospital) -> tuple[Hospital, str]:
    """A case that was approved and ordered, as it should be."""
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"
    return hospital, case


async def violated(hospital: Hospital, books: Books | None = None, **more: Any) -> set[str]:
    return {x.invariant for x in await found(hospital, books, **more)}


async def found(hospital: Hospital, books: Books | None = None, **more: Any) -> list[Violation]:
    return await check_invariants(hospital.ledger, books or hospital.erp, hospital.desk, **more)


async def also(hospital: Hospital, case: str, *lines: Line) -> None:
    """Let somebody write into a chain what the product never would."""
    await hospital.ledger.append(await hospital.chain(case), lines)


async def test_a_case_as_it_should_be_violates_nothing(ordered):
    hospital, _ = ordered
    await hospital.wake(await hospital.submit("GLOVE-M", 20))
    await hospital.wake(await hospital.submit("SUTURE-30", 2))
    await hospital.wake(await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU"))
    assert await found(hospital, secrets=["MRN-4711"]) == []


async def test_a_second_document_under_a_key_is_found(ordered):
    hospital, _ = ordered
    (booked,) = hospital.erp.booked()
    again = booked._replace(document=booked.document.model_copy(update={"number": "99"}))
    assert await violated(hospital, Books(hospital.erp, [again])) == {"I1", "I2"}


async def test_an_order_that_the_erp_does_not_hold_is_found(ordered):
    hospital, _ = ordered
    assert await violated(hospital, Books(hospital.erp, without=1)) == {"I2"}


async def test_a_document_that_nobody_intended_is_found(ordered):
    hospital, _ = ordered
    (booked,) = hospital.erp.booked()
    stray = booked._replace(document=booked.document.model_copy(update={"key": "0" * 32}))
    assert await violated(hospital, Books(hospital.erp, [stray])) == {"I10"}


async def test_an_order_other_than_what_was_approved_is_found_to_the_cent(ordered):
    hospital, _ = ordered
    (booked,) = hospital.erp.booked()
    draft = booked.draft.model_copy(update={"quantity": 2})
    what = await found(hospital, Books(hospital.erp, [booked._replace(draft=draft)], without=1))
    assert {x.invariant for x in what} == {"I3", "I6"}
    assert "2 × KNEE-TIB-4 for $5,780.00 is not what" in " ".join(x.what for x in what)


async def test_a_case_that_nobody_carries_to_its_end_is_found_once_the_faults_are_over(hospital):
    await hospital.submit("KNEE-TIB-4", 1)
    assert await violated(hospital, over=False) == set()
    assert await violated(hospital) == {"I2"}


async def test_two_decisions_on_an_ask_and_one_by_the_requester_are_found(ordered):
    hospital, case = ordered
    decided = (await hospital.chain(case)).last("decided")
    decision = {**decided.body["decision"], "by": "rita.okafor"}
    await also(hospital, case, decided.model_copy(update={"body": {"decision": decision}}))
    assert {"I4", "I7"} <= await violated(hospital)


async def test_a_reminder_about_what_is_decided_is_found(ordered):
    hospital, case = ordered
    decided = (await hospital.chain(case)).last("decided")
    await also(hospital, case, decided.model_copy(update={"act": "reminded", "body": {"whom": [], "stopped": False}}))
    assert await violated(hospital) == {"I11"}


async def test_an_attempt_under_another_key_is_found(ordered):
    hospital, case = ordered
    intent = (await hospital.chain(case)).last("intent")
    await also(hospital, case, intent.model_copy(update={"act": "attempt", "key": "1" * 32}))
    assert await violated(hospital) == {"I9"}


async def test_an_entry_that_was_altered_is_found(ordered, tmp_path):
    hospital, case = ordered
    entry = tmp_path / "store" / "cases" / case / "00000001.json"
    entry.write_bytes(entry.read_bytes().replace(b"rita.okafor", b"rita.okafoR"))
    what = {x.where: x.invariant for x in await found(hospital)}
    assert what[f"cases/{case}/00000001.json"] == "I5"


async def test_funds_that_stay_set_aside_for_a_case_that_ended_are_found(hospital):
    case = await hospital.submit("SUTURE-30", 2)
    await hospital.wake(case)
    book = await hospital.chain("book~funds~OR~2026")
    kept = Chain(book.case, book.entries[:1], "")

    class Forgetful(Ledger):
        async def read(self, case: str, *, known: Chain | None = None) -> Chain:
            return kept if case == kept.case else await super().read(case, known=known)

    hospital.ledger = Forgetful(hospital.ledger.store)
    assert await violated(hospital) == {"I6"}


async def test_a_card_that_still_asks_is_found(ordered):
    hospital, _ = ordered
    for posted, card in hospital.desk.messages.items():
        hospital.desk.messages[posted] = card._replace(text=card.text.replace("Approved", "Waits"))
    assert await violated(hospital) == {"I12"}


async def test_what_must_stay_outside_is_found_in_the_ledger_and_on_the_desk(ordered):
    hospital, case = ordered
    assert await violated(hospital, secrets=["Tibial tray 4"]) == {"I8"}
    where = {x.where for x in await found(hospital, secrets=["Tibial tray 4"])}
    assert f"cases/{case}/00000002.json" in where
    assert f"{case}/1-implant-coordinator" in where


@pytest.fixture
async def corrected(ordered: tuple[Hospital, str]) -> tuple[Hospital, str, Reversed]:
    """A case whose bill was reversed, as it should be."""
    hospital, case = ordered
    entry = f"J-{hospital.erp.bill(effect_key(case, 'order'))}"
    await hospital.reverse(case, entry, "paula.reyes")
    await hospital.reverse(case, entry, "frida.ng", agree=True)
    await hospital.wake(case)
    assert await found(hospital) == []
    return hospital, case, hospital.erp.reversed()[0]


async def test_an_entry_that_is_reversed_twice_is_found(corrected):
    hospital, _, mirror = corrected
    assert await violated(hospital, Books(hospital.erp, mirrors=[mirror, mirror])) == {"I1"}


async def test_a_reversal_that_the_erp_does_not_hold_is_found(corrected):
    hospital, _, _ = corrected
    assert await violated(hospital, Books(hospital.erp, mirrors=[])) == {"I2"}


async def test_an_entry_that_nobody_intended_to_reverse_is_found(corrected):
    hospital, _, mirror = corrected
    assert await violated(hospital, Books(hospital.erp, mirrors=[mirror._replace(key="0" * 32)])) == {"I10"}


async def test_another_entry_than_was_agreed_on_is_found(corrected):
    hospital, _, mirror = corrected
    other = mirror._replace(draft=mirror.draft.model_copy(update={"entry": "J-9"}))
    assert await violated(hospital, Books(hospital.erp, mirrors=[other])) == {"I2", "I3"}


async def test_an_entry_that_one_person_alone_has_reversed_is_found(corrected):
    hospital, case, _ = corrected
    chain = await hospital.chain(case)
    asked, agreed = chain.last("reversal-asked"), chain.last("reversing")
    assert asked
    assert agreed
    await also(hospital, case, asked, agreed.model_copy(update={"actor": asked.actor}))
    assert await violated(hospital) >= {"I3", "I5"}
