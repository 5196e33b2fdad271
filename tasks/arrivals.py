"""Arrivals: a message comes in by any door and becomes one case, or is put in quarantine with the reason.

Knows no Prefect: the doors use it. The raw message is kept before it is read, under its source and id,
so that nothing is lost and the same message twice is one case. The vault seals it: whatever it says of a patient
can be forgotten, each message by itself.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from blocks.errors import ConflictError, ForgottenError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.records.people import Directory
from blocks.records.purchasing import Requisition
from blocks.rulebook import Shelf
from blocks.wire.canonical import canonical, digest
from blocks.wire.names import case_of
from blocks.wire.patients import reason_to_leave_out
from blocks.wire.requisitions import Issue, read_requisition, spell_out, storable

PREFIX = "RQ"
TAG_CHARS = 12


class Message(NamedTuple):
    """A raw message: where it came from, its id there, and its bytes. All three make its identity."""

    source: str
    id: str
    raw: bytes

    @property
    def subject(self) -> str:
        """Whose data it is, as long as nobody knows better: its own."""
        return f"message:{self.source}/{self.id}"


class Receipt(NamedTuple):
    """What became of a message: a case, or the issues for which it was put in quarantine."""

    message: str
    case: str | None
    new: bool = False
    issues: tuple[Issue, ...] = ()

    def case_or_raise(self) -> str:
        """Return the case; `ArrivalError` names the fields where there is none."""
        if self.case is None:
            raise ArrivalError(self.issues)
        return self.case


class ArrivalError(ValueError):
    """A message could not become a case; the text names each field and the remedy."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        super().__init__("; ".join(f"{issue.field}: {issue.reason}" for issue in issues))


async def receive(message: Message, ledger: Ledger, shelf: Shelf, at: datetime) -> Receipt:
    """Take one requisition in. Raises `UnavailableError` when it cannot be kept: the sender must try again."""
    message = message._replace(id=storable(message.id))
    where = f"inbox/{_place(message, ledger)}"
    try:
        kept = await ledger.keep_raw(where, message.raw, message.subject)
    except ForgottenError:
        return await _forgotten(message, ledger)
    except ConflictError:
        issue = Issue("id", f"{message.id} was sent before with other content: send a new id")
        return await put_aside(message, (issue,), ledger, at)
    request, issues = read_requisition(message.raw, message.id)
    if request is not None:
        directory = (await shelf.in_force(at)).directory
        issues = reasons_unknown(request, directory)
    if why := reason_to_leave_out(message.id):
        issues = (*issues, Issue("id", why))
    case = case_of(PREFIX, message.source, message.id)
    if request is None or issues:
        if await _began(case, message, ledger):  # it was accepted once, whatever would be said of it today
            return Receipt(message.id, case)
        return await put_aside(message, issues, ledger, at)
    body = {
        "process": "requisition",
        "message": {"source": message.source, "id": message.id, "inbox": where} | ({"digest": kept} if kept else {}),
        "request": request.model_dump(mode="json"),
    }
    line = Line(act="received", actor=f"door:{message.source}", at=at, source=message.source, body=body)
    try:
        await ledger.append(Chain(case), [line])
    except ConflictError:
        if await _began(case, message, ledger):
            return Receipt(message.id, case)
        issue = Issue("id", f"its case name {case} is taken: send it again under a new id")
        return await put_aside(message, (issue,), ledger, at)
    return Receipt(message.id, case, new=True)


def reasons_unknown(request: Requisition, directory: Directory) -> tuple[Issue, ...]:
    """Say why the directory does not know the requester as somebody who may ask."""
    person = directory.person(request.requester)
    if person is None:
        return (Issue("requester", f"{request.requester} is not in the directory: give a person's id"),)
    if not person.active:
        return (Issue("requester", f"{person.name} is no longer active: an active colleague must ask"),)
    if not person.asks:
        return (Issue("requester", f"{person.name} approves here and does not ask: a colleague must ask"),)
    if person.cost_centres and request.cost_centre not in person.cost_centres:
        allowed = ", ".join(person.cost_centres)
        return (Issue("cost_centre", f"{person.name} may ask for {allowed}, not for {request.cost_centre}"),)
    return ()


async def _began(case: str, message: Message, ledger: Ledger) -> bool:
    """Say whether this very message began the case."""
    lines = (await ledger.read(case)).lines
    first = lines[0].body.get("message", {}) if lines else {}
    return (first.get("source"), first.get("id")) == (message.source, message.id)


async def put_aside(message: Message, issues: tuple[Issue, ...], ledger: Ledger, at: datetime) -> Receipt:
    """Put a message in quarantine, with what is wrong with it, field by field."""
    vault = ledger.vault
    tag = (await vault.key(message.subject)).digest(message.raw) if vault else digest(message.raw)
    where = f"{_place(message, ledger)}~{tag[:TAG_CHARS]}"
    await ledger.keep_raw(f"inbox/{where}", message.raw, message.subject)
    record = {
        "source": message.source,
        "id": message.id,
        "object": f"inbox/{where}",
        "issues": [issue._asdict() for issue in issues],
        "at": at.isoformat(),
    }
    try:
        await ledger.keep_raw(f"quarantine/{where}", canonical(record), message.subject)
    except ConflictError:
        await ledger.store.get(f"quarantine/{where}")  # the same message was put here before, at another time
    return Receipt(message.id, None, new=False, issues=issues)


async def quarantine(ledger: Ledger) -> list[dict[str, object]]:
    """Read everything in quarantine, oldest key first, but for what was forgotten."""
    found = []
    async for blob in ledger.store.list("quarantine/"):
        try:
            found.append(json.loads(await ledger.read_raw(blob.key)))
        except ForgottenError:
            continue
    return found


def _place(message: Message, ledger: Ledger) -> str:
    """Say under which key a message lies; an id that seems to be about a patient is not spelled out in one."""
    source = spell_out(message.source)
    if ledger.vault and reason_to_leave_out(message.id):
        return f"{source}/{ledger.vault.name(message.subject)}"
    return f"{source}/{spell_out(message.id)}"


async def _forgotten(message: Message, ledger: Ledger) -> Receipt:
    """Answer for a message that was forgotten and is sent again: it is not kept anew."""
    case = case_of(PREFIX, message.source, message.id)
    if await _began(case, message, ledger):
        return Receipt(message.id, case)
    issue = Issue("id", f"{message.id} was sent before and has been forgotten since: send a new id")
    return Receipt(message.id, None, issues=(issue,))
