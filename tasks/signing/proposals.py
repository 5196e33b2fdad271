"""Proposals: the next policy or directory is written by one person and put in force by another. Knows no Prefect.

Each is a line in the book of policies or of directories, written by conditional append: of two who approve at once,
one does, and the other is told so. Of a policy and a directory that are approved at once neither was judged by
the other: whoever comes second sees that the other book has grown, and is told.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import Field

from blocks.errors import RefusedError
from blocks.ledger import Chain, Ledger
from blocks.proofs.acts import Deed, reason_not_signed
from blocks.records.base import Record
from blocks.records.ledger import Line
from blocks.records.passkeys import Passkeys
from blocks.records.passkeys import Proof as PasskeyProof
from blocks.records.people import Person, Role
from blocks.records.policy import Policy, Rulebook
from tasks.rules.standing import counts_as
from tasks.signing.matters import ToConfirmError, Where, draw_up


@dataclass(frozen=True)
class Subject:
    """What is proposed: a policy or a directory."""

    name: str
    book: str
    command: str
    roles: Callable[[Policy], tuple[Role, ...]]
    """Who puts the next one in force."""
    beside: str
    """By the book of what it is judged: a policy by people, people by a policy."""


class Proposal(Record):
    """A document that somebody proposes, instead of the one that was last put in force."""

    object: str
    effective_from: str
    zone: str = Field(default="UTC", exclude_if=lambda x: x == "UTC", description="Time zone in which that day begins")
    author: str
    counts_as: tuple[str, ...] = ()
    """Everybody whom the author stood in for just then."""
    instead_of: str
    turn: int
    """How many had been put in force: one turn, one document, be it a former one again."""
    directory: str
    """By which directory it was judged."""


class InForce(NamedTuple):
    """A document that was put in force: which, from when on, who wrote it, and who approved."""

    version: str
    effective_from: str
    author: str
    approver: str
    new: bool
    warning: str = ""
    """What to say after all that, in a line of its own; empty where nothing."""

    @property
    def words(self) -> str:
        """Say it to who approved."""
        who = f"{self.author} wrote it, {self.approver} approved it."
        return f"It is in force from {self.effective_from}: {who}{self.warning}"


class Approver(NamedTuple):
    """Who approves, through which door, and what they signed for it."""

    id: str
    door: str
    proof: PasskeyProof | None = None
    enrolled: Passkeys = Passkeys()


class Terms(NamedTuple):
    """What holds for one approval: whether it takes a passkey, and whether its author may give it alone."""

    passkey: bool
    alone: bool = False


Check = Callable[[Proposal, Rulebook], Awaitable[Terms]]


async def propose(subject: Subject, version: str, start: Mapping[str, str], who: Approver, where: Where) -> Proposal:
    """Propose a document that is kept already; the same by the same person again is no news.

    *start*: from when on it would be in force, as `starts` prints it.
    """
    ledger, shelf, at = where
    rulebook = await shelf.in_force(at)
    author = person_of(subject, who.id, rulebook)

    def judge(chain: Chain) -> Line | None:
        known = proposal_of(chain, version)
        if known and known.turn == turn_of(chain):
            if known.author == author.id:
                return None
            raise _refused(
                subject, f"{known.author} has proposed this {subject.name} already: it waits for somebody's approval"
            )
        proposal = Proposal(
            object=version,
            **start,
            author=author.id,
            counts_as=_stands_in_for(author, rulebook, at),
            instead_of=last_of(chain),
            turn=turn_of(chain),
            directory=rulebook.directory_version,
        )
        return _line("proposed", version, author, who.door, at, proposal.model_dump(mode="json"))

    proposal = proposal_of(await ledger.enter(subject.book, judge), version)
    assert proposal is not None  # noqa: S101  it was just entered
    return proposal


async def approve(subject: Subject, version: str, who: Approver, check: Check, where: Where) -> InForce:
    """Put a proposed document in force; whoever comes later is told who did. `RefusedError` says why not.

    *check* looks at it once more and sets the terms. `ToConfirmError` where they ask for a passkey.
    """
    ledger, shelf, at = where
    beside = turn_of(await ledger.read(subject.beside))
    shelf.look_again()
    rulebook = await shelf.in_force(at)
    approver = person_of(subject, who.id, rulebook)
    chain = await ledger.read(subject.book)
    proposal = proposal_of(chain, version)
    if proposal is None:
        raise _refused(
            subject, f"{version[:12]}: nobody has proposed it; `{subject.command} proposals` lists what waits"
        )
    terms = await check(proposal, rulebook)
    if reason := reason_not_to_approve(subject, proposal, approver, rulebook, at, alone=terms.alone):
        raise _refused(subject, reason)
    body = proposal.model_dump(mode="json") | {"approver": approver.id, "directory": rulebook.directory_version}
    if terms.passkey and not adopted_after(chain, proposal):
        body |= await _signed(subject, proposal, who, ledger, at)
    mine = _line("adopted", proposal.object, approver, who.door, at, body)

    def judge(chain: Chain) -> Line | None:
        if adopted_after(chain, proposal):
            return None
        if proposal.turn != turn_of(chain):
            raise _refused(subject, f"another {subject.name} was put in force since it was proposed: propose it again")
        return mine

    taken = adopted_after(await ledger.enter(subject.book, judge), proposal)
    assert taken is not None  # noqa: S101  it was just entered, by us or somebody else
    told, new = taken.body, (taken.actor, taken.at, taken.body) == (mine.actor, mine.at, mine.body)
    changed = new and turn_of(await ledger.read(subject.beside)) != beside
    warning = _may_not_agree(subject) if changed else ""
    return InForce(proposal.object, told["effective_from"], told["author"], told["approver"], new, warning)


def _may_not_agree(subject: Subject) -> str:
    other = subject.beside.removeprefix("book~")
    return (
        f"\n⚠ The {other} was changed at the same moment, and neither was judged by the other. "
        "Please look now whether they agree: `almoner policy check` with the policy in force."
    )


async def _signed(
    subject: Subject, proposal: Proposal, who: Approver, ledger: Ledger, at: datetime
) -> dict[str, object]:
    """Print the proof that somebody approves; draw up what they have to confirm where there is none."""
    version = proposal.object
    if who.proof is None:
        line = Line(act="", key=version, actor=f"person:{who.id}", at=at, seen=version, source=who.door)
        request = await draw_up(line, subject.book, "approve", who.id, ledger)
        raise ToConfirmError(request, f"Approving a {subject.name} takes your passkey.")
    deed = Deed(subject.book, version, version, "approve", who.id, at)
    if reason := reason_not_signed(deed, who.proof, who.enrolled):
        raise _refused(subject, reason)
    return {"proof": who.proof.model_dump(mode="json"), "passkeys": who.enrolled.seq}


def reason_not_to_approve(
    subject: Subject, proposal: Proposal, by: Person, rulebook: Rulebook, at: datetime, *, alone: bool = False
) -> str | None:
    """Say why somebody cannot approve, or None: never its author, nor who counts as them or the other way.

    *alone*: its author may do so too, since nobody gains anything by it.
    """
    if by.id == proposal.author and not alone:
        return "you wrote it yourself: somebody else has to approve it"
    both = {by.id, *_stands_in_for(by, rulebook, at)} & {proposal.author, *proposal.counts_as}
    if both and not alone:
        return f"you and its author both count as {min(both)}, one standing in for the other: a third person has to"
    roles = subject.roles(rulebook.policy)
    if by not in rulebook.directory.holding(roles):
        return f"it takes a {' or '.join(roles)} to approve a {subject.name}, which you are not"
    return None


def proposal_of(chain: Chain, version: str) -> Proposal | None:
    """Find the latest proposal of a version, which may be shortened to what names one alone."""
    lines = [line for line in chain.having("proposed") if line.key.startswith(version)]
    if not lines or len({line.key for line in lines}) > 1:
        return None
    return Proposal.model_validate(lines[-1].body)


def open_proposals(chain: Chain) -> tuple[Proposal, ...]:
    """List what waits for approval: proposed instead of what is still the last one."""
    found = [Proposal.model_validate(line.body) for line in chain.having("proposed")]
    return tuple(one for one in found if one.turn == turn_of(chain))


def adopted_after(chain: Chain, proposal: Proposal) -> Line | None:
    """Find the line that put a proposal in force."""
    return next((x for x in chain.having("adopted", proposal.object) if x.body.get("turn") == proposal.turn), None)


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


def last_of(chain: Chain) -> str:
    """Name the version that was last put in force; empty where none was."""
    adopted = chain.last("adopted")
    return str(adopted.body["object"]) if adopted else ""


def turn_of(chain: Chain) -> int:
    """Count what has been put in force."""
    return len(chain.having("adopted"))


def person_of(subject: Subject, by: str, rulebook: Rulebook) -> Person:
    """Find somebody active; `RefusedError` where they are not."""
    person = rulebook.directory.person(by)
    if person is None or not person.active:
        raise _refused(subject, f"{by} is not an active person of the directory")
    if person.service:
        raise _refused(subject, f"{person.name} is a service account: a person must propose and approve")
    return person


def _stands_in_for(who: Person, rulebook: Rulebook, at: datetime) -> tuple[str, ...]:
    return tuple(sorted(counts_as(who.id, rulebook.duties, at) - {who.id}))


def _refused(subject: Subject, reason: str) -> RefusedError:
    return RefusedError(subject.name, reason)


def _line(act: str, version: str, who: Person, door: str, at: datetime, body: dict[str, object]) -> Line:
    return Line(act=act, key=version, actor=f"person:{who.id}", at=at, seen=version, source=door, body=body)
