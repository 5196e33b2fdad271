"""Deciding: whoever appends first decides; everybody else is told who did, and when."""

import asyncio
from datetime import timedelta

import pytest

from blocks.ledger import Ledger
from blocks.rulebook import Shelf
from blocks.store import FolderStore
from tasks.decide import Answer, decide, decision_of, shown_of
from tests.hospital import Hospital

DECIDERS = 16


async def waiting(hospital: Hospital, item: str = "KNEE-TIB-4", **more) -> str:
    case = await hospital.submit(item, **more)
    assert await hospital.wake(case) is None
    return case


@pytest.mark.parametrize("doors", [1, 2])
async def test_of_sixteen_deciders_at_once_exactly_one_decides_and_each_is_told(hospital, tmp_path, doors):
    """Half approve, half reject; through one process, or two that share nothing but the store."""
    case = await waiting(hospital)
    (ask,) = await hospital.asks(case)
    ledgers = [Ledger(FolderStore(tmp_path / "store")) for _ in range(doors)]
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    person = rulebook.directory.person("ivo.petrov")

    async def answer(number: int):
        at = hospital.now + timedelta(milliseconds=number)
        verdict = "approve" if number % 2 else "reject"
        given = Answer(case, ask.key, verdict, shown_of(ask), "too dear")
        return await decide(given, person, "test", ledger=ledgers[number % doors], rulebook=rulebook, at=at)

    verdicts = await asyncio.gather(*(answer(number) for number in range(DECIDERS)))
    (winner,) = [verdict for verdict in verdicts if verdict.taken == "counted"]
    chain = await hospital.chain(case)
    assert len(chain.having("decided")) == 1
    assert decision_of(chain, ask.key) == winner.decision
    done = "approved" if winner.decision.verdict == "approve" else "rejected"
    for verdict in verdicts:
        if verdict is not winner:
            assert verdict.taken == "late"
            assert verdict.text == f"Already {done} by Ivo Petrov at 14:00 UTC on 23 Nov."
            assert verdict.decision == winner.decision
    assert len(chain.having("late")) == DECIDERS - 1


async def test_a_second_click_changes_nothing(hospital):
    case = await waiting(hospital)
    assert (await hospital.answer(case, "ivo.petrov")).text == f"You approved {case}."
    again = await hospital.answer(case, "ivo.petrov", "reject", "changed my mind")
    assert again.taken == "late"
    assert "Already approved by Ivo Petrov" in again.text
    assert (await hospital.wake(case)).ended == "ordered"


@pytest.mark.parametrize(
    ("by", "verdict", "note", "because"),
    [
        ("nobody.known", "approve", "", "not in the hospital's directory"),
        ("gus.varga", "approve", "", "no longer active"),
        ("rita.okafor", "approve", "", "asked for this yourself"),
        ("frida.ng", "approve", "", "implant-coordinator of OR, a role you do not hold"),
        ("ivo.petrov", "reject", "  ", "Please say why"),
    ],
)
async def test_an_answer_that_does_not_count_is_kept_and_explained(hospital, by, verdict, note, because):
    case = await waiting(hospital)
    told = await hospital.answer(case, by, verdict, note)
    assert (told.taken, because in told.text) == ("void", True)
    chain = await hospital.chain(case)
    assert chain.last("refused-click").body == {"verdict": verdict, "because": told.text}
    assert await hospital.wake(case) is None
    assert not hospital.erp.orders()


async def test_a_click_on_a_card_that_showed_something_else_does_not_count(hospital):
    case = await waiting(hospital)
    told = await hospital.answer(case, "ivo.petrov", shown="0" * 64)
    assert (told.taken, "newest card" in told.text) == ("changed", True)
    assert decision_of(await hospital.chain(case), "1-implant-coordinator") is None
    assert await hospital.verified()


async def test_an_answer_to_nothing_leaves_no_trace(hospital):
    case = await hospital.submit("IVSET-20", 40)
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    for name in (case, "RQ-NEVERSEEN1"):
        before = await hospital.chain(name)
        given = Answer(name, "1-department-manager", "approve", "0" * 64)
        told = await decide(given, None, "test", ledger=hospital.ledger, rulebook=rulebook, at=hospital.now)
        assert told.taken == "unknown"
        assert await hospital.chain(name) == before


async def test_after_the_end_every_answer_is_late(hospital):
    case = await waiting(hospital, "VENT-T1", by="sam.lind", centre="ICU")
    await hospital.answer(case, "ana.silva")
    await hospital.wake(case)
    await hospital.answer(case, "frida.ng", "reject", "not this year")
    assert (await hospital.wake(case)).ended == "rejected"
    told = await hospital.answer(case, "frida.ng", ask="1-department-manager")
    assert (told.taken, "Ana Silva" in told.text) == ("late", True)


async def test_a_decision_says_by_whom_when_on_what_and_by_which_directory(hospital):
    case = await waiting(hospital)
    await hospital.answer(case, "ivo.petrov", "reject", " use the consigned tray ")
    (ask,) = await hospital.asks(case)
    decision = decision_of(await hospital.chain(case), ask.key)
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    assert decision.note == "use the consigned tray"
    assert (decision.by, decision.at, decision.shown) == ("ivo.petrov", hospital.now, shown_of(ask))
    assert decision.directory == rulebook.directory_version
