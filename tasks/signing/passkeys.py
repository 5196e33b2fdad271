"""Enrolling passkeys: a one-time link, one passkey, entered in the book of passkeys. Knows no Prefect.

Whoever is enrolled invites themselves to another one, and who vouches for people by policy invites others: either
signs the invitation with their own passkey. The first are trusted on first use, until somebody who vouches has one.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from blocks.errors import RefusedError
from blocks.ledger import Chain, Ledger
from blocks.proofs.keyring import INVITE, PASSKEYS, invitation_of, passkeys_of, who_vouched
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Invitation, Passkey, Passkeys
from blocks.records.people import Directory, Person
from blocks.records.policy import Rulebook
from blocks.wire.canonical import canonical, digest
from tasks.signing.matters import Told, Where, draw_up, drawn_of, proven_by
from tasks.signing.stepup import DOOR, Signed

GOOD_FOR = timedelta(hours=24)
SPENT = "This link has run out, or was used. Please ask your administrator for a new one."


class Guest(NamedTuple):
    """Somebody who follows a link that is still good."""

    invitation: Invitation
    person: Person
    theirs: tuple[Passkey, ...]


async def invite(
    person: str, actor: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime, recovery: str = ""
) -> str:
    """Invite somebody on nobody's word, to be trusted on first use; return the token of their link.

    Nobody keeps the token. `RefusedError` once somebody is enrolled who can vouch for people; *recovery* says why it
    has to be all the same, as where every passkey of theirs is lost: the audit names it for good.
    """
    token, invitation = _drawn(person, actor, rulebook.directory, at)
    body = {"invitation": invitation.model_dump(mode="json")} | ({"recovery": recovery} if recovery else {})
    mine = Line(act="invited", key=invitation.token, actor=actor, at=at, body=body)

    def line(chain: Chain) -> Line:
        vouching = who_vouched(chain, rulebook.directory, rulebook.policy)
        if vouching and not recovery:
            raise _refused(f"somebody who is enrolled has to sign it: say --as YOU; {_one_of(vouching)} can")
        if not vouching and recovery:
            raise _refused("nothing is to be recovered: nobody who vouches for people was ever enrolled")
        return mine

    await ledger.enter(PASSKEYS, line)
    return token


async def vouch(
    person: str, by: Person, door: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> tuple[str, Confirmation]:
    """Draw up an invitation that *by* has yet to sign; return the token of its link, and what is to be signed."""
    keys = passkeys_of(await ledger.read(PASSKEYS))
    if reason := reason_not_to_vouch(person, by, rulebook, keys):
        raise _refused(reason)
    token, invitation = _drawn(person, f"person:{by.id}", rulebook.directory, at)
    body = {"invitation": invitation.model_dump(mode="json")}
    seen = await ledger.keep(canonical(invitation))
    line = Line(act="", key=invitation.token, actor=f"door:{door}", at=at, seen=seen, source=door, body=body)
    return token, await draw_up(line, PASSKEYS, INVITE, by.id, ledger)


def reason_not_to_vouch(person: str, by: Person, rulebook: Rulebook, keys: Passkeys) -> str | None:
    """Say why somebody cannot invite somebody, or None: themselves, or anybody where they vouch for people."""
    if not keys.of(by.id):
        return f"{by.id} has no passkey to sign the invitation with"
    if by.id == person or by in rulebook.directory.holding(rulebook.policy.vouchers):
        return None
    return f"it takes a {' or '.join(rulebook.policy.vouchers)} to invite somebody else, which {by.id} is not"


class InvitationMatter:
    """An invitation, as a matter to sign: who is to have a passkey."""

    again = "Please invite them again."

    async def tell(self, request: Confirmation, by: Person, chain: Chain, where: Where) -> Told | str:
        """Tell who is invited; they may be by now, or it is not for this person to do any more."""
        if chain.last("invited", request.ask):
            return "You have confirmed this already."
        invitation = Invitation.model_validate(drawn_of(chain, request, "invitation"))
        rulebook = await where.shelf.in_force(where.at)
        person = rulebook.directory.person(invitation.person)
        if reason := reason_not_to_vouch(invitation.person, by, rulebook, passkeys_of(chain)):
            return f"You cannot confirm this: {reason}."
        if person is None or not person.active:
            return f"{invitation.person} is not an active person of the directory."
        theirs = len(passkeys_of(chain).of(person.id))
        return Told(
            over="you are about to invite to a passkey",
            what="yourself, once more" if person.id == by.id else person.name,
            intro="Whoever has the link can then sign as them. Be sure that it reaches them and nobody else.",
            facts=(("Who", f"{person.name}, {person.title or person.id}"), ("They have", f"{theirs or 'none'} so far")),
            button="Invite with your passkey",
            until="Until then the link opens nothing.",
            title="Invited",
        )

    async def do(self, request: Confirmation, signed: Signed, by: Person, where: Where) -> str:
        """Enter it with what was signed for it."""
        invitation = drawn_of(await where.ledger.read(PASSKEYS), request, "invitation")
        body = {"invitation": invitation} | proven_by(signed)
        mine = Line(
            act="invited",
            key=request.ask,
            actor=f"person:{by.id}",
            at=where.at,
            seen=request.shown,
            source=DOOR,
            body=body,
        )
        await where.ledger.enter(PASSKEYS, lambda chain: None if chain.last("invited", request.ask) else mine)
        return "The link that you were given serves now, once, within a day."


async def guest(token: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime) -> Guest | str:
    """Find who is invited by a link, or say why nobody is any more."""
    chain, name = await ledger.read(PASSKEYS), digest(token.encode())
    invitation = invitation_of(chain, name)
    if chain.last("confirming", name) and not chain.last("invited", name):
        return "Whoever invites you has yet to confirm it with their own passkey. Please open the link again then."
    if invitation is None or at > invitation.until:
        return SPENT
    if reason := _reason_to_ask_who_vouches(chain, name, rulebook):
        return reason
    person = rulebook.directory.person(invitation.person)
    if person is None or not person.active:
        return "Your account is no longer active. Please ask your administrator."
    return Guest(invitation, person, passkeys_of(chain).of(person.id))


async def enrol(key: Passkey, invitation: Invitation, *, ledger: Ledger, rulebook: Rulebook, at: datetime) -> Passkey:
    """Enter a passkey that was made by invitation: the first by it, and only that one."""

    def line(chain: Chain) -> Line:
        if invitation_of(chain, invitation.token) is None:
            raise _refused(SPENT)
        if reason := _reason_to_ask_who_vouches(chain, invitation.token, rulebook):
            raise _refused(reason)
        if any(x.key == key.credential for x in chain.having("enrolled")):
            raise _refused("This passkey is already enrolled. Please use another one.")
        body: dict[str, Any] = {"passkey": key.model_dump(mode="json"), "invitation": invitation.token}
        return Line(act="enrolled", key=key.credential, actor=f"person:{key.person}", at=at, body=body)

    await ledger.enter(PASSKEYS, line)
    return key


def _reason_to_ask_who_vouches(chain: Chain, token: str, rulebook: Rulebook) -> str | None:
    """Say why a link on nobody's word serves no more, or None: since it was given somebody who vouches has enrolled."""
    line = chain.last("invited", token)
    if line is None or line.body.get("proof") or line.body.get("recovery"):
        return None
    vouching = who_vouched(chain, rulebook.directory, rulebook.policy)
    why = "Somebody who vouches for people has a passkey by now"
    return f"{why}. Please ask {_one_of(vouching)} to invite you again." if vouching else None


async def withdraw(  # noqa: PLR0913  who says so, through which door, and by which rules
    credential: str,
    by: Person | None,
    door: str,
    *,
    ledger: Ledger,
    rulebook: Rulebook,
    at: datetime,
    recovery: str = "",
) -> Passkey:
    """Withdraw a passkey that was lost, by its credential or however it begins; what it signed before still counts.

    One's own, or anybody's where one vouches for people. *recovery* says why on nobody's word, as where all who vouch
    have lost theirs: the audit names it for good.
    """
    chain = await ledger.read(PASSKEYS)
    key = _begins_with(credential, passkeys_of(chain))
    if recovery and not who_vouched(chain, rulebook.directory, rulebook.policy):
        raise _refused("nothing is to be recovered: nobody who vouches for people was ever enrolled")
    if not recovery and (reason := reason_not_to_withdraw(key, by, rulebook)):
        raise _refused(reason)
    actor = f"person:{by.id}" if by and not recovery else f"door:{door}"
    body = {"recovery": recovery} if recovery else {}

    def line(now: Chain) -> Line | None:
        gone = passkeys_of(now).find(key.credential) is None
        return None if gone else Line(act="withdrawn", key=key.credential, actor=actor, at=at, source=door, body=body)

    await ledger.enter(PASSKEYS, line)
    return key


def reason_not_to_withdraw(key: Passkey, by: Person | None, rulebook: Rulebook) -> str | None:
    """Say why somebody cannot withdraw a passkey, or None: their own, or anybody's where they vouch for people."""
    if by and by.active and (by.id == key.person or by in rulebook.directory.holding(rulebook.policy.vouchers)):
        return None
    return f"only {key.person}, or a {' or '.join(rulebook.policy.vouchers)}, can withdraw this passkey"


def _begins_with(credential: str, keys: Passkeys) -> Passkey:
    found = [one for one in keys.keys if one.credential.startswith(credential)]
    if not credential or len(found) != 1:
        many = "more than one enrolled passkey begins" if found else "no enrolled passkey begins"
        raise _refused(f"{many} with {credential or 'nothing'}; `almoner passkeys list` shows them")
    return found[0]


def _one_of(people: frozenset[str]) -> str:
    return " or ".join(sorted(people))


def _drawn(person: str, by: str, directory: Directory, at: datetime) -> tuple[str, Invitation]:
    who = directory.person(person)
    if who is None or not who.active:
        raise _refused(f"{person} is not an active person of the directory")
    token = secrets.token_urlsafe(32)
    return token, Invitation(token=digest(token.encode()), person=who.id, until=at + GOOD_FOR, by=by)


def _refused(reason: str) -> RefusedError:
    return RefusedError("passkeys", reason)
