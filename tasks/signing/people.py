"""People: who stands in for whom, and who is away, entered in the book of duties. Knows no Prefect.

To lend what one holds takes a passkey where policy asks for any; to be away, or to end either, only takes away.
"""

from datetime import datetime
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo

from blocks.books import DUTIES
from blocks.duties import duties_of
from blocks.errors import RefusedError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.records.people import EVERYWHERE, Absence, Delegation, Duties, Person
from blocks.records.policy import Rulebook
from blocks.wire.canonical import canonical
from tasks.rules.duties import reason_not_to_be_away, reason_not_to_delegate
from tasks.signing.matters import ToConfirmError, Told, Where, draw_up, drawn_of, proven_by
from tasks.signing.stepup import DOOR, Signed


def new_key(what: str) -> str:
    """Name a delegation or an absence, briefly: people type it, and two people's ids would not fit."""
    return f"{what}-{token_hex(5)}"


async def delegate(
    delegation: Delegation, by: Person | None, door: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> Duties:
    """Let somebody stand in; `RefusedError` names the field and the reason where they cannot.

    `ToConfirmError` where policy asks for passkeys: then who lends has yet to sign it.
    """
    _assert_none(reason_not_to_delegate(delegation, by, rulebook.directory, rulebook.policy, at))
    line = await _lent(delegation, door, ledger, at)
    if rulebook.policy.step_up_from is not None:
        request = await draw_up(line, DUTIES, "delegate", delegation.of, ledger)
        raise ToConfirmError(request, "To let somebody decide in your name takes your passkey.")
    return await _enter(ledger, line)


class DelegationMatter:
    """A delegation, as a matter to sign for who lends: to whom, what of it, until when."""

    again = "Please say again who stands in for you."

    async def tell(self, request: Confirmation, by: Person, chain: Chain, where: Where) -> Told | str:
        """Tell what is lent; it may have been signed already, or not be theirs to lend any more."""
        if chain.last("delegated", request.ask):
            return "You have confirmed this already."
        lent = Delegation.model_validate(drawn_of(chain, request, "delegation"))
        rulebook = await where.shelf.in_force(where.at)
        if reason := reason_not_to_delegate(lent, by, rulebook.directory, rulebook.policy, where.at):
            return f"You cannot confirm this: {reason}."
        to, zone = rulebook.directory.person(lent.to), ZoneInfo(rulebook.directory.zone)
        days = f"{lent.start.astimezone(zone):%d %b %Y %H:%M} to {lent.until.astimezone(zone):%d %b %Y %H:%M}"
        held = {grant.role for grant in by.grants}
        return Told(
            over="you are about to let somebody decide in your name:",
            what=to.name if to else lent.to,
            facts=(
                ("When", days),
                ("As", ", ".join(sorted(held & set(lent.roles or held)))),
                ("For", "all your cost centres" if EVERYWHERE in lent.cost_centres else ", ".join(lent.cost_centres)),
                ("Up to", str(lent.limit) if lent.limit else "as much as you"),
                ("Lent on", "never: what is lent is not lent on"),
            ),
            button="Confirm with your passkey",
            until="Until then nobody stands in for you.",
            title="Confirmed",
        )

    async def do(self, request: Confirmation, signed: Signed, by: Person, where: Where) -> str:
        """Enter it with what was signed for it."""
        lent = Delegation.model_validate(drawn_of(await where.ledger.read(DUTIES), request, "delegation"))
        rulebook = await where.shelf.in_force(where.at)
        _assert_none(reason_not_to_delegate(lent, by, rulebook.directory, rulebook.policy, where.at))
        line = await _lent(lent, DOOR, where.ledger, where.at)
        await _enter(where.ledger, line.model_copy(update={"body": line.body | proven_by(signed)}))
        to = rulebook.directory.person(lent.to)
        last = lent.until.astimezone(ZoneInfo(rulebook.directory.zone))
        return f"{to.name if to else lent.to} decides in your name until {last:%d %b %Y %H:%M}."


async def _lent(delegation: Delegation, door: str, ledger: Ledger, at: datetime) -> Line:
    body = {"delegation": delegation.model_dump(mode="json")}
    line = _line("delegated", delegation.key, delegation.of, door, at, body)
    return line.model_copy(update={"seen": await ledger.keep(canonical(delegation))})


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
    return duties_of(await ledger.enter(DUTIES, lambda chain: None if chain.last(line.act, line.key) else line))
