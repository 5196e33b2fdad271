"""`almoner people`: take over the HR system's extract, and say who stands in for whom."""

import asyncio
import sys
from collections.abc import Awaitable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.records.people import Directory, Duties, Person
    from blocks.records.policy import Rulebook

app = typer.Typer(no_args_is_help=True, help="Say who works here, and who stands in for whom.")
Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
By = Annotated[str, typer.Option("--as", help="Who says so: your id in the directory.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="A day, such as 2026-12-01.")]
HERE = Path(".almoner")
NOT_TAKEN = 1
T = TypeVar("T")


@app.callback()
def people() -> None:
    """Say who works here, and who stands in for whom."""


@app.command("import")
def take_over(
    people: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: id,name,email,title,…")],
    grants: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: person,role,cost_centres,limit,…")],
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The day from which it holds.")],
    slack: Annotated[bool, typer.Option(help="Find each person's Slack account by their e-mail address.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    home: Home = HERE,
) -> None:
    """Put the HR system's extract in force; a single bad row, and nothing is: a lost row would be a lost approver."""
    from blocks.wire.hris import read_people

    found, issues = read_people(people.read_bytes(), grants.read_bytes())
    for issue in issues:
        print(f"✗ {issue}", file=sys.stderr)
    if issues:
        print("Nothing was changed. Please mend the rows and try again.", file=sys.stderr)
        raise typer.Exit(NOT_TAKEN)
    with plainly():
        find(home)
        _say(_run(_take_over(found, start.date(), slack=slack, dry_run=dry_run)))


@app.command()
def delegate(  # noqa: PLR0913, PLR0917  as many options as one may want to bound
    to: Annotated[str, typer.Argument(help="Who stands in: an id of the directory.")],
    by: By,
    until: Day,
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
        _say(_run(_delegate({"to": to, "of": by, **bounds}, start, until)))


@app.command()
def away(
    who: Annotated[str, typer.Argument(help="Who is away: an id of the directory.")],
    by: By,
    until: Day,
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Today if left out.")] = None,
    home: Home = HERE,
) -> None:
    """Say that you, or somebody you manage, are away; until the end of the last day."""
    with plainly():
        find(home)
        _say(_run(_away(who, by, start, until)))


@app.command()
def end(
    key: Annotated[str, typer.Argument(help="As `almoner people duties` lists it.")], by: By, home: Home = HERE
) -> None:
    """End a delegation or an absence before its time."""
    with plainly():
        find(home)
        _say(_run(_end(key, by)))


@app.command()
def duties(home: Home = HERE) -> None:
    """List who stands in for whom, and who is away."""
    with plainly():
        find(home)
        _say(_run(_duties()))


def _run(coroutine: Awaitable[T]) -> T:
    """Run to the end; what is not taken is said in a line, with exit code 1."""
    from pydantic import ValidationError

    from blocks.errors import OutsideError, RefusedError

    async def run() -> T:
        return await coroutine

    try:
        return asyncio.run(run())
    except RefusedError as refusal:
        print(f"✗ {refusal.detail}", file=sys.stderr)
    except ValidationError as error:
        for one in error.errors():
            print(f"✗ {'.'.join(str(part) for part in one['loc']) or 'until'}: {one['msg']}", file=sys.stderr)
    except OutsideError as error:
        print(f"✗ Nothing was changed, {error}. Please try again.", file=sys.stderr)
    raise typer.Exit(NOT_TAKEN)


def _say(lines: list[str]) -> None:
    print("\n".join(lines))


async def _take_over(found: "tuple[Person, ...]", start: date, *, slack: bool, dry_run: bool) -> list[str]:
    from blocks import connect
    from blocks.errors import NotFoundError, RefusedError
    from blocks.rulebook import adopt
    from tasks.case import utc_now
    from tasks.rules.directory import differences, reason_not_to_adopt
    from tasks.rules.proof import new_gaps

    now = utc_now()
    try:
        rulebook = await connect.shelf().in_force(now.date())
    except NotFoundError as error:
        raise RefusedError("people", "there is no directory yet that names entity and time zone: adopt one") from error
    old = rulebook.directory
    new = old.model_copy(update={"effective_from": start, "people": await _with_accounts(found, old, slack=slack)})
    if reason := reason_not_to_adopt(new):
        raise RefusedError("people", reason)
    told = [f"{one.person} {one.what}" for one in differences(old, new)] or ["nothing changes"]
    told += [f"⚠ policy: {one.what} → {one.remedy}" for one in new_gaps(rulebook, new, now)]
    if dry_run:
        return [*told, "Nothing was changed: this was a dry run."]
    version = await adopt(connect.ledger(), new, actor=f"door:{_door()}", at=now)
    return [*told, f"✓ in force from {start}, version {version}"]


async def _with_accounts(found: "tuple[Person, ...]", old: "Directory", *, slack: bool) -> "tuple[Person, ...]":
    """Add what no HR system knows: each person's Slack account, by their address or as it was, and whether they ask."""
    import os

    from blocks.slack_people import Account, accounts

    if not slack:
        known = {one.id: Account(one.slack_team, one.slack_user) for one in old.people}
        by_id = {one.id: known.get(one.id, Account("", "")) for one in found}
    else:
        url = os.environ.get("ALMONER_SLACK_URL", "https://slack.com/api/")
        there = await accounts(os.environ.get("SLACK_BOT_TOKEN", ""), url=url)
        by_id = {one.id: there.get(one.email.lower(), Account("", "")) for one in found}
    silent = {one.id for one in old.people if not one.asks}
    return tuple(
        one.model_copy(
            update={
                "slack_team": by_id[one.id].team,
                "slack_user": by_id[one.id].user,
                "asks": one.id not in silent,
            }
        )
        for one in found
    )


async def _delegate(told: dict[str, object], start: datetime | None, until: datetime) -> list[str]:
    from blocks import connect
    from blocks.records.people import Delegation
    from tasks import people as verbs
    from tasks.case import utc_now

    now = utc_now()
    rulebook = await connect.shelf().in_force(now.date())
    limit = {"amount": told["limit"], "currency": rulebook.policy.currency} if told["limit"] else None
    span = _span(start, until, rulebook, now)
    key = f"{told['of']}-{told['to']}-{now:%Y%m%d%H%M%S}"
    delegation = Delegation.model_validate({**told, **span, "limit": limit, "key": key})
    by = rulebook.directory.person(delegation.of)
    await verbs.delegate(delegation, by, _door(), ledger=connect.ledger(), rulebook=rulebook, at=now)
    last = f"{until:%d %b %Y}"
    return [f"✓ {delegation.to} decides in the name of {delegation.of} to the end of {last}", f"  to end it: {key}"]


async def _away(who: str, by: str, start: datetime | None, until: datetime) -> list[str]:
    from blocks import connect
    from blocks.records.people import Absence
    from tasks import people as verbs
    from tasks.case import utc_now

    now = utc_now()
    rulebook = await connect.shelf().in_force(now.date())
    key = f"{who}-away-{now:%Y%m%d%H%M%S}"
    absence = Absence.model_validate({"key": key, "person": who, **_span(start, until, rulebook, now)})
    person = rulebook.directory.person(by)
    await verbs.go_away(absence, person, _door(), ledger=connect.ledger(), rulebook=rulebook, at=now)
    return [f"✓ {who} is not asked to the end of {until:%d %b %Y}", f"  to end it: {key}"]


async def _end(key: str, by: str) -> list[str]:
    from blocks import connect
    from tasks import people as verbs
    from tasks.case import utc_now

    now = utc_now()
    person = (await connect.shelf().in_force(now.date())).directory.person(by)
    await verbs.end(key, person, _door(), ledger=connect.ledger(), at=now)
    return [f"✓ {key} has ended"]


async def _duties() -> list[str]:
    from blocks import connect
    from tasks.case import utc_now

    now = utc_now()
    rulebook = await connect.shelf().in_force(now.date())
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


def _door() -> str:
    import getpass

    return f"cli~{getpass.getuser()}"
