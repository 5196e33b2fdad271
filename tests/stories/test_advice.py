"""Advice: an approver sees what a machine makes of the price; policy and money go the same way with any, or none."""

from pathlib import Path

import pytest

from blocks.records.advice import Advice
from blocks.records.dossier import Dossier
from blocks.rulebook import Shelf
from blocks.wire.dossier_page import dossier_page
from blocks.wire.report import reasons
from tasks import advising
from tasks.auditing.dossier import dossier_of
from tasks.rules.price_history import Advised
from tests.hospital import Hospital
from tests.samples import usd

PRICE = usd("18500.00")
"""Of a ventilator."""
WHO = {"implant-coordinator": "ivo.petrov", "department-manager": "ana.silva", "finance-director": "frida.ng"}


async def bought(hospital: Hospital, times: int, item: str = "KNEE-TIB-4") -> None:
    """Let the department buy one of an item, so many times."""
    for _ in range(times):
        case = await asked(hospital, item)
        outcome = None
        while outcome is None:  # the more was ordered lately, the more are asked
            await hospital.answer(case, WHO[(await hospital.asks(case))[-1].role])
            outcome = await hospital.wake(case)
        assert outcome.ended == "ordered"


async def asked(hospital: Hospital, item: str = "KNEE-TIB-4") -> str:
    case = await hospital.submit(item, 1)
    await hospital.wake(case)
    return case


async def dossier(hospital: Hospital, case: str) -> Dossier:
    chain = await hospital.chain(case)
    return await dossier_of(chain, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=hospital.now)


def cards_of(hospital: Hospital, case: str) -> str:
    return " ".join(str(card.blocks) for card in hospital.desk.messages.values() if card.key.startswith(f"{case}/1"))


async def test_who_is_asked_sees_how_the_price_compares_and_the_dossier_tells_what_they_then_did(hospital):
    await bought(hospital, 4)
    hospital.erp.prices["KNEE-TIB-4"] = hospital.erp.prices["KNEE-TIB-4"] * 2
    case = await asked(hospital)
    words = "Please look at the price: $5,780.00 each is 100% above the median of the last 3 orders of it here"
    assert words in cards_of(hospital, case)
    await hospital.answer(case, "ivo.petrov", note="the new model")
    await hospital.wake(case)
    (advice,) = (await dossier(hospital, case)).questions[0].advice
    assert (advice.answer, advice.holds, advice.model) == ("route", True, "price-history 1")
    assert (advice.whom, advice.then) == ("implant-coordinator of OR", "Ivo Petrov approved it")
    page = dossier_page(await dossier(hospital, case))
    assert words in page
    assert "Ivo Petrov approved it" in page
    assert any("price-history advises" in row["what"] for row in reasons(await hospital.chain(case)))


async def test_of_two_orders_nothing_is_advised(hospital):
    await bought(hospital, 3)  # the mark of the last is written with the next
    case = await asked(hospital)
    assert not (await hospital.chain(case)).having("advised")


async def test_what_was_altered_after_the_advice_shows_in_the_dossier(hospital):
    await bought(hospital, 4)
    case = await asked(hospital)
    chain = await hospital.chain(case)
    chain.having("advised")[0].body["made_from"]["paid"][0] = "1"
    told = await dossier_of(chain, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=hospital.now)
    assert not told.questions[0].advice[0].holds
    assert "does not match" in dossier_page(told)


async def test_the_second_approver_sees_what_the_first_saw(hospital, monkeypatch):
    monkeypatch.setattr(advising, "advice_on", lambda *_: Advised(advice("usual", 80), made_from()))
    case = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU")
    await hospital.wake(case)
    monkeypatch.setattr(advising, "advice_on", lambda *_: None)
    await hospital.answer(case, "ana.silva")
    await hospital.wake(case)
    first, second = (await hospital.chain(case)).having("advised")
    assert first.body["words"] == second.body["words"]
    assert second.body["whom"] == "finance-director of ICU"


def advice(recommends: str, confidence: int) -> Advice:
    return Advice(
        recommendation=recommends, because="a machine thinks so", confidence=confidence, model="m", version="1",
        input="0" * 64,
    )  # fmt: skip


def made_from() -> dict[str, str]:
    return {"item": "VENT-T1", "unit_price": str(PRICE.amount), "currency": "USD"}


ANY = {
    "none": None,
    "usual": advice("usual", 100),
    "look at this": advice("look", 100),
    "not sure": advice("look", 0),
}


async def test_policy_decides_the_same_with_any_advice_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ends = []
    for name, one in ANY.items():
        found = Advised(one, made_from()) if one else None
        monkeypatch.setattr(advising, "advice_on", lambda *_, found=found: found)
        hospital = await Hospital.opened(tmp_path / name)
        case = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU")
        await hospital.wake(case)
        await hospital.answer(case, "ana.silva")
        await hospital.wake(case)
        await hospital.answer(case, "frida.ng")
        outcome = await hospital.wake(case)
        chain = await hospital.chain(case)
        assert len(chain.having("advised")) == (2 if one else 0)
        shown = [line.seen for line in chain.having("asked")]
        acts = [line.act for line in chain.lines if line.act != "advised"]
        ends.append((outcome, shown, acts, [x.draft for x in hospital.erp.booked()]))
    assert ends[0][0].ended == "ordered"
    assert all(end == ends[0] for end in ends)
