"""Words on a journal entry that no door let in: the process does not go by them, and the auditor hears of them."""

from datetime import timedelta
from typing import Any

import pytest

from blocks.audit.verdict import verify
from blocks.records.ledger import Line
from blocks.records.people import Delegation
from blocks.rulebook import Shelf
from blocks.wire.names import effect_key
from tasks.results import keep_result, result_of
from tasks.reversing import CannotReverseError, VoidReversalError
from tasks.signing import people
from tests.hospital import Hospital


@pytest.fixture
async def billed(hospital: Hospital) -> tuple[Hospital, str, str]:
    """A case that has ordered, and the journal entry of the bill that came."""
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    return hospital, case, f"J-{hospital.erp.bill(effect_key(case, 'order'))}"


async def forge(hospital: Hospital, case: str, entry: str, by: str, actor: str = "", **more: Any) -> None:
    """Write past the doors that somebody agrees."""
    body = {"by": by, "name": by, "because": "billed twice", "asked_by": "Paula Reyes", **more}
    line = Line(act="reversing", key=entry, actor=actor or f"person:{by}", at=hospital.now, source="test", body=body)
    await hospital.ledger.append(await hospital.chain(case), [line])


@pytest.mark.parametrize(
    ("by", "more", "why"),
    [
        ("frida.ng", {}, "by which directory"),
        ("nobody.here", {"directory": True}, "does not have them"),
        ("gus.varga", {"directory": True}, "no longer active"),
        ("leo.brandt", {"directory": True}, "holds no role for OR"),
        ("frida.ng", {"directory": True, "counts_as": ["carl.moss"]}, "counted as others"),
    ],
)
async def test_who_has_no_standing_is_not_taken_at_their_word_by_the_process(billed, by, more, why):
    hospital, case, entry = billed
    await hospital.reverse(case, entry, "paula.reyes")
    asked = (await hospital.chain(case)).last("reversal-asked").body
    judged_by = {name: asked[name] for name in ("directory", "duties")} if "directory" in more else {}
    await forge(hospital, case, entry, by, **{**more, **judged_by})
    with pytest.raises(VoidReversalError, match=why):
        await hospital.wake(case)
    assert not hospital.erp.calls["reverse"]


@pytest.mark.parametrize(
    ("asked", "actor", "why"),
    [
        (False, "person:frida.ng", "nobody had asked for it"),
        (True, "process:requisition", "the word of no person"),
        (True, "person:carl.moss", "of another than it says"),
    ],
)
async def test_what_no_second_person_agreed_to_is_done_by_nobody_and_named(billed, asked, actor, why):
    hospital, case, entry = billed
    if asked:
        await hospital.reverse(case, entry, "paula.reyes")
    await forge(hospital, case, entry, "frida.ng", actor)
    with pytest.raises(VoidReversalError, match=why):
        await hospital.wake(case)
    assert not hospital.erp.calls["reverse"]
    (found,) = (await verify(hospital.ledger)).findings
    assert why in found.because


@pytest.mark.parametrize("by", ["paula.reyes", "rita.okafor"])
async def test_a_word_that_no_door_let_in_counts_neither_here_nor_for_the_auditor(billed, by):
    hospital, case, entry = billed
    await hospital.reverse(case, entry, "paula.reyes")
    await forge(hospital, case, entry, by)
    with pytest.raises(VoidReversalError, match="does not count"):
        await hospital.wake(case)
    assert not hospital.erp.calls["reverse"]
    (found,) = (await verify(hospital.ledger)).findings
    assert found.fault == "unproven"
    assert f"{by} on {entry}: who asked for" in found.because


async def test_who_asked_for_what_else_is_on_the_bill_neither_asks_nor_agrees_by_another_case(billed):
    hospital, _, _ = billed
    paulas, ritas = await hospital.submit("IVSET-20", 40, by="paula.reyes"), await hospital.submit("IVSET-20", 40)
    for case in (paulas, ritas):
        await keep_result(result_of(await hospital.chain(case), await hospital.wake(case)), hospital.ledger)
    number = hospital.erp.bill(effect_key(paulas, "order"))
    hospital.erp.bill(effect_key(ritas, "order"), number=number)
    entry, why = f"J-{number}", "Paula Reyes asked for what else is on the same bill"
    with pytest.raises(CannotReverseError, match=why):
        await hospital.reverse(ritas, entry, "paula.reyes")
    await hospital.reverse(ritas, entry, "carl.moss")
    with pytest.raises(CannotReverseError, match=why):
        await hospital.reverse(ritas, entry, "paula.reyes", agree=True)
    asked = (await hospital.chain(ritas)).last("reversal-asked").body
    judged_by = {name: asked[name] for name in ("directory", "duties")}
    await forge(hospital, ritas, entry, "paula.reyes", **judged_by)
    with pytest.raises(VoidReversalError, match="who asked for what was bought"):
        await hospital.wake(ritas)
    (found,) = (await verify(hospital.ledger)).findings
    assert "who asked for what was bought" in found.because


async def stands_in(hospital: Hospital, by: str, of: str) -> None:
    """Let somebody stand in for another."""
    until = hospital.now + timedelta(days=1)
    lent = Delegation.model_validate({"key": f"{by}-{of}", "of": of, "to": by, "start": hospital.now, "until": until})
    rules = await Shelf(hospital.ledger).in_force(hospital.now)
    who = rules.directory.person(of)
    await people.delegate(lent, who, "test", ledger=hospital.ledger, rulebook=rules, at=hospital.now)


@pytest.mark.parametrize(
    ("by", "of", "why"),
    [
        ("carl.moss", "paula.reyes", "somebody who does not stand in for them must agree"),
        ("carl.moss", "ivo.petrov", "has been approver of this case"),
    ],
)
async def test_who_stands_in_for_one_who_may_not_agree_may_not_either(billed, by, of, why):
    hospital, case, entry = billed
    await hospital.reverse(case, entry, "paula.reyes")
    await stands_in(hospital, by, of)
    with pytest.raises(CannotReverseError, match=why):
        await hospital.reverse(case, entry, by, agree=True)
    asked = (await hospital.chain(case)).last("reversal-asked").body
    await forge(hospital, case, entry, by, directory=asked["directory"], duties=asked["duties"] + 1)
    with pytest.raises(VoidReversalError, match="counted as others than it says"):
        await hospital.wake(case)


async def test_for_whom_one_stood_in_while_asking_does_not_agree_after_it_is_over(billed):
    hospital, case, entry = billed
    await stands_in(hospital, "paula.reyes", "carl.moss")
    await hospital.reverse(case, entry, "paula.reyes")
    hospital.now += timedelta(days=2)
    with pytest.raises(CannotReverseError, match="Paula Reyes has asked for it"):
        await hospital.reverse(case, entry, "carl.moss", agree=True)
    await hospital.reverse(case, entry, "frida.ng", agree=True)
    assert f"was reversed by {entry}-R" in (await hospital.wake(case)).because
