"""People: who stands in for whom, and who is away, entered in the book of duties. Knows no Prefect."""

from datetime import datetime
from typing import Any

from blocks.errors import ConflictError, RefusedError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.people import Absence, Delegation, Duties, Person
from blocks.records.policy import Rulebook
from blocks.rulebook import DUTIES, duties_of
from tasks.rules.duties import reason_not_to_be_away, reason_not_to_delegate

RACES_MAX = 20


async def delegate(
    delegation: Delegation, by: Person | None, door: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> Duties:
    """Let somebody stand in; `RefusedError` names the field and the reason where they cannot."""
    _assert_none(reason_not_to_delegate(delegation, by, rulebook.directory, rulebook.policy, at))
    body = {"delegation": delegation.model_dump(mode="json")}
    return await _enter(ledger, _line("delegated", delegation.key, delegation.of, door, at, body))


async def go_away(
    absence: Absence, by: Person | None, door: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> Duties:
    """Note that somebody is away for a while; `RefusedError` names the field and the reason where it is not taken."""
    _assert_none(reason_not_to_be_away(absence, by, rulebook.directory, at))
    body = {"absence": absence.model_dump(mode="json")}
    return await _enter(ledger, _line("away", absence.key, by.id if by else "", door, at, body))


async def end(key: str, by: Person | None, door: str, *, ledger: Ledger, at: datetime) -> Duties:
    """End a delegation or an absence before its time; either side of it may, and nobody else."""
    duties = duties_of(await ledger.read(DUTIES))
    lent = next((one for one in duties.delegations if one.key == key), None)
    away = next((one for one in duties.absences if one.key == key), None)
    if lent is None and away is None:
        raise RefusedError("people", f"{key}: no such delegation or absence; `almoner people duties` lists them")
    mine = {lent.of, lent.to} if lent else {away.person} if away else set()
    if by is None or by.id not in mine:
        raise RefusedError("people", f"{key}: only {' or '.join(sorted(mine))} can end it")
    return await _enter(ledger, _line("revoked" if lent else "back", key, by.id, door, at, {}))


def _line(act: str, key: str, person: str, door: str, at: datetime, body: dict[str, Any]) -> Line:
    return Line(act=act, key=key, actor=f"person:{person}", at=at, source=door, body=body)


def _assert_none(reason: str | None) -> None:
    if reason:
        raise RefusedError("people", reason)


async def _enter(ledger: Ledger, line: Line) -> Duties:
    """Enter a line in the book; the same key twice is one line."""
    chain = await ledger.read(DUTIES)
    for _ in range(RACES_MAX):
        if chain.last(line.act, line.key):
            return duties_of(chain)
        try:
            return duties_of(await ledger.append(chain, [line]))
        except ConflictError:
            chain = await ledger.read(DUTIES, known=chain)
    message = f"{DUTIES}: {RACES_MAX} lost races in a row"
    raise ConflictError(message)
