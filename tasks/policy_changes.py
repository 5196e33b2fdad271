"""Changes of policy: somebody proposes the next one, somebody else puts it in force. Knows no Prefect.

Each is a line in the book of policies, written by conditional append: of two who approve at once, one does, and the
other is told so.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from blocks.errors import ConflictError, RefusedError
from blocks.ledger import Chain, Ledger
from blocks.proofs import reason_policy_unproven
from blocks.records.base import Record
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Passkeys
from blocks.records.passkeys import Proof as PasskeyProof
from blocks.records.people import Person
from blocks.records.policy import Policy, Rulebook
from blocks.rulebook import POLICY, Shelf
from blocks.wire.canonical import canonical
from tasks.decide import Answer, to_confirm
from tasks.rules.proof import Proof, approvers_of_policy, prove
from tasks.rules.standing import counts_as

RACES_MAX = 20


class NotProvenError(Exception):
    """A policy has violations: it cannot take effect."""

    def __init__(self, proof: Proof) -> None:
        super().__init__(f"{len(proof.violations)} violations")
        self.proof = proof


class Proposal(Record):
    """A policy that somebody proposes, instead of the one that was last put in force."""

    object: str
    effective_from: str
    author: str
    counts_as: tuple[str, ...] = ()
    """Everybody whom the author stood in for just then."""
    instead_of: str
    turn: int
    """How many policies had been put in force: one turn, one policy, be it a former one again."""
    directory: str
    """By which directory it was proven."""


class InForce(NamedTuple):
    """A policy that was put in force: which, from when on, who wrote it, and who approved."""

    version: str
    effective_from: str
    author: str
    approver: str
    new: bool


Judge = Callable[[Chain], Line | None]


async def adopt_first(policy: Policy, door: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> Proof:
    """Put the very first policy in force; it needs nobody's approval, since nobody is named yet who could give it."""
    proof = _proven(await proof_of(policy, shelf, at))
    version = await ledger.keep(canonical(policy))
    body = {"object": version, "effective_from": policy.effective_from.isoformat()}

    def judge(chain: Chain) -> Line | None:
        last = chain.last("adopted")
        if last and last.body["object"] != version:
            raise _refused("one is in force: `almoner policy propose FILE --as YOU`, and somebody else approves it")
        return None if last else Line(act="adopted", key=version, actor=f"door:{door}", at=at, source=door, body=body)

    await _enter(ledger, judge)
    return proof


async def propose(policy: Policy, by: str, door: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> Proposal:
    """Propose a policy; `NotProvenError` where it has violations, `RefusedError` where it is not taken."""
    rulebook = await shelf.in_force(at.date())
    author = _person(by, rulebook)
    _proven(await proof_of(policy, shelf, at))
    since = rulebook.policy.effective_from
    if policy.effective_from < since:
        raise _refused(f"effective_from: {policy.effective_from} is before that of the policy in force: give {since}")
    if policy == await shelf.policy(_last(await ledger.read(POLICY))):
        raise _refused("this policy is in force already")
    version = await ledger.keep(canonical(policy))

    def judge(chain: Chain) -> Line | None:
        known = proposal_of(chain, version)
        if known and known.turn == _turn(chain):
            if known.author == author.id:
                return None
            raise _refused(f"{known.author} has proposed this policy already: it waits for somebody's approval")
        proposal = Proposal(
            object=version,
            effective_from=policy.effective_from.isoformat(),
            author=author.id,
            counts_as=_stands_in_for(author, rulebook, at),
            instead_of=_last(chain),
            turn=_turn(chain),
            directory=rulebook.directory_version,
        )
        return _line("proposed", version, author, door, at, proposal.model_dump(mode="json"))

    proposal = proposal_of(await _enter(ledger, judge), version)
    assert proposal is not None  # noqa: S101  it was just entered
    return proposal


class Approver(NamedTuple):
    """Who approves, through which door, and what they signed for it."""

    id: str
    door: str
    proof: PasskeyProof | None = None
    enrolled: Passkeys = Passkeys()


class ToConfirmError(Exception):
    """Approving this policy takes a passkey: what is to be confirmed is drawn up."""

    def __init__(self, request: Confirmation) -> None:
        super().__init__("Approving a policy takes your passkey.")
        self.request = request


async def approve(version: str, by: str, door: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> InForce:
    """Put a proposed policy in force; whoever comes later is told who did. `RefusedError` says why not.

    `ToConfirmError` where the policy that it replaces asks for passkeys.
    """
    return await approve_as(version, Approver(by, door), ledger=ledger, shelf=shelf, at=at)


async def approve_as(version: str, who: Approver, *, ledger: Ledger, shelf: Shelf, at: datetime) -> InForce:
    """Put a proposed policy in force with what was signed for it.

    The people may have changed since it was proposed, so that it is proven once more.
    """
    rulebook = await shelf.in_force(at.date())
    approver = _person(who.id, rulebook)
    chain = await ledger.read(POLICY)
    proposal = proposal_of(chain, version)
    if proposal is None:
        raise _refused(f"{version[:12]}: nobody has proposed it; `almoner policy proposals` lists what waits")
    if reason := reason_not_to_approve(proposal, approver, rulebook, at):
        raise _refused(reason)
    _proven(await proof_of(await shelf.policy(proposal.object), shelf, at))
    body = proposal.model_dump(mode="json") | {"approver": approver.id, "directory": rulebook.directory_version}
    if (await shelf.policy(proposal.instead_of)).step_up_from is not None and not adopted_after(chain, proposal):
        body |= await _signed(proposal, who, ledger, at)
    mine = _line("adopted", proposal.object, approver, who.door, at, body)

    def judge(chain: Chain) -> Line | None:
        if adopted_after(chain, proposal):
            return None
        if proposal.turn != _turn(chain):
            raise _refused("another policy was put in force since it was proposed: propose it again")
        return mine

    taken = adopted_after(await _enter(ledger, judge), proposal)
    assert taken is not None  # noqa: S101  it was just entered, by us or somebody else
    told = taken.body
    return InForce(proposal.object, told["effective_from"], told["author"], told["approver"], new=taken == mine)


async def proof_of(policy: Policy, shelf: Shelf, at: datetime) -> Proof:
    """Prove a policy for the people who are there when it takes effect, as far as they are known by now."""
    _, directory = await shelf.directory_in_force(max(at.date(), policy.effective_from))
    return prove(policy, directory, await shelf.duties(), at)


async def _signed(proposal: Proposal, who: Approver, ledger: Ledger, at: datetime) -> dict[str, object]:
    """Print the proof that somebody approves a policy; draw up what they have to confirm where there is none."""
    version = proposal.object
    reason = reason_policy_unproven(version, who.id, at, who.proof, who.enrolled)
    if who.proof is None:
        to_say = Answer(POLICY, version, "approve", version)
        request = to_confirm(to_say, who.id, at)
        drawn = {"request": request.model_dump(mode="json")}
        line = Line(act="confirming", key=version, actor=f"person:{who.id}", at=at, source=who.door, body=drawn)
        await _enter(ledger, lambda _: line)
        raise ToConfirmError(request)
    if reason:
        raise _refused(reason)
    return {"proof": who.proof.model_dump(mode="json"), "passkeys": who.enrolled.seq}


def reason_not_to_approve(proposal: Proposal, by: Person, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why somebody cannot approve a policy, or None: never its author, nor who counts as them or the other way."""
    if by.id == proposal.author:
        return "you wrote it yourself: somebody else has to approve it"
    both = {by.id, *_stands_in_for(by, rulebook, at)} & {proposal.author, *proposal.counts_as}
    if both:
        return f"you and its author both count as {min(both)}, one standing in for the other: a third person has to"
    if by not in approvers_of_policy(rulebook.policy, rulebook.directory):
        return f"it takes a {' or '.join(rulebook.policy.policy_approvers)} to approve a policy, which you are not"
    return None


def proposal_of(chain: Chain, version: str) -> Proposal | None:
    """Find the latest proposal of a version, which may be shortened to what names one alone."""
    lines = [line for line in chain.having("proposed") if line.key.startswith(version)]
    if not lines or len({line.key for line in lines}) > 1:
        return None
    return Proposal.model_validate(lines[-1].body)


def open_proposals(chain: Chain) -> tuple[Proposal, ...]:
    """List what waits for approval: proposed instead of the policy that is still the last one."""
    found = [Proposal.model_validate(line.body) for line in chain.having("proposed")]
    return tuple(one for one in found if one.turn == _turn(chain))


def differences(before: Record, after: Record) -> list[str]:
    """List what is changed, field by field."""
    old, new = (dict(_leaves("", one.model_dump(mode="json"))) for one in (before, after))
    names = [*old, *(name for name in new if name not in old)]
    shown = ((name, old.get(name, "nothing"), new.get(name, "nothing")) for name in names)
    return [f"{name}: {was} → {is_now}" for name, was, is_now in shown if was != is_now]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        yield path, str(value)
        return
    for name, part in parts:
        yield from _leaves(f"{path}.{name}" if path else str(name), part)


def adopted_after(chain: Chain, proposal: Proposal) -> Line | None:
    """Find the line that put a proposal in force."""
    return next((x for x in chain.having("adopted", proposal.object) if x.body.get("turn") == proposal.turn), None)


def _last(chain: Chain) -> str:
    adopted = chain.last("adopted")
    return str(adopted.body["object"]) if adopted else ""


def _turn(chain: Chain) -> int:
    return len(chain.having("adopted"))


def _stands_in_for(who: Person, rulebook: Rulebook, at: datetime) -> tuple[str, ...]:
    return tuple(sorted(counts_as(who.id, rulebook.duties, at) - {who.id}))


def _person(by: str, rulebook: Rulebook) -> Person:
    person = rulebook.directory.person(by)
    if person is None or not person.active:
        raise _refused(f"{by} is not an active person of the directory")
    return person


def _proven(proof: Proof) -> Proof:
    if proof.violations:
        raise NotProvenError(proof)
    return proof


def _refused(reason: str) -> RefusedError:
    return RefusedError("policy", reason)


def _line(act: str, version: str, who: Person, door: str, at: datetime, body: dict[str, object]) -> Line:
    return Line(act=act, key=version, actor=f"person:{who.id}", at=at, seen=version, source=door, body=body)


async def _enter(ledger: Ledger, judge: Judge) -> Chain:
    """Append what *judge* makes of the book as it stands, asked again whenever somebody else was first."""
    chain = await ledger.read(POLICY)
    for _ in range(RACES_MAX):
        line = judge(chain)
        if line is None:
            return chain
        try:
            return await ledger.append(chain, [line])
        except ConflictError:
            chain = await ledger.read(POLICY, known=chain)
    message = f"{POLICY}: {RACES_MAX} lost races in a row"
    raise ConflictError(message)
