"""Segregation of duties on one case, and by machines: what somebody did stays done, whatever they hold by now."""

from datetime import timedelta
from typing import Any

import pytest

from blocks.audit.verdict import verify
from blocks.books import DUTIES
from blocks.errors import RefusedError
from blocks.ports import Personality
from blocks.records.ledger import Line
from blocks.records.people import Delegation, Directory, Duties
from blocks.rulebook import Shelf, adopt
from blocks.wire.names import effect_key
from infrastructure.local.hospital.__main__ import directory
from tasks.approvals import VoidDecisionError
from tasks.effects import InDoubtError, VoidWordError
from tasks.parked import CannotSettleError, Said, settle
from tasks.rules.directory import differences, only_takes_away
from tasks.rules.proof import prove
from tasks.signing import people
from tests.fakes.erp import FakeErp
from tests.hospital import MORNING, Hospital, plain_policy, with_gaps
from tests.samples import NOON

NOBODY = Duties()
BOT = {"id": "par.levels", "name": "Par Levels", "cost_centres": ("OR",), "manager": "ana.silva", "service": True}


def staffed(**changed: Any) -> Directory:
    """The hospital's people, and a service account that asks."""
    staff = with_gaps(directory())
    bot = staff.people[0].model_validate(BOT | changed)
    return staff.model_copy(update={"people": (*staff.people, bot), "effective_from": MORNING.date()})


async def test_what_a_service_account_asks_for_staffdecide(hospital):
    await adopt(hospital.ledger, staffed(), actor="door:test", at=MORNING)
    case = await hospital.submit("IVSET-20", 200, by="par.levels")
    assert await hospital.wake(case) is None
    assert (await hospital.answer(case, "ana.silva")).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"


async def test_a_service_account_approves_nothing_whatever_it_was_granted(hospital):
    manager = next(x for x in directory().people if x.id == "ana.silva")
    await adopt(hospital.ledger, staffed(grants=manager.grants), actor="door:test", at=MORNING)
    case = await hospital.submit("IVSET-20", 200)
    assert await hospital.wake(case) is None
    verdict = await hospital.answer(case, "par.levels")
    assert verdict.taken == "void"
    assert verdict.text == "Par Levels is a service account: it may ask, and a person has to decide."


def test_policy_check_names_a_service_account_that_could_decide_and_whom_reports_to_one():
    manager = next(x for x in directory().people if x.id == "ana.silva")
    staff = staffed(grants=manager.grants, owns=("OR",))
    below = (x.model_copy(update={"manager": "par.levels"}) if x.id == "mei.tan" else x for x in staff.people)
    told = prove(plain_policy(), staff.model_copy(update={"people": tuple(below)}), NOBODY, NOON)
    assert [(x.field, x.level) for x in told.findings if x.rule == "service account"] == [
        ("directory.people.par.levels.grants.0", "violation"),
        ("directory.people.par.levels.owns", "violation"),
        ("directory.people.mei.tan.manager", "violation"),
    ]


def test_what_only_a_machine_holds_nobody_holds():
    ivo = next(x for x in directory().people if x.id == "ivo.petrov")
    staff = (x.model_copy(update={"service": True}) if x == ivo else x for x in directory().people)
    told = prove(plain_policy(), directory().model_copy(update={"people": tuple(staff)}), NOBODY, NOON)
    assert any(x.rule == "approvers" and "as implant-coordinator" in x.what for x in told.violations)


def test_to_make_somebody_of_a_machine_takes_two_and_to_make_a_machine_of_somebody_one():
    person, machine = staffed(service=False), staffed()
    assert only_takes_away(person, machine)
    assert not only_takes_away(machine, person)
    assert [x.what for x in differences(person, machine)] == ["is a service account"]
    assert [x.what for x in differences(machine, person)] == ["is no service account any more"]


async def test_nobody_lends_to_a_machine(hospital):
    await adopt(hospital.ledger, staffed(), actor="door:test", at=MORNING)
    told = {"of": "ana.silva", "to": "par.levels", "start": MORNING, "until": MORNING + timedelta(days=1)}
    rules = await Shelf(hospital.ledger).in_force(MORNING)
    with pytest.raises(RefusedError, match="a service account, and decides nothing"):
        await people.delegate(
            Delegation.model_validate(told | {"key": "d"}), rules.directory.person("ana.silva"), "test",
            ledger=hospital.ledger, rulebook=rules, at=MORNING,
        )  # fmt: skip
    assert not (await hospital.chain(DUTIES)).seq


class Forgetful(FakeErp):
    """An ERP that knows no keys, and cannot be asked what it made."""

    async def order(self, draft, *, key):
        return await super().order(draft, key=f"{key}/{len(self.orders())}")


@pytest.fixture
async def in_doubt(hospital) -> str:
    """A case that Ana Silva approved, whose order was made, and nobody can say so."""
    hospital.erp = Forgetful(personality=Personality(key_kept_s=0, finds=False))
    case = await hospital.submit("IVSET-20", 200)
    assert await hospital.wake(case) is None
    assert (await hospital.answer(case, "ana.silva")).taken == "counted"
    hospital.erp.lose = 1
    with pytest.raises(InDoubtError):
        await hospital.wake(case)
    return case


async def says(hospital: Hospital, case: str, by: str) -> str:
    rules = await Shelf(hospital.ledger).in_force(hospital.now)
    person, ledger, erp = rules.directory.person(by), hospital.ledger, hospital.erp
    said = Said(case, "made", "PO-1")
    at = hospital.now
    return await settle(said, person, "test", ledger=ledger, erp=erp, rulebook=rules, at=at, clock=lambda: at)


async def test_who_approved_does_not_settle_nor_does_who_stands_in_for_them(hospital, in_doubt):
    why = "Ana Silva has been approver of this case, and who approves an order does not vouch for what became of it"
    with pytest.raises(CannotSettleError, match=why):
        await says(hospital, in_doubt, "ana.silva")
    rules = await Shelf(hospital.ledger).in_force(hospital.now)
    lent = {"key": "d", "of": "ana.silva", "to": "paula.reyes", "start": hospital.now}
    delegation = Delegation.model_validate(lent | {"until": hospital.now + timedelta(days=1)})
    await people.delegate(
        delegation, rules.directory.person("ana.silva"), "test",
        ledger=hospital.ledger, rulebook=rules, at=hospital.now,
    )  # fmt: skip
    with pytest.raises(CannotSettleError, match=why):
        await says(hospital, in_doubt, "paula.reyes")
    assert await says(hospital, in_doubt, "frida.ng") == "The order was made, as PO-1."


async def test_a_word_written_behind_our_back_counts_neither_for_the_process_nor_for_the_audit(hospital, in_doubt):
    await settled_behind_our_back(hospital, in_doubt, "ana.silva", "Ana Silva")
    with pytest.raises(VoidWordError, match="Ana Silva has been approver of this case"):
        await hospital.wake(in_doubt)
    (found,) = (await verify(hospital.ledger)).findings
    assert (found.case, found.fault) == (in_doubt, "unproven")
    assert "Ana Silva has been approver of this case, and who approves an order does not vouch" in found.because


async def test_the_word_of_who_asked_written_behind_our_back_does_not_count(hospital, in_doubt):
    await settled_behind_our_back(hospital, in_doubt, "rita.okafor", "Rita Okafor")
    with pytest.raises(VoidWordError, match="who asked for it"):
        await hospital.wake(in_doubt)


async def test_who_settled_does_not_approve_what_is_asked_later_on_the_case(hospital):
    case = await hospital.submit("IVSET-20", 200)
    assert await hospital.wake(case) is None
    await settled_behind_our_back(hospital, case, "ana.silva", "Ana Silva")
    told = await hospital.answer(case, "ana.silva")
    assert told.text.startswith("Ana Silva has been settler of this case")
    chain = await hospital.chain(case)
    asked, rules = chain.last("asked"), await Shelf(hospital.ledger).in_force(hospital.now)
    body = {"ask": asked.key, "verdict": "approve", "by": "ana.silva", "name": "Ana Silva", "shown": asked.seen}
    body |= {"role": "department-manager", "at": hospital.now.isoformat(), "directory": rules.directory_version}
    line = Line(act="decided", key=asked.key, actor="person:ana.silva", at=hospital.now, body={"decision": body})
    await hospital.ledger.append(chain, [line])
    with pytest.raises(VoidDecisionError, match="Ana Silva has been settler of this case"):
        await hospital.wake(case)
    assert "settler of this case" in (await verify(hospital.ledger)).findings[0].because


async def test_who_settled_while_policy_let_them_did_so_for_ever(hospital, in_doubt):
    pairs = tuple(x for x in plain_policy().conflicts if x.other != "settler")
    lenient = plain_policy().model_copy(update={"conflicts": pairs})
    await adopt(hospital.ledger, lenient, actor="door:test", at=MORNING)
    await says(hospital, in_doubt, "ana.silva")
    hospital.now += timedelta(hours=1)
    await adopt(hospital.ledger, plain_policy(), actor="door:test", at=hospital.now)
    hospital.now += timedelta(hours=1)
    assert (await hospital.wake(in_doubt)).ended == "ordered"
    assert await hospital.verified()


async def settled_behind_our_back(hospital: Hospital, case: str, by: str, name: str) -> None:
    """Write somebody's word on the order of a case straight into the ledger."""
    chain = await hospital.chain(case)
    made = {"kind": "purchase order", "number": "PO-1", "state": "made", "key": effect_key(case, "order")}
    body = {"effect": "order", "verdict": "made", "name": name, "because": "", "document": made}
    line = Line(act="settled", key=made["key"], actor=f"person:{by}", at=hospital.now, body=body)
    await hospital.ledger.append(chain, [line])


async def test_where_policy_does_not_keep_the_two_apart_who_approved_may_settle(hospital, in_doubt):
    pairs = tuple(x for x in plain_policy().conflicts if x.other != "settler")
    lenient = plain_policy().model_copy(update={"conflicts": pairs})
    await adopt(hospital.ledger, lenient, actor="door:test", at=MORNING)
    assert await says(hospital, in_doubt, "ana.silva") == "The order was made, as PO-1."
