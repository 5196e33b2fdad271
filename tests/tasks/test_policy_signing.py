"""Signing a policy: where the policy in force asks for passkeys, whoever approves the next one signs it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from blocks.audit import verify
from blocks.ledger import Ledger
from blocks.passkeys import created, to_create, to_sign
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.rulebook import POLICY, Shelf, adopt
from blocks.wire.canonical import canonical
from infrastructure.local.demo.authenticator import PRESENT, Authenticator
from infrastructure.local.hospital.__main__ import directory
from tasks import passkeys
from tasks.policy_changes import InForce, Proposal, ToConfirmError, approve, propose
from tasks.policy_signing import SPENT, PendingPolicy, pending_policy, sign_policy
from tests.confirming import HOUSE
from tests.hospital import MORNING, Hospital, plain_policy

STRICT = plain_policy().model_copy(update={"step_up_from": Decimal(2890)})
NEXT = plain_policy().model_copy(update={"step_up_from": Decimal(5000), "delegation_days_max": 7})


@pytest.fixture
async def ledger(hospital: Hospital) -> Ledger:
    for document in (STRICT, directory()):
        await adopt(hospital.ledger, document, actor="door:test", at=MORNING)
    return hospital.ledger


@pytest.fixture
async def proposal(ledger: Ledger) -> Proposal:
    return await propose(NEXT, "paula.reyes", "test", ledger=ledger, shelf=Shelf(ledger), at=MORNING)


async def enrol(ledger: Ledger, person: str = "frida.ng") -> Authenticator:
    asking: dict[str, Any] = {"ledger": ledger, "directory": directory(), "at": MORNING}
    token = await passkeys.invite(person, "door:cli~ann", **asking)
    found = await passkeys.guest(token, **asking)
    assert isinstance(found, passkeys.Guest)
    phone = Authenticator(credential=person.encode())
    key = created(HOUSE, found.invitation, phone.create(to_create(HOUSE, found.invitation, found.person, ())), MORNING)
    await passkeys.enrol(key, found.invitation, ledger=ledger, at=MORNING)
    return phone


async def asked(ledger: Ledger, proposal: Proposal, by: str = "frida.ng") -> Confirmation:
    with pytest.raises(ToConfirmError, match="takes your passkey") as caught:
        await approve(proposal.object, by, "test", ledger=ledger, shelf=Shelf(ledger), at=MORNING)
    return caught.value.request


async def pending(ledger: Ledger, request: Confirmation, late: int = 0) -> PendingPolicy | str:
    at = MORNING + timedelta(minutes=late)
    return await pending_policy(request.nonce, ledger=ledger, shelf=Shelf(ledger), at=at)


async def sign(ledger: Ledger, request: Confirmation, phone: Authenticator, **lies: Any) -> InForce | str:
    found = await pending(ledger, request)
    assert isinstance(found, PendingPolicy), found
    brought = phone.get(to_sign(request, found.enrolled.of(found.by.id), HOUSE), **lies)
    return await sign_policy(found, brought, ledger=ledger, shelf=Shelf(ledger), at=MORNING)


async def in_force(ledger: Ledger) -> str:
    return (await Shelf(ledger).in_force(MORNING.date())).policy_version


async def test_a_policy_is_in_force_once_its_approver_has_signed_it(ledger, proposal):
    phone = await enrol(ledger)
    request = await asked(ledger, proposal)
    assert await in_force(ledger) != proposal.object
    found = await pending(ledger, request)
    assert found.changes == ["delegation_days_max: 30 → 7", "step_up_from: 2890 → 5000"]
    done = await sign(ledger, request, phone)
    assert (done.author, done.approver, done.new) == ("paula.reyes", "frida.ng", True)
    assert await in_force(ledger) == proposal.object
    assert (await verify(ledger)).verified
    assert await pending(ledger, request) == "It is in force already: frida.ng approved it."
    again = await approve(proposal.object, "carl.moss", "test", ledger=ledger, shelf=Shelf(ledger), at=MORNING)
    assert (again.approver, again.new) == ("frida.ng", False)


LIES = [({"flags": PRESENT}, "not verified"), ({"challenge": "AAAA"}, "challenge"), ({"origin": "https://x"}, "origin")]


@pytest.mark.parametrize(("lies", "why"), LIES)
async def test_a_forged_signature_changes_no_policy(ledger, proposal, lies, why):
    phone = await enrol(ledger)
    request = await asked(ledger, proposal)
    assert why in await sign(ledger, request, phone, **lies)
    assert why not in str(await sign(ledger, request, phone))


async def test_somebody_elses_passkey_changes_no_policy(ledger, proposal):
    phone = await enrol(ledger, "carl.moss")
    assert "not enrolled for you" in await sign(ledger, await asked(ledger, proposal), phone)
    assert await in_force(ledger) != proposal.object


async def test_a_link_to_a_policy_runs_out(ledger, proposal):
    request = await asked(ledger, proposal)
    assert await pending(ledger, request, late=11) == SPENT
    assert await pending(ledger, request.model_copy(update={"nonce": "guessed-by-somebody"})) == SPENT


async def test_a_policy_put_in_force_without_the_passkey_is_named_by_the_audit(ledger):
    await adopt(ledger, NEXT, actor="door:attacker", at=MORNING)
    (found,) = (await verify(ledger)).findings
    assert (found.case, found.fault) == (POLICY, "unproven")
    assert "door:attacker" in found.because


async def test_a_signature_of_another_policy_is_named_by_the_audit(ledger, proposal):
    phone = await enrol(ledger)
    await sign(ledger, await asked(ledger, proposal), phone)
    chain = await ledger.read(POLICY)
    real = chain.last("adopted")
    lax = plain_policy()
    version = await ledger.keep(canonical(lax))
    body = real.body | {"object": version, "effective_from": lax.effective_from.isoformat()}
    await ledger.append(chain, [Line(act="adopted", key=version, actor=real.actor, at=MORNING, body=body)])
    (found,) = (await verify(ledger)).findings
    assert "What was confirmed is not what was approved" in found.because
