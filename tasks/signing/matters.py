"""Matters: what people sign on our own page besides approvals, such as a policy or a delegation. Knows no Prefect.

Each is one document, drawn up in a chain of the ledger for one person, and done once their passkey has signed it.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from blocks.errors import RefusedError
from blocks.ledger import Chain, Ledger
from blocks.proofs.keyring import enrolled
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Passkeys
from blocks.records.people import Person
from blocks.rulebook import Shelf
from blocks.wire.canonical import canonical, digest
from tasks.signing.stepup import Signed, request_of, take

GOOD_FOR = timedelta(minutes=10)


class Where(NamedTuple):
    """What a matter is looked up in, and judged by, at a moment."""

    ledger: Ledger
    shelf: Shelf
    at: datetime


class Told(NamedTuple):
    """How a matter is told to the person who signs it."""

    what: str
    over: str = "you are about to approve"
    intro: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    changes: tuple[str, ...] = ()
    button: str = "Approve with your passkey"
    until: str = "Until then nothing is approved."
    title: str = "Approved"
    """How the page says that it is done."""


class Matter(NamedTuple):
    """A matter that waits for one person's signature."""

    request: Confirmation
    by: Person
    told: Told
    enrolled: Passkeys


class Kind(Protocol):
    """One kind of matter: how it is told, and what is done once it is signed."""

    again: str
    """What to do where the link has run out."""

    async def tell(self, request: Confirmation, by: Person, chain: Chain, where: Where) -> Told | str:
        """Tell it, or say why there is nothing to sign any more."""
        ...

    async def do(self, request: Confirmation, signed: Signed, by: Person, where: Where) -> str:
        """Do what was signed, and say what was done; `RefusedError` where it cannot be done after all."""
        ...


class ToConfirmError(Exception):
    """It takes a passkey: what is to be confirmed is drawn up."""

    def __init__(self, request: Confirmation, text: str) -> None:
        super().__init__(text)
        self.request = request


async def draw_up(line: Line, case: str, verdict: str, by: str, ledger: Ledger) -> Confirmation:
    """Draw up what *by* has to confirm: the document that *line* shows; its body stays beside the confirmation."""
    request = Confirmation(
        case=case,
        ask=line.key,
        shown=line.seen or "",
        verdict=verdict,
        by=by,
        until=line.at + GOOD_FOR,
        nonce=secrets.token_urlsafe(24),
    )
    body = {**line.body, "request": request.model_dump(mode="json")}
    drawn = line.model_copy(update={"act": "confirming", "body": body})
    await ledger.enter(case, lambda _: drawn)
    return request


def drawn_of(chain: Chain, request: Confirmation, name: str) -> dict[str, Any]:
    """Read the document that was drawn up with a confirmation; `RefusedError` where it is not what is to be signed."""
    line = next(x for x in chain.having("confirming") if x.body["request"]["nonce"] == request.nonce)
    document: dict[str, Any] = line.body[name]
    if digest(canonical(document)) != request.shown:
        raise RefusedError("matter", "What was drawn up is not what would be signed. Please tell your administrator")
    return document


def proven_by(signed: Signed) -> dict[str, Any]:
    """Print the proof that stands beside what was signed."""
    return {"proof": signed.proof.model_dump(mode="json"), "passkeys": signed.enrolled.seq}


async def pending(kind: Kind, case: str, nonce: str, where: Where) -> Matter | str:
    """Find the matter behind a link, or say why there is nothing to sign any more."""
    chain = await where.ledger.read(case)
    request = request_of(chain, nonce)
    if request is None or where.at > request.until:
        return f"This link has run out, or was used. {kind.again}"
    directory = (await where.shelf.in_force(where.at)).directory
    by = directory.person(request.by)
    if by is None or not by.active:
        return "Your account is no longer active, so you cannot confirm this."
    try:
        told = await kind.tell(request, by, chain, where)
    except RefusedError as refusal:
        return f"{refusal.detail}."
    return told if isinstance(told, str) else Matter(request, by, told, await enrolled(where.ledger))


class Outcome(NamedTuple):
    """What became of a signature, in words; *again*: it may be tried again."""

    text: str
    done: bool = False
    again: bool = False


async def sign(kind: Kind, matter: Matter, brought: dict[str, Any], where: Where) -> Outcome:
    """Take the signature that the browser brought, and do what was signed."""
    taken = await take(matter.request, matter.by, brought, where.ledger, where.at)
    if isinstance(taken, str):
        return Outcome(taken, again=True)
    try:
        return Outcome(await kind.do(matter.request, taken, matter.by, where), done=True)
    except RefusedError as refusal:
        return Outcome(f"Nothing was done: {refusal.detail}.")
