"""`almoner people` on duties: who stands in for whom, and who is away."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.speaking import done, plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.records.people import Duties
    from blocks.records.policy import Rulebook

Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="A day, such as 2026-12-01.")]


def delegate(  # noqa: PLR0913, PLR0917  as many options as one may want to bound
    to: Annotated[str, typer.Argument(help="Who stands in: an id of the directory.")],
    until: Day,
    by: By = "",
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Today if left out.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="One, or several times; all if left out.")] = None,
    cost_centre: Annotated[list[str] | None, typer.Option(help="One, or several times; all if left out.")] = None,
    limit: Annotated[str, typer.Option(help="At most so much, such as 5000.00; as much as you if left out.")] = "",
    home: Home = HERE,
) -> None:
    """Let a colleague decide in your name; until the end of the last day."""
    with plainly():
        find(home)
        bounds: dict[str, object] = {"roles": role or (), "cost_centres": cost_centre or ("*",), "limit": limit}
        print(*done(_delegate({"to": to, **bounds}, start, until, home, by)), sep="\n")


def away(
    who: Annotated[str, typer.Argument(help="Who is away: an id of the directory.")],
    until: Day,
    by: By = "",
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Today if left out.")] = None,
    home: Home = HERE,
) -> None:
    """Say that you, or somebody you manage, are away; until the end of the last day."""
    with plainly():
        find(home)
        print(*done(_away(who, start, until, home, by)), sep="\n")


def end(
    key: Annotated[str, typer.Argument(help="As `almoner people duties` lists it.")],
    by: By = "",
    home: Home = HERE,
) -> None:
    """End a delegation or an absence before its time."""
    with plainly():
        find(home)
        print(*done(_end(key, home, by)), sep="\n")


def duties(home: Home = HERE) -> None:
    """List who stands in for whom, and who is away."""
    with plainly():
        find(home)
        print(*done(_duties()), sep="\n")


async def _delegate(told: dict[str, object], start: datetime | None, until: datetime, home: Path, by: str) -> list[str]:
    from blocks import connect
    from blocks.records.people import Delegation
    from tasks.signing import people as verbs

    who = await speaker(home, by)
    limit = {"amount": told["limit"], "currency": who.rulebook.policy.currency} if told["limit"] else None
    span = _span(start, until, who.rulebook, who.at)
    key = verbs.new_key("for")
    delegation = Delegation.model_validate({**told, **span, "of": who.by.id, "limit": limit, "key": key})
    ledger = connect.ledger()
    await verbs.delegate(delegation, who.by, who.door, ledger=ledger, rulebook=who.rulebook, at=who.at)
    last = f"{until:%d %b %Y}"
    return [f"✓ {delegation.to} decides in the name of {delegation.of} to the end of {last}", f"  to end it: {key}"]


async def _away(whom: str, start: datetime | None, until: datetime, home: Path, by: str) -> list[str]:
    from blocks import connect
    from blocks.records.people import Absence
    from tasks.signing import people as verbs

    who = await speaker(home, by)
    key = verbs.new_key("away")
    absence = Absence.model_validate({"key": key, "person": whom, **_span(start, until, who.rulebook, who.at)})
    await verbs.go_away(absence, who.by, who.door, ledger=connect.ledger(), rulebook=who.rulebook, at=who.at)
    return [f"✓ {whom} is not asked to the end of {until:%d %b %Y}", f"  to end it: {key}"]


async def _end(key: str, home: Path, by: str) -> list[str]:
    from blocks import connect
    from tasks.signing import people as verbs

    who = await speaker(home, by)
    await verbs.end(key, who.by, who.door, ledger=connect.ledger(), at=who.at)
    return [f"✓ {key} has ended"]


async def _duties() -> list[str]:
    from blocks import connect
    from tasks.case import utc_now

    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    return _listed(rulebook.duties, ZoneInfo(rulebook.directory.zone), now) or ["Nobody stands in, and nobody is away."]


def _listed(duties: "Duties", zone: ZoneInfo, now: datetime) -> list[str]:
    lent = [
        f"{one.to} for {one.of}, {_days(one.start, one.until, zone)}: {', '.join(one.roles) or 'every role'}"
        f" ({', '.join(one.cost_centres)}){f', up to {one.limit}' if one.limit else ''}   [{one.key}]"
        for one in duties.delegations
        if one.until > now
    ]
    absent = [
        f"{one.person} is away, {_days(one.start, one.until, zone)}   [{one.key}]"
        for one in duties.absences
        if one.until > now
    ]
    return lent + absent


def _days(start: datetime, until: datetime, zone: ZoneInfo) -> str:
    return f"{start.astimezone(zone):%d %b %H:%M} to {until.astimezone(zone):%d %b %H:%M}"


def _span(start: datetime | None, until: datetime, rulebook: "Rulebook", now: datetime) -> dict[str, datetime]:
    """Turn days of the hospital into moments: from the first day's start, or now, to the last day's end."""
    zone = ZoneInfo(rulebook.directory.zone)
    first = datetime.combine(start.date(), time.min, zone).astimezone(UTC) if start else now
    last = datetime.combine(date.fromordinal(until.date().toordinal() + 1), time.min, zone)
    return {"start": first, "until": last.astimezone(UTC)}
