"""The page on which people sign what is no approval: a policy or directory, a delegation, a log-in, an invitation."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from blocks import connect
from blocks.books import DIRECTORY, DUTIES, POLICY
from blocks.proofs.keyring import PASSKEYS, House
from blocks.proofs.sessions import CHAIN
from blocks.wire.canonical import canonical, digest
from infrastructure.doors import broken, emergency
from infrastructure.doors.http import Request, Response
from infrastructure.doors.showing import SIGNED_SHOWN, again, done, not_ours, page, read, told
from tasks.case import utc_now
from tasks.signing.directory_changes import DirectoryMatter
from tasks.signing.emergency import AGREE_TO, DutiesMatter
from tasks.signing.matters import Kind, Matter, Where, pending, sign
from tasks.signing.passkeys import InvitationMatter
from tasks.signing.policy_changes import PolicyMatter
from tasks.signing.sessions import SessionMatter

KINDS: Mapping[str, Kind] = MappingProxyType(
    {POLICY: PolicyMatter(), DIRECTORY: DirectoryMatter(), DUTIES: DutiesMatter(), PASSKEYS: InvitationMatter()}
)
SESSION = SessionMatter()


def kind_of(case: str) -> Kind | None:
    """Say what kind of matter is signed in a chain; None where approvals are."""
    return SESSION if case.startswith(CHAIN) else KINDS.get(case)


async def show(kind: Kind, case: str, nonce: str) -> Response:
    """Show what is to be signed."""
    found = await broken.or_why(pending(kind, case, nonce, _where()))
    if isinstance(found, str):
        return page("closed.html", {"why": found}, HTTPStatus.GONE)
    from blocks.proofs.passkeys import to_sign

    theirs = found.enrolled.of(found.by.id)
    options = to_sign(found.request, theirs, House.here()) if theirs else None
    return page("matter.html", {"by": found.by, "told": found.told, "signs": _signs(found), "options": options})


async def take(kind: Kind, case: str, nonce: str, request: Request) -> Response:
    """Take the signature, and do what was signed."""
    found = await broken.or_why(pending(kind, case, nonce, _where()))
    if isinstance(found, str):
        return told("Nothing was done", found)
    if (brought := read(request)) is None:
        return not_ours()
    outcome = await sign(kind, found, brought, _where())
    if outcome.again:
        return again(outcome.text)
    if not outcome.done:
        return told("Nothing was done", outcome.text)

    async def tell_others() -> None:
        await emergency.tell(found.request)

    return done(found.told.title, outcome.text, *([tell_others] if found.request.verdict == AGREE_TO else []))


def _signs(matter: Matter) -> str:
    return digest(canonical(matter.request))[:SIGNED_SHOWN]


def _where() -> Where:
    return Where(connect.ledger(), connect.shelf(), utc_now())
