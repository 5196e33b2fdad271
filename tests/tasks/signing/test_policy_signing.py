"""Signing a policy: where the policy in force asks for passkeys, whoever approves the next one signs it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from blocks.audit.verdict import verify
from blocks.books import POLICY
from blocks.errors import NotFoundError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.rulebook import Shelf, adopt
from blocks.wire.canonical import canonical
from infrastructure.local.demo.authenticator import PRESENT
from infrastructure.local.hospital.__main__ import directory
from tasks.signing.matters import Matter, ToConfirmError
from tasks.signing.policy_changes import approve, propose
from tasks.signing.proposals import Proposal
from tests.hospital import MORNING, Hospital, plain_policy
from tests.signing import Signers

STRICT = plain_policy().model_copy(update={"step_up_from": Decimal(2890)})
NEXT = plain_policy().model_copy(update={"step_up_from": Decimal(5000), "delegation_days_max": 7})

STRICTER = plain_policy().model_copy(update={"step_up_from": Decimal(1000)})


@pytest.fixture
async def ledger(hospital: Hospital) -> Ledger:
    await adopt(hospital.ledger, directory(), actor="door:test", at=MORNING - timedelta(minutes=1))
    await adopt(hospital.ledger, STRICT, actor="door:test", at=MORNING)
    return hospital.ledger


@pytest.fixture
def signers(ledger: Ledger) -> Signers:
    return Signers(ledger)


@pytest.fixture
async def proposal(ledger: Ledger) -> Proposal:
    return await propose(NEXT, "paula.reyes", "test", ledger=ledger, shelf=Shelf(ledger), at=MORNING)


async def asked(ledger: Ledger, proposal: Proposal, by: str = "frida.ng") -> Confirmation:
    with pytest.raises(ToConfirmError, match="takes your passkey") as caught:
        await approve(proposal.object, by, "test", ledger=ledger, shelf=Shelf(ledger), at=MORNING)
    return caught.value.request


async def in_force(ledger: Ledger) -> str:
    return (await Shelf(ledger).in_force(MORNING)).policy_version


async def test_a_policy_is_in_force_once_its_approver_has_signed_it(ledger, signers, proposal):
    await signers.enrol()
    request = await asked(ledger, proposal)
    assert await in_force(ledger) != proposal.object
    found = await signers.pending(request)
    assert found.told.changes == ("delegation_days_max: 30 → 7", "step_up_from: 2890 → 5000")
    done = await signers.sign(request)
    assert done == (
        f"It is in force from {proposal.effective_from}: paula.reyes wrote it, frida.ng approved it.",
        True,
        False,
    )
    assert await in_force(ledger) == proposal.object
    assert (await verify(ledger)).verified
    assert await signers.pending(request) == "It is in force already: frida.ng approved it."
    again = await approve(proposal.object, "carl.moss", "test", ledger=ledger, shelf=Shelf(ledger), at=MORNING)
    assert (again.approver, again.new) == ("frida.ng", False)


LIES = [({"flags": PRESENT}, "not verified"), ({"challenge": "AAAA"}, "challenge"), ({"origin": "https://x"}, "origin")]


@pytest.mark.parametrize(("lies", "why"), LIES)
async def test_a_forged_signature_changes_no_policy(ledger, signers, proposal, lies, why):
    await signers.enrol()
    request = await asked(ledger, proposal)
    forged = await signers.sign(request, **lies)
    assert (forged.again, why in forged.text) == (True, True)
    assert await in_force(ledger) != proposal.object
    assert (await signers.sign(request)).done


async def test_somebody_elses_passkey_changes_no_policy(ledger, signers, proposal):
    phone = await signers.enrol("carl.moss")
    assert "not enrolled for you" in (await signers.sign(await asked(ledger, proposal), phone)).text
    assert await in_force(ledger) != proposal.object


async def test_a_link_to_a_policy_runs_out(ledger, signers, proposal):
    request = await asked(ledger, proposal)
    assert isinstance(await signers.pending(request), Matter)
    spent = "This link has run out, or was used. Please approve the policy again."
    assert await signers.pending(request.model_copy(update={"nonce": "guessed-by-somebody"})) == spent
    signers.now += timedelta(minutes=11)
    assert await signers.pending(request) == spent


async def test_a_policy_put_in_force_without_the_passkey_is_named_by_the_audit(ledger):
    await adopt(ledger, NEXT, actor="door:attacker", at=MORNING)
    (found,) = (await verify(ledger)).findings
    assert (found.case, found.fault) == (POLICY, "unproven")
    assert "door:attacker" in found.because


async def test_a_policy_put_in_force_behind_our_back_is_gone_by_nowhere_and_that_is_told(ledger, signers, caplog):
    shelf, was = Shelf(ledger), await in_force(ledger)
    await shelf.in_force(MORNING)
    lax = plain_policy().model_copy(update={"delegation_days_max": 90})
    for document in (lax, NEXT):  # the first asks for no passkey: by it the second would need none
        await adopt(ledger, document, actor="door:attacker", at=MORNING)
    assert (await shelf.in_force(MORNING)).policy_version == was == await in_force(ledger)
    assert [one.because[:13] for one in (await verify(ledger)).findings] == ["door:attacker"] * 2
    assert sum("counts for nothing, what was in force before it holds" in one.message for one in caplog.records) >= 2
    proposal = await propose(STRICTER, "paula.reyes", "test", ledger=ledger, shelf=shelf, at=MORNING)
    await signers.enrol()
    assert (await signers.sign(await asked(ledger, proposal))).done
    assert await in_force(ledger) == proposal.object


async def test_no_older_policy_is_gone_by_because_the_newest_was_taken_away(ledger, signers, proposal, hospital):
    await signers.enrol()
    await signers.sign(await asked(ledger, proposal))
    (hospital.ledger.store._root / "objects" / proposal.object).unlink()
    with pytest.raises(NotFoundError):
        await in_force(ledger)


async def test_a_signature_of_another_policy_is_named_by_the_audit(ledger, signers, proposal):
    await signers.enrol()
    await signers.sign(await asked(ledger, proposal))
    chain = await ledger.read(POLICY)
    real = chain.last("adopted")
    lax = plain_policy()
    version = await ledger.keep(canonical(lax))
    body = real.body | {"object": version, "effective_from": lax.effective_from.isoformat()}
    await ledger.append(chain, [Line(act="adopted", key=version, actor=real.actor, at=MORNING, body=body)])
    (found,) = (await verify(ledger)).findings
    assert "What was confirmed is not what was done" in found.because
