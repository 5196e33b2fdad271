"""Our own pages: confirm an approval or another matter with a passkey, or make one by invitation."""

import re
from http import HTTPStatus

from blocks import connect
from blocks.bell import ring
from blocks.errors import RefusedError
from blocks.proofs.keyring import House
from blocks.records.passkeys import Passkey
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import said_card
from infrastructure.doors import broken, matters
from infrastructure.doors.http import Request, Response
from infrastructure.doors.showing import SIGNED_SHOWN, again, done, not_ours, page, read, told
from tasks.case import utc_now
from tasks.signing import passkeys, stepup

CASE, NONCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}"), re.compile(r"[A-Za-z0-9_-]{16,64}")


async def show_confirmation(case: str, nonce: str) -> Response:
    """Show what is to be confirmed, in plain words."""
    if (kind := matters.kind_of(case)) and NONCE.fullmatch(nonce):
        return await matters.show(kind, case, nonce)
    found = await broken.or_why(_pending(case, nonce))
    if isinstance(found, str):
        return page("closed.html", {"why": found}, HTTPStatus.GONE)
    from blocks.proofs.passkeys import to_sign

    ask, request, theirs = found.ask, found.request, found.enrolled.of(found.by.id)
    signs = digest(canonical(request))[:SIGNED_SHOWN]
    quantity = request.quantity or ask.quantity
    shown = {"ask": ask, "by": found.by, "of": found.of, "note": request.note, "signs": signs, "quantity": quantity}
    return page("confirm.html", shown | {"options": to_sign(request, theirs, House.here()) if theirs else None})


async def confirm(case: str, nonce: str, request: Request) -> Response:
    """Take the signature: the decision is taken before the answer, the bell is rung after it."""
    if (kind := matters.kind_of(case)) and NONCE.fullmatch(nonce):
        return await matters.take(kind, case, nonce, request)
    found = await broken.or_why(_pending(case, nonce))
    if isinstance(found, str):
        return told("Not approved", found)
    if (brought := read(request)) is None:
        return not_ours()
    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    verdict = await stepup.finish(found, brought, ledger=connect.ledger(), rulebook=rulebook, at=now)

    async def ring_for_it() -> None:
        await ring([found.request.case])

    if verdict.taken == "void":
        return again(verdict.text)
    counted = verdict.taken == "counted"
    if not counted:
        return told("Not approved", verdict.text)
    return done("Approved", f"{verdict.text} You can close this page.", ring_for_it)


async def show_invitation(token: str) -> Response:
    """Show who is invited to make a passkey, and what it is."""
    found = await broken.or_why(_guest(token))
    if isinstance(found, str):
        return page("closed.html", {"why": found}, HTTPStatus.GONE)
    from blocks.proofs.passkeys import to_create

    many = f"{len(found.theirs)} passkey{'s' if len(found.theirs) > 1 else ''}" if found.theirs else ""
    options = to_create(House.here(), found.invitation, found.person, found.theirs)
    return page("enroll.html", {"person": found.person, "theirs": many, "options": options})


async def enrol(token: str, request: Request) -> Response:
    """Take the passkey that was made; whose it is hears of it in Slack, wherever it was made."""
    found = await broken.or_why(_guest(token))
    if isinstance(found, str):
        return told("Not enrolled", found)
    if (brought := read(request)) is None:
        return not_ours()
    from blocks.proofs.passkeys import NotProvenError, created

    now = utc_now()
    try:
        key = created(House.here(), found.invitation, brought, now)
        rulebook = await connect.shelf().in_force(now)
        await passkeys.enrol(key, found.invitation, ledger=connect.ledger(), rulebook=rulebook, at=now)
    except NotProvenError as error:
        return again(f"This is no passkey that we can use: {error}. Please try again.")
    except RefusedError as refusal:
        return told("Not enrolled", refusal.detail)

    async def say_so() -> None:
        await _say_so(key, found.person.slack_user)

    return done("Your passkey is ready", "From now on you confirm with it whatever policy asks you to.", say_so)


async def _say_so(key: Passkey, slack_user: str) -> None:
    text = (
        f"A passkey was enrolled in your name (invited by {key.by}). If that was not you, tell your administrator now."
    )
    if slack_user:
        await connect.desk().tell(slack_user, said_card(f"passkey/{key.credential[:SIGNED_SHOWN]}", text))


async def _pending(case: str, nonce: str) -> stepup.Pending | str:
    if not CASE.fullmatch(case) or not NONCE.fullmatch(nonce):
        return stepup.SPENT
    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    return await stepup.pending(case, nonce, ledger=connect.ledger(), rulebook=rulebook, at=now)


async def _guest(token: str) -> passkeys.Guest | str:
    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    return await passkeys.guest(token, ledger=connect.ledger(), rulebook=rulebook, at=now)
