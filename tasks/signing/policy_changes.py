"""Changes of policy: proven, proposed by one person, proven again and put in force by another. Knows no Prefect."""

from datetime import datetime

from blocks.books import DIRECTORY, POLICY, start_of, starts
from blocks.errors import RefusedError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.records.people import Person
from blocks.records.policy import Policy, Rulebook
from blocks.rulebook import Shelf
from blocks.wire.canonical import canonical
from tasks.rules.proof import Proof, prove
from tasks.signing import proposals
from tasks.signing.matters import Told, Where
from tasks.signing.proposals import Approver, InForce, Proposal, Subject, Terms, adopted_after, differences, proposal_of
from tasks.signing.stepup import DOOR, Signed

SUBJECT = Subject("policy", POLICY, "almoner policy", lambda policy: policy.policy_approvers, DIRECTORY)


class NotProvenError(Exception):
    """A policy has violations: it cannot take effect."""

    def __init__(self, proof: Proof) -> None:
        super().__init__(f"{len(proof.violations)} violations")
        self.proof = proof


async def adopt_first(policy: Policy, door: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> Proof:
    """Put the very first policy in force; it needs nobody's approval, since nobody is named yet who could give it."""
    proof = _proven(await proof_of(policy, shelf, at))
    version = await ledger.keep(canonical(policy))
    body = {"object": version, **starts(policy.effective_from, await shelf.zone())}

    def judge(chain: Chain) -> Line | None:
        last = chain.last("adopted")
        if last and last.body["object"] != version:
            raise _refused("one is in force: `almoner policy propose FILE`, and somebody else approves it")
        return None if last else Line(act="adopted", key=version, actor=f"door:{door}", at=at, source=door, body=body)

    await ledger.enter(POLICY, judge)
    return proof


async def propose(policy: Policy, by: str, door: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> Proposal:
    """Propose a policy; `NotProvenError` where it has violations, `RefusedError` where it is not taken."""
    rulebook = await shelf.in_force(at)
    proposals.person_of(SUBJECT, by, rulebook)
    _proven(await proof_of(policy, shelf, at))
    since = rulebook.policy.effective_from
    if policy.effective_from < since:
        raise _refused(f"effective_from: {policy.effective_from} is before that of the policy in force: give {since}")
    if policy == await shelf.policy(proposals.last_of(await ledger.read(POLICY))):
        raise _refused("this policy is in force already")
    version, start = await ledger.keep(canonical(policy)), starts(policy.effective_from, await shelf.zone())
    return await proposals.propose(SUBJECT, version, start, Approver(by, door), Where(ledger, shelf, at))


async def approve(version: str, by: str, door: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> InForce:
    """Put a proposed policy in force; whoever comes later is told who did. `RefusedError` says why not.

    `ToConfirmError` where the policy that it replaces asks for passkeys.
    """
    return await approve_as(version, Approver(by, door), ledger=ledger, shelf=shelf, at=at)


async def approve_as(version: str, who: Approver, *, ledger: Ledger, shelf: Shelf, at: datetime) -> InForce:
    """Put a proposed policy in force with what was signed for it.

    The people may have changed since it was proposed, so that it is proven once more.
    """

    async def check(proposal: Proposal, _: Rulebook) -> Terms:
        _proven(await proof_of(await shelf.policy(proposal.object), shelf, at))
        return Terms((await shelf.policy(proposal.instead_of)).step_up_from is not None)

    return await proposals.approve(SUBJECT, version, who, check, Where(ledger, shelf, at))


async def proof_of(policy: Policy, shelf: Shelf, at: datetime) -> Proof:
    """Prove a policy for the people who are there when it takes effect, as far as they are known by now."""
    _, directory = await shelf.directory_in_force(max(at, start_of(policy.effective_from, await shelf.zone())))
    return prove(policy, directory, await shelf.duties(), at)


class PolicyMatter:
    """The next policy, as a matter to sign: whose it is, and what it changes, line by line."""

    again = "Please approve the policy again."

    async def tell(self, request: Confirmation, by: Person, chain: Chain, where: Where) -> Told | str:
        """Tell what a policy changes; it may be in force already, or not theirs to approve."""
        proposal = proposal_of(chain, request.ask)
        if proposal is None:
            return self.again
        if adopted := adopted_after(chain, proposal):
            return f"It is in force already: {adopted.body['approver']} approved it."
        rulebook = await where.shelf.in_force(where.at)
        if reason := proposals.reason_not_to_approve(SUBJECT, proposal, by, rulebook, where.at):
            return f"You cannot approve this: {reason}."
        before, after = await where.shelf.policy(proposal.instead_of), await where.shelf.policy(proposal.object)
        return Told(
            what=f"The policy by {proposal.author}",
            intro=f"It applies from {proposal.effective_from} and changes this:",
            changes=tuple(differences(before, after)),
        )

    async def do(self, request: Confirmation, signed: Signed, by: Person, where: Where) -> str:
        """Put it in force."""
        who = Approver(by.id, DOOR, *signed)
        try:
            done = await approve_as(request.ask, who, ledger=where.ledger, shelf=where.shelf, at=where.at)
        except NotProvenError as error:
            raise _refused("since it was proposed the people changed; `almoner policy check` says how") from error
        return done.words


def _proven(proof: Proof) -> Proof:
    if proof.violations:
        raise NotProvenError(proof)
    return proof


def _refused(reason: str) -> RefusedError:
    return RefusedError("policy", reason)
