"""Step-up: an answer that takes a passkey is confirmed on our own page. Knows no Prefect.

The link names a confirmation that the decision function has drawn up; it gives no rights. What counts is what the
person's passkey signs, and who holds every secret of this server still cannot sign it.
"""

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from blocks.errors import UnreadableError
from blocks.ledger import Chain, Ledger
from blocks.proofs.keyring import PASSKEYS, House, enrolled, passkeys_of
from blocks.records.approval import Ask
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Passkeys, Proof
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from tasks.decide import Answer, Verdicts, decide, decision_of, decisions_of, judge
from tasks.rules.authority import acting_for
from tasks.rules.standing import Acting, above_of

DOOR = "passkey"
FAILURES_MAX = 5
"""So often may a confirmation fail; then its link is spent."""
SPENT = "This link has run out, or was used. Please press Approve on the card again."


class Pending(NamedTuple):
    """A confirmation that waits: what is asked, of whom, in whose name they answer, with which passkeys."""

    request: Confirmation
    ask: Ask
    by: Person
    of: Person | None
    enrolled: Passkeys


def told(verdict: Verdicts) -> str:
    """Say what became of an answer, with the link where it has to be confirmed."""
    return f"{verdict.text} {where_to_confirm(verdict.request)}" if verdict.request else verdict.text


def where_to_confirm(request: Confirmation) -> str:
    """Say where somebody confirms what was drawn up for them, or why that cannot be reached."""
    try:
        house = House.here()
    except UnreadableError as error:
        return f"Our pages cannot be reached: {error.detail}."
    return f"Confirm it within ten minutes: {house.origin}/confirm/{request.case}/{request.nonce}"


async def pending(case: str, nonce: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime) -> Pending | str:
    """Find the confirmation behind a link, or say why there is none to give any more."""
    chain = await ledger.read(case)
    request = request_of(chain, nonce)
    if request is None:
        return SPENT
    by = rulebook.directory.person(request.by)
    unproven = judge(_answer(request), by, chain, rulebook, at)
    if unproven.taken != "confirm" or unproven.ask is None or by is None:
        return unproven.text
    if at > request.until:
        return SPENT
    above = above_of(chain.lines, unproven.ask.key)
    acting = acting_for(unproven.ask, by, decisions_of(chain), rulebook.directory, rulebook.duties, at, above=above)
    of = acting.of if isinstance(acting, Acting) else None
    return Pending(request, unproven.ask, by, of, await enrolled(ledger))


async def finish(
    waiting: Pending, brought: dict[str, Any], *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> Verdicts:
    """Take what the browser brought: check it, note the use of the passkey, and decide."""
    taken = await take(waiting.request, waiting.by, brought, ledger, at)
    if isinstance(taken, str):
        return Verdicts("void", taken, waiting.ask)
    answer, rules = _answer(waiting.request, taken.proof), rulebook.model_copy(update={"passkeys": taken.enrolled})
    return await decide(answer, waiting.by, DOOR, ledger=ledger, rulebook=rules, at=at)


class Signed(NamedTuple):
    """A proof that holds, and the passkeys enrolled as it was given."""

    proof: Proof
    enrolled: Passkeys


async def take(
    request: Confirmation, by: Person, brought: dict[str, Any], ledger: Ledger, at: datetime
) -> Signed | str:
    """Check what the browser brought and note the use of the passkey; or note the failure, and say why."""
    try:
        proof = _proof(request, brought)
        return Signed(proof, await _use(proof, by, ledger, at))
    except (NotTakenError, ValidationError) as error:
        why = str(error) if isinstance(error, NotTakenError) else "the browser sent something else than a signature"
        await _note_failure(request, why, ledger, at)
        return f"Not confirmed: {why}. Please try again."


class NotTakenError(Exception):
    """What the browser brought proves nothing; the text says why."""


async def _use(proof: Proof, by: Person, ledger: Ledger, at: datetime) -> Passkeys:
    """Check a proof and enter the use of its passkey; return the book as far as it was read for that.

    To enter it is what shuts out a withdrawal in between, and a copied passkey: its count does not grow.
    """
    from blocks.proofs.passkeys import NotProvenError, assert_signed

    def used(chain: Chain) -> Line:
        key = passkeys_of(chain).find(proof.credential)
        if key is None or key.person != by.id:
            raise NotTakenError("this passkey is not enrolled for you")
        try:
            uses = assert_signed(proof, key, uses=key.uses)
        except NotProvenError as error:
            raise NotTakenError(str(error)) from error
        body = {"case": proof.request.case, "ask": proof.request.ask, "nonce": proof.request.nonce, "uses": uses}
        return Line(act="used", key=key.credential, actor=f"person:{by.id}", at=at, source=DOOR, body=body)

    return passkeys_of(await ledger.enter(PASSKEYS, used))


async def _note_failure(request: Confirmation, why: str, ledger: Ledger, at: datetime) -> None:
    """Note an attempt that proved nothing: nobody knows whose it was. Who races for this place is told to retry."""
    body = {"verdict": request.verdict, "because": why, "nonce": request.nonce}
    chain = await ledger.read(request.case)
    if decision_of(chain, request.ask) is None:
        line = Line(act="refused-click", key=request.ask, actor=f"door:{DOOR}", at=at, source=DOOR, body=body)
        await ledger.append(chain, [line])


def request_of(chain: Chain, nonce: str) -> Confirmation | None:
    """Find a confirmation that was drawn up, unless it has failed too often."""
    line = next((x for x in chain.having("confirming") if x.body["request"]["nonce"] == nonce), None)
    failed = sum(x.body.get("nonce") == nonce for x in chain.having("refused-click"))
    return Confirmation.model_validate(line.body["request"]) if line and failed < FAILURES_MAX else None


def _answer(request: Confirmation, proof: Proof | None = None) -> Answer:
    return Answer(**request.model_dump(exclude={"by", "until", "nonce"}), proof=proof)


def _proof(request: Confirmation, brought: dict[str, Any]) -> Proof:
    response = brought.get("response")
    sent = response if isinstance(response, dict) else {}
    return Proof(
        request=request,
        credential=brought.get("id", ""),
        client_data=sent.get("clientDataJSON", ""),
        authenticator_data=sent.get("authenticatorData", ""),
        signature=sent.get("signature", ""),
    )
