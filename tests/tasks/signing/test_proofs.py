"""Proof for ever: what is written into the ledger without the person's passkey is void, and the audit names it."""

from decimal import Decimal
from typing import Any

import pytest

from blocks.audit.verdict import verify
from blocks.records.ledger import Line
from blocks.rulebook import Shelf, adopt
from blocks.wire.canonical import canonical
from tasks.approvals import VoidDecisionError
from tasks.decide import decision_of
from tests.confirming import BY, Page, waiting
from tests.hospital import MORNING, Hospital, plain_policy


@pytest.fixture(autouse=True)
async def page(hospital: Hospital) -> Page:
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(2890)})
    await adopt(hospital.ledger, strict, actor="door:test", at=MORNING)
    return Page(hospital)


async def decided_behind_our_back(hospital: Hospital, case: str, **changed: Any) -> None:
    """Write a decision straight into the ledger, as whoever holds all of the server's secrets could."""
    chain = await hospital.chain(case)
    asked = chain.last("asked")
    body = {"ask": asked.key, "verdict": "approve", "by": BY, "name": "Ivo Petrov", "role": "implant-coordinator"}
    rules = await Shelf(hospital.ledger).in_force(hospital.now)
    body |= {"at": hospital.now.isoformat(), "shown": asked.seen, "directory": rules.directory_version} | changed
    line = Line(act="decided", key=asked.key, actor=f"person:{BY}", at=hospital.now, body={"decision": body})
    await hospital.ledger.append(chain, [line])


async def test_a_decision_written_without_the_passkey_does_not_count_and_the_audit_names_it(hospital):
    case = await waiting(hospital)
    await decided_behind_our_back(hospital, case)
    with pytest.raises(VoidDecisionError, match="takes your passkey"):
        await hospital.wake(case)
    (found,) = (await verify(hospital.ledger)).findings
    assert (found.case, found.fault) == (case, "unproven")
    assert "Ivo Petrov on 1-implant-coordinator" in found.because


async def test_a_proof_copied_from_another_case_does_not_count_and_the_audit_names_it(page, hospital):
    await page.enrol()
    first, second = await waiting(hospital), await waiting(hospital)
    told = await hospital.answer(first, BY)
    await page.finish(told, await page.brought(told))
    real = decision_of(await hospital.chain(first), "1-implant-coordinator")
    proof = real.proof.model_dump(mode="json")
    await decided_behind_our_back(hospital, second, proof=proof, passkeys=real.passkeys)
    with pytest.raises(VoidDecisionError, match="not what was decided"):
        await hospital.wake(second)
    assert [found.case for found in (await verify(hospital.ledger)).findings] == [second]
    proof["request"] |= {"case": second, "shown": (await hospital.chain(second)).last("asked").seen}
    third = await waiting(hospital)
    proof["request"] |= {"case": third, "shown": (await hospital.chain(third)).last("asked").seen}
    await decided_behind_our_back(hospital, third, proof=proof, passkeys=real.passkeys)
    with pytest.raises(VoidDecisionError, match="challenge"):
        await hospital.wake(third)


@pytest.mark.parametrize("lax", [False, True])
async def test_an_ask_that_was_written_without_the_threshold_is_audited_by_policy_in_force(hospital, lax):
    case = await waiting(hospital)
    chain = await hospital.chain(case)
    asked = chain.last("asked")
    bare = {name: value for name, value in asked.body["ask"].items() if name != "passkey"}
    if lax:  # a policy that asks for nothing, kept, but never put in force
        bare["policy"] = await hospital.ledger.keep(
            canonical(plain_policy().model_copy(update={"delegation_days_max": 7}))
        )
    await hospital.ledger.append(chain, [asked.model_copy(update={"body": {"ask": bare}})])
    await decided_behind_our_back(hospital, case)
    assert [found.fault for found in (await verify(hospital.ledger)).findings] == ["unproven"]


async def test_a_decision_that_cannot_be_read_is_named_and_stops_no_audit(hospital):
    case = await waiting(hospital)
    await decided_behind_our_back(hospital, case, proof={"request": "mine"})
    (found,) = (await verify(hospital.ledger)).findings
    assert (found.case, found.fault, "cannot be read" in found.because) == (case, "unproven", True)
