"""Signing a policy: whoever puts the next one in force confirms it on our own page. Knows no Prefect."""

from datetime import datetime
from typing import Any, NamedTuple

from blocks.errors import RefusedError
from blocks.keyring import enrolled
from blocks.ledger import Ledger
from blocks.records.passkeys import Confirmation, Passkeys
from blocks.records.people import Person
from blocks.rulebook import POLICY, Shelf
from tasks.policy_changes import (
    Approver,
    InForce,
    NotProvenError,
    Proposal,
    adopted_after,
    approve_as,
    differences,
    proposal_of,
    reason_not_to_approve,
)
from tasks.stepup import DOOR, request_of, take

SPENT = "This link has run out, or was used. Please approve the policy again."


class PendingPolicy(NamedTuple):
    """A policy that waits for a signature: which, whose, what it changes, with which passkeys."""

    request: Confirmation
    proposal: Proposal
    by: Person
    changes: list[str]
    enrolled: Passkeys


async def pending_policy(nonce: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> PendingPolicy | str:
    """Find the policy behind a link, or say why there is nothing to sign any more."""
    chain = await ledger.read(POLICY)
    request = request_of(chain, nonce)
    proposal = proposal_of(chain, request.ask) if request else None
    if request is None or proposal is None or at > request.until:
        return SPENT
    if adopted := adopted_after(chain, proposal):
        return f"It is in force already: {adopted.body['approver']} approved it."
    rulebook = await shelf.in_force(at.date())
    by = rulebook.directory.person(request.by)
    if by is None or not by.active:
        return "Your account is no longer active, so you cannot approve this."
    if reason := reason_not_to_approve(proposal, by, rulebook, at):
        return f"You cannot approve this: {reason}."
    changes = differences(await shelf.policy(proposal.instead_of), await shelf.policy(proposal.object))
    return PendingPolicy(request, proposal, by, changes, await enrolled(ledger))


async def sign_policy(
    waiting: PendingPolicy, brought: dict[str, Any], *, ledger: Ledger, shelf: Shelf, at: datetime
) -> InForce | str:
    """Take the signature and put the policy in force, or say why not."""
    taken = await take(waiting.request, waiting.by, brought, ledger, at)
    if isinstance(taken, str):
        return taken
    who = Approver(waiting.by.id, DOOR, *taken)
    try:
        return await approve_as(waiting.proposal.object, who, ledger=ledger, shelf=shelf, at=at)
    except RefusedError as refusal:
        return f"It was not put in force: {refusal.detail}."
    except NotProvenError:
        return "It was not put in force: since it was proposed the people changed. `almoner policy check` says how."
