"""Our own pages: confirm an approval with a passkey, or make one by invitation.

Nothing on them comes from elsewhere, nothing on them runs that is not ours, and nobody can show them inside a page.
"""

import json
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from blocks import connect
from blocks.bell import ring
from blocks.errors import RefusedError
from blocks.keyring import House
from blocks.records.passkeys import Passkey
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import said_card
from infrastructure.doors.http import Deed, Request, Response, as_json, refused
from tasks import passkeys, stepup
from tasks.case import utc_now

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES = Path(__file__).parent / "pages"
ASSETS = MappingProxyType({"page.css": "text/css; charset=utf-8", "passkey.js": "text/javascript; charset=utf-8"})
GUARDED = MappingProxyType({
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
})  # fmt: skip
CASE, NONCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}"), re.compile(r"[A-Za-z0-9_-]{16,64}")
SIGNED_SHOWN = 16
"""Letters of what is signed that the page shows: enough to recognise it in the ledger."""


def asset(name: str) -> Response:
    """Serve the style or the script of the pages."""
    if name not in ASSETS:
        return refused(HTTPStatus.NOT_FOUND, "there is no such page")
    headers = GUARDED | {"cache-control": "max-age=300"}
    return Response(body=(PAGES / name).read_bytes(), kind=ASSETS[name], headers=headers)


async def show_confirmation(case: str, nonce: str) -> Response:
    """Show what is to be confirmed, in plain words."""
    found = await _pending(case, nonce)
    if isinstance(found, str):
        return _page("closed.html", {"why": found}, HTTPStatus.GONE)
    from blocks.passkeys import to_sign

    ask, request, theirs = found.ask, found.request, found.enrolled.of(found.by.id)
    signs = digest(canonical(request))[:SIGNED_SHOWN]
    quantity = request.quantity or ask.quantity
    told = {"ask": ask, "by": found.by, "of": found.of, "note": request.note, "signs": signs, "quantity": quantity}
    return _page("confirm.html", told | {"options": to_sign(request, theirs, House.here()) if theirs else None})


async def confirm(case: str, nonce: str, request: Request) -> Response:
    """Take the signature: the decision is taken before the answer, the bell is rung after it."""
    found = await _pending(case, nonce)
    if isinstance(found, str):
        return _told("Not approved", found)
    if (brought := _read(request)) is None:
        return _not_ours()
    now = utc_now()
    rulebook = await connect.shelf().in_force(now.date())
    verdict = await stepup.finish(found, brought, ledger=connect.ledger(), rulebook=rulebook, at=now)

    async def ring_for_it() -> None:
        await ring([found.request.case])

    if verdict.taken == "void":
        return _again(verdict.text)
    counted = verdict.taken == "counted"
    if not counted:
        return _told("Not approved", verdict.text)
    return _done("Approved", f"{verdict.text} You can close this page.", ring_for_it)


async def show_invitation(token: str) -> Response:
    """Show who is invited to make a passkey, and what it is."""
    found = await _guest(token)
    if isinstance(found, str):
        return _page("closed.html", {"why": found}, HTTPStatus.GONE)
    from blocks.passkeys import to_create

    many = f"{len(found.theirs)} passkey{'s' if len(found.theirs) > 1 else ''}" if found.theirs else ""
    options = to_create(House.here(), found.invitation, found.person, found.theirs)
    return _page("enroll.html", {"person": found.person, "theirs": many, "options": options})


async def enrol(token: str, request: Request) -> Response:
    """Take the passkey that was made; whose it is hears of it in Slack, wherever it was made."""
    found = await _guest(token)
    if isinstance(found, str):
        return _told("Not enrolled", found)
    if (brought := _read(request)) is None:
        return _not_ours()
    from blocks.passkeys import NotProvenError, created

    now = utc_now()
    try:
        key = created(House.here(), found.invitation, brought, now)
        await passkeys.enrol(key, found.invitation, ledger=connect.ledger(), at=now)
    except NotProvenError as error:
        return as_json(
            HTTPStatus.OK, {"again": True, "text": f"This is no passkey of ours: {error}. Please try again."}
        )
    except RefusedError as refusal:
        return _told("Not enrolled", refusal.detail)

    async def say_so() -> None:
        await _say_so(key, found.person.slack_user)

    return _done("Your passkey is ready", "From now on you confirm with it whatever policy asks you to.", say_so)


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
    rulebook = await connect.shelf().in_force(now.date())
    return await stepup.pending(case, nonce, ledger=connect.ledger(), rulebook=rulebook, at=now)


async def _guest(token: str) -> passkeys.Guest | str:
    now = utc_now()
    directory = (await connect.shelf().in_force(now.date())).directory
    return await passkeys.guest(token, ledger=connect.ledger(), directory=directory, at=now)


def _read(request: Request) -> dict[str, Any] | None:
    """Read what the page's script sends. JSON alone is taken, so that no other page can send it for a visitor."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        brought = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return brought if isinstance(brought, dict) else None


def _not_ours() -> Response:
    return refused(HTTPStatus.BAD_REQUEST, "This is not what our page sends. Please open the link again.")


def _told(title: str, text: str) -> Response:
    return as_json(HTTPStatus.OK, {"title": title, "text": text})


def _done(title: str, text: str, then: Deed) -> Response:
    return as_json(HTTPStatus.OK, {"done": True, "title": title, "text": text}, then)


def _again(text: str) -> Response:
    return as_json(HTTPStatus.OK, {"again": True, "text": text})


def _page(template: str, told: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    body = _templates().get_template(template).render(told).encode()
    return Response(status, body, "text/html; charset=utf-8", headers=GUARDED)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
