"""Changes of the directory: proposed by one person, shown person by person, put in force by another. Knows no Prefect.

Who only takes away may put it in force alone: somebody who has to go must go at once.
"""

from datetime import datetime

from blocks.books import DIRECTORY, POLICY, starts
from blocks.errors import RefusedError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.records.people import Directory, Person
from blocks.records.policy import Rulebook
from blocks.rulebook import Shelf
from blocks.wire.canonical import canonical
from tasks.rules.directory import differences, only_takes_away, reason_nobody_follows, reason_not_to_adopt
from tasks.signing import proposals
from tasks.signing.matters import Told, Where
from tasks.signing.proposals import Approver, InForce, Proposal, Subject, Terms, adopted_after, proposal_of
from tasks.signing.stepup import DOOR, Signed

SUBJECT = Subject("directory", DIRECTORY, "almoner people", lambda policy: policy.vouchers, POLICY)


async def adopt_first(directory: Directory, door: str, *, ledger: Ledger, at: datetime) -> str:
    """Put a directory in force before any policy was adopted: nobody is named yet who could vouch for it.

    A policy that has yet to take effect names them already: from then on nobody goes past them.
    """
    if (await ledger.read(POLICY)).having("adopted"):
        raise _refused("a policy was adopted: `almoner people propose FILE`, and somebody else approves it")
    _assert_none(reason_not_to_adopt(directory))
    version = await ledger.keep(canonical(directory))
    body = {"object": version, **starts(directory.effective_from, directory.zone)}
    line = Line(act="adopted", actor=f"door:{door}", at=at, source=door, body=body)
    await ledger.enter(DIRECTORY, lambda chain: None if proposals.last_of(chain) == version else line)
    return version


async def propose(directory: Directory, by: str, door: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> Proposal:
    """Propose a directory; `RefusedError` where it is not taken."""
    rulebook = await shelf.in_force(at)
    proposals.person_of(SUBJECT, by, rulebook)
    _assert_none(reason_not_to_adopt(directory) or reason_nobody_follows(directory, rulebook.policy))
    since = rulebook.directory.effective_from
    if directory.effective_from < since:
        raise _refused(f"effective_from: {directory.effective_from} is before that of the one in force: give {since}")
    version = await ledger.keep(canonical(directory))
    if version == proposals.last_of(await ledger.read(DIRECTORY)):
        raise _refused("this directory is in force already")
    start = starts(directory.effective_from, directory.zone)
    return await proposals.propose(SUBJECT, version, start, Approver(by, door), Where(ledger, shelf, at))


async def approve(version: str, by: str, door: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> InForce:
    """Put a proposed directory in force; whoever comes later is told who did. `RefusedError` says why not.

    `ToConfirmError` where the policy in force asks for passkeys.
    """
    return await approve_as(version, Approver(by, door), ledger=ledger, shelf=shelf, at=at)


async def approve_as(version: str, who: Approver, *, ledger: Ledger, shelf: Shelf, at: datetime) -> InForce:
    """Put a proposed directory in force with what was signed for it."""

    async def check(proposal: Proposal, rulebook: Rulebook) -> Terms:
        _assert_none(reason_nobody_follows(await shelf.directory(proposal.object), rulebook.policy))
        return Terms(rulebook.policy.step_up_from is not None, await is_alone(proposal, rulebook, shelf))

    return await proposals.approve(SUBJECT, version, who, check, Where(ledger, shelf, at))


async def is_alone(proposal: Proposal, rulebook: Rulebook, shelf: Shelf) -> bool:
    """Say whether who proposes a directory may also put it in force: nobody gains anything by it, now or later."""
    after = await shelf.directory(proposal.object)
    before = (rulebook.directory, await shelf.directory(proposal.instead_of))
    return all(only_takes_away(one, after) for one in before)


async def changes_of(proposal: Proposal, shelf: Shelf) -> tuple[str, ...]:
    """List what a proposal changes, person by person."""
    before, after = await shelf.directory(proposal.instead_of), await shelf.directory(proposal.object)
    house = [
        f"{name}: {was} → {is_now}"
        for name, was, is_now in (("entity", before.entity, after.entity), ("zone", before.zone, after.zone))
        if was != is_now
    ]
    return (*house, *(f"{one.person} {one.what}" for one in differences(before, after)))


class DirectoryMatter:
    """The next directory, as a matter to sign: whose it is, and what becomes of whom."""

    again = "Please approve the directory again."

    async def tell(self, request: Confirmation, by: Person, chain: Chain, where: Where) -> Told | str:
        """Tell what a directory changes; it may be in force already, or not theirs to approve."""
        proposal = proposal_of(chain, request.ask)
        if proposal is None:
            return self.again
        if adopted := adopted_after(chain, proposal):
            return f"It is in force already: {adopted.body['approver']} approved it."
        rulebook = await where.shelf.in_force(where.at)
        alone = await is_alone(proposal, rulebook, where.shelf)
        if reason := proposals.reason_not_to_approve(SUBJECT, proposal, by, rulebook, where.at, alone=alone):
            return f"You cannot approve this: {reason}."
        return Told(
            what=f"The directory by {proposal.author}",
            intro=f"It applies from {proposal.effective_from} and changes this:",
            changes=await changes_of(proposal, where.shelf) or ("nothing about anybody",),
        )

    async def do(self, request: Confirmation, signed: Signed, by: Person, where: Where) -> str:
        """Put it in force."""
        who = Approver(by.id, DOOR, *signed)
        done = await approve_as(request.ask, who, ledger=where.ledger, shelf=where.shelf, at=where.at)
        return done.words


def _assert_none(reason: str | None) -> None:
    if reason:
        raise _refused(reason)


def _refused(reason: str) -> RefusedError:
    return RefusedError("directory", reason)
