"""`almoner people`: propose the HR system's extract, put it in force, and say who stands in for whom."""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands import people_compare, people_duties, people_emergency
from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.speaking import NOT_TAKEN, document, done, plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.records.people import Directory, Person

NO_CHANGE = "nothing changes"
app = typer.Typer(no_args_is_help=True, help="Say who works here, and who stands in for whom.")
app.command()(people_duties.delegate)
app.command()(people_duties.away)
app.command()(people_duties.end)
app.command()(people_duties.duties)
app.add_typer(people_emergency.app, name="emergency")
app.command()(people_compare.compare)


@app.callback()
def people() -> None:
    """Say who works here, and who stands in for whom."""


@app.command("import")
def take_over(  # noqa: PLR0913, PLR0917  two files, a day, who says so, and how
    people: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: id,name,email,title,…")],
    grants: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: person,role,cost_centres,limit,…")],
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The day from which it holds.")],
    by: By = "",
    slack: Annotated[bool, typer.Option(help="Find each person's Slack account by their e-mail address.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    home: Home = HERE,
) -> None:
    """Propose the HR system's extract; a single bad row, and nothing is: a lost row would be a lost approver."""
    from blocks.wire.hris import read_people

    found, issues = read_people(people.read_bytes(), grants.read_bytes())
    for issue in issues:
        print(f"✗ {issue}", file=sys.stderr)
    if issues:
        print("Nothing was changed. Please mend the rows and try again.", file=sys.stderr)
        raise typer.Exit(NOT_TAKEN)
    with plainly():
        find(home)
        wanted = done(_wanted(found, start.date(), slack=slack))
        print("\n".join(done(_told(wanted) if dry_run else _propose_wanted(wanted, home, by))))


@app.command()
def propose(
    file: Annotated[Path, typer.Argument(help="A directory, as JSON.", exists=True, dir_okay=False)],
    by: By = "",
    home: Home = HERE,
) -> None:
    """Propose a directory; somebody else puts it in force."""
    from blocks.records.people import Directory

    with plainly():
        find(home)
        print("\n".join(done(_propose_file(file, home, by, Directory))))


@app.command()
def proposals(home: Home = HERE) -> None:
    """List the directories that wait for approval, and what each would change."""
    with plainly():
        find(home)
        print("\n".join(done(_proposals())) or "Nothing waits for approval.")


@app.command()
def approve(
    version: Annotated[str, typer.Argument(help="Which proposal; its first characters are enough.")],
    by: By = "",
    home: Home = HERE,
) -> None:
    """Put a proposed directory in force that somebody else wrote; or your own, where it only takes away."""
    with plainly():
        find(home)
        print(done(_approve(version, home, by)))


async def _wanted(found: "tuple[Person, ...]", start: date, *, slack: bool) -> "Directory":
    from blocks import connect
    from blocks.errors import NotFoundError, RefusedError
    from tasks.case import utc_now

    try:
        old = (await connect.shelf().in_force(utc_now())).directory
    except NotFoundError as error:
        raise RefusedError("people", "there is no directory yet that names entity and time zone: adopt one") from error
    return old.model_copy(update={"effective_from": start, "people": await _with_accounts(found, old, slack=slack)})


async def _told(new: "Directory") -> list[str]:
    """Tell what a directory would change, and what the policy in force would lack."""
    return [*await _changes(new), "Nothing was changed: this was a dry run."]


async def _changes(new: "Directory") -> list[str]:
    from blocks import connect
    from tasks.case import utc_now
    from tasks.rules.directory import differences
    from tasks.rules.proof import new_gaps

    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    told = [f"{one.person} {one.what}" for one in differences(rulebook.directory, new)] or [NO_CHANGE]
    return told + [f"⚠ policy: {one.what} → {one.remedy}" for one in new_gaps(rulebook, new, now)]


async def _propose_wanted(new: "Directory", home: Path, by: str) -> list[str]:
    """Propose what the extract says, unless it says what is known."""
    told = await _changes(new)
    return told if told == [NO_CHANGE] else await _propose(new, home, by)


async def _propose_file(file: Path, home: Path, by: str, kind: "type[Directory]") -> list[str]:
    return await _propose(kind.model_validate_json(document(file)), home, by)


async def _propose(new: "Directory", home: Path, by: str) -> list[str]:
    from blocks import connect
    from tasks.signing.directory_changes import is_alone
    from tasks.signing.directory_changes import propose as propose_directory

    who = await speaker(home, by)
    ledger, shelf = connect.ledger(), connect.shelf()
    told = await _changes(new)
    proposal = await propose_directory(new, who.by.id, who.door, ledger=ledger, shelf=shelf, at=who.at)
    alone = await is_alone(proposal, who.rulebook, shelf)
    whose = "Nobody gains anything, so you may put it in force" if alone else "Somebody else puts it in force"
    version = proposal.object
    return [
        *told,
        f"✓ proposed, from {new.effective_from}: {version}",
        f"{whose}: almoner people approve {version[:12]}",
    ]


async def _proposals() -> list[str]:
    from blocks import connect
    from blocks.books import DIRECTORY
    from tasks.signing.directory_changes import changes_of
    from tasks.signing.proposals import open_proposals

    told = []
    for one in open_proposals(await connect.ledger().read(DIRECTORY)):
        told.append(f"{one.object[:12]}  by {one.author}, from {one.effective_from}")
        told += [f"  {change}" for change in await changes_of(one, connect.shelf())]
    return told


async def _approve(version: str, home: Path, by: str) -> str:
    from blocks import connect
    from tasks.signing.directory_changes import approve as approve_directory

    who = await speaker(home, by)
    ledger, shelf = connect.ledger(), connect.shelf()
    told = await approve_directory(version, who.by.id, who.door, ledger=ledger, shelf=shelf, at=who.at)
    if not told.new:
        return f"It is in force already: {told.author} wrote it, {told.approver} approved it."
    return f"✓ in force from {told.effective_from}: {told.author} wrote it, {told.approver} approved it{told.warning}"


async def _with_accounts(found: "tuple[Person, ...]", old: "Directory", *, slack: bool) -> "tuple[Person, ...]":
    """Add what the extract does not tell: each person's Slack account, by their address or as it was, and the rest."""
    import os

    from blocks.slack_people import SLACK, Account, accounts

    if not slack:
        known = {one.id: Account(one.slack_team, one.slack_user) for one in old.people}
        by_id = {one.id: known.get(one.id, Account("", "")) for one in found}
    else:
        url = os.environ.get("ALMONER_SLACK_URL", SLACK)
        there = await accounts(os.environ.get("SLACK_BOT_TOKEN", ""), url=url)
        by_id = {one.id: there.get(one.email.lower(), Account("", "")) for one in found}
    machines = tuple(one for one in old.people if one.service and one.id not in by_id)  # no HR system employs them
    return machines + tuple(
        one.model_copy(
            update=_as_before(one, old) | {"slack_team": by_id[one.id].team, "slack_user": by_id[one.id].user}
        )
        for one in found
    )


def _as_before(one: "Person", old: "Directory") -> dict[str, object]:
    """Keep of somebody known what an extract never tells, or lacks the column of: a limit left out is no leave."""
    known = old.person(one.id)
    kept = {"asks", "service", "owns", "manager_limit"} - one.model_fields_set
    return {name: getattr(known, name) for name in kept} if known else {}
