"""Enrolling passkeys: a one-time link, one passkey, entered in the book of passkeys. Knows no Prefect."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from blocks.errors import ConflictError, RefusedError
from blocks.keyring import PASSKEYS, invitation_of, passkeys_of
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.records.passkeys import Invitation, Passkey
from blocks.records.people import Directory, Person
from blocks.wire.canonical import digest

RACES_MAX = 20
GOOD_FOR = timedelta(hours=24)
SPENT = "This link has run out, or was used. Please ask your administrator for a new one."


class Guest(NamedTuple):
    """Somebody who follows a link that is still good."""

    invitation: Invitation
    person: Person
    theirs: tuple[Passkey, ...]


async def invite(person: str, actor: str, *, ledger: Ledger, directory: Directory, at: datetime) -> str:
    """Invite somebody to enrol a passkey; return the token of their link, which nobody keeps."""
    who = directory.person(person)
    if who is None or not who.active:
        raise RefusedError("passkeys", f"{person} is not an active person of the directory")
    token = secrets.token_urlsafe(32)
    invitation = Invitation(token=digest(token.encode()), person=who.id, until=at + GOOD_FOR, by=actor)
    body = {"invitation": invitation.model_dump(mode="json")}
    line = Line(act="invited", key=invitation.token, actor=actor, at=at, body=body)
    await _enter(ledger, lambda _: line)
    return token


async def guest(token: str, *, ledger: Ledger, directory: Directory, at: datetime) -> Guest | str:
    """Find who is invited by a link, or say why nobody is any more."""
    chain = await ledger.read(PASSKEYS)
    invitation = invitation_of(chain, digest(token.encode()))
    if invitation is None or at > invitation.until:
        return SPENT
    person = directory.person(invitation.person)
    if person is None or not person.active:
        return "Your account is no longer active. Please ask your administrator."
    return Guest(invitation, person, passkeys_of(chain).of(person.id))


async def enrol(key: Passkey, invitation: Invitation, *, ledger: Ledger, at: datetime) -> Passkey:
    """Enter a passkey that was made by invitation: the first by it, and only that one."""

    def line(chain: Chain) -> Line:
        if invitation_of(chain, invitation.token) is None:
            raise RefusedError("passkeys", SPENT)
        if any(x.key == key.credential for x in chain.having("enrolled")):
            raise RefusedError("passkeys", "This passkey is already enrolled. Please use another one.")
        body: dict[str, Any] = {"passkey": key.model_dump(mode="json"), "invitation": invitation.token}
        return Line(act="enrolled", key=key.credential, actor=f"person:{key.person}", at=at, body=body)

    await _enter(ledger, line)
    return key


async def withdraw(credential: str, actor: str, *, ledger: Ledger, at: datetime) -> Passkey:
    """Withdraw a passkey that was lost, by its credential or however it begins; what it signed before still counts."""
    keys = passkeys_of(await ledger.read(PASSKEYS)).keys
    found = [one for one in keys if one.credential.startswith(credential)]
    if len(found) != 1:
        many = "more than one enrolled passkey begins" if found else "no enrolled passkey begins"
        raise RefusedError("passkeys", f"{many} with {credential}; `almoner passkeys list` shows them")
    key = found[0]

    def line(chain: Chain) -> Line | None:
        gone = passkeys_of(chain).find(key.credential) is None
        return None if gone else Line(act="withdrawn", key=key.credential, actor=actor, at=at)

    await _enter(ledger, line)
    return key


async def _enter(ledger: Ledger, draw: Callable[[Chain], Line | None]) -> None:
    """Enter what is drawn up against the book as it stands, again where somebody else was first."""
    chain = await ledger.read(PASSKEYS)
    for _ in range(RACES_MAX):
        line = draw(chain)
        if line is None:
            return
        try:
            await ledger.append(chain, [line])
        except ConflictError:
            chain = await ledger.read(PASSKEYS, known=chain)
        else:
            return
    message = f"{PASSKEYS}: {RACES_MAX} lost races in a row"
    raise ConflictError(message)
