"""The page on which the next policy is signed: what it changes, line by line."""

from http import HTTPStatus

from blocks import connect
from blocks.keyring import House
from infrastructure.doors.http import Request, Response
from infrastructure.doors.showing import again, done, not_ours, page, read, told
from tasks.case import utc_now
from tasks.policy_signing import PendingPolicy, pending_policy, sign_policy


async def show(nonce: str) -> Response:
    """Show which policy is to be approved, whose it is, and what it changes."""
    found = await _pending(nonce)
    if isinstance(found, str):
        return page("closed.html", {"why": found}, HTTPStatus.GONE)
    from blocks.passkeys import to_sign

    theirs = found.enrolled.of(found.by.id)
    options = to_sign(found.request, theirs, House.here()) if theirs else None
    shown = {"by": found.by, "proposal": found.proposal, "changes": found.changes, "options": options}
    return page("policy.html", shown)


async def sign(nonce: str, request: Request) -> Response:
    """Take the signature and put the policy in force."""
    found = await _pending(nonce)
    if isinstance(found, str):
        return told("Not approved", found)
    if (brought := read(request)) is None:
        return not_ours()
    ledger, shelf = connect.ledger(), connect.shelf()
    taken = await sign_policy(found, brought, ledger=ledger, shelf=shelf, at=utc_now())
    if isinstance(taken, str):
        return again(taken)
    text = f"It is in force from {taken.effective_from}: {taken.author} wrote it, {taken.approver} approved it."
    return done("Approved", text)


async def _pending(nonce: str) -> PendingPolicy | str:
    return await pending_policy(nonce, ledger=connect.ledger(), shelf=connect.shelf(), at=utc_now())
