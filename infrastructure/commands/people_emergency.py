"""`almoner people emergency`: a role for some hours, on the word of two, looked at by a third."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.speaking import done, plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from blocks.ports import Desk
    from blocks.records.people import EmergencyAccess
    from blocks.records.policy import Rulebook
    from tasks.signing.emergency import Acted, Under

    Telling = Callable[[EmergencyAccess, Rulebook, datetime, Desk], Awaitable[None]]

HOURS_MIN, HOURS_MAX = 0.1, 1000.0
"""What can be asked for at all; policy allows fewer."""
Key = Annotated[str, typer.Argument(help="As `almoner people emergency list` lists it, such as em-1a2b3c.")]
app = typer.Typer(no_args_is_help=True, help="When nobody who holds a role can be reached.")


@app.callback()
def emergency() -> None:
    """Lend a role for some hours, when nobody who holds it can be reached: two agree, a third reviews it."""


@app.command()
def ask(  # noqa: PLR0913, PLR0917  what somebody needs, and its bounds
    role: Annotated[str, typer.Argument(help="The role that is needed.")],
    cost_centre: Annotated[list[str], typer.Option(help="Where; one, or several times.")],
    hours: Annotated[float, typer.Option(help="For how long, from now.")],
    why: Annotated[str, typer.Option(help="Why nobody who holds it can be waited for; never about a patient.")],
    person: Annotated[str, typer.Option("--for", help="Who would hold it; you, if left out.")] = "",
    limit: Annotated[str, typer.Option(help="At most so much, such as 5000.00; any amount if left out.")] = "",
    by: By = "",
    home: Home = HERE,
) -> None:
    """Ask to hold a role; it is in force once two others have agreed."""
    with plainly():
        find(home)
        told: dict[str, object] = {"role": role, "cost_centres": cost_centre, "reason": why, "person": person}
        print(*done(_ask(told, hours, limit, home, by)), sep="\n")


@app.command()
def agree(key: Key, by: By = "", home: Home = HERE) -> None:
    """Agree that it is an emergency; two have to, neither of them whoever gets it."""
    with plainly():
        find(home)
        print(done(_agree(key, home, by)))


@app.command()
def end(key: Key, by: By = "", home: Home = HERE) -> None:
    """End it before its time."""
    with plainly():
        find(home)
        print(done(_end(key, home, by)))


@app.command()
def review(
    key: Key,
    accepted: Annotated[str, typer.Option(help="It was right: what you looked at, in your words.")] = "",
    objected: Annotated[str, typer.Option(help="It was not: what is wrong, in your words.")] = "",
    by: By = "",
    home: Home = HERE,
) -> None:
    """Show all that was decided by it; with --accepted or --objected, note what you say of it."""
    with plainly():
        find(home)
        if accepted and objected:
            raise typer.BadParameter("say either --accepted or --objected")
        print(*done(_review(key, accepted, objected, home, by)), sep="\n")


@app.command("list")
def listing(home: Home = HERE) -> None:
    """List every emergency access, the newest first, and what it waits for."""
    with plainly():
        find(home)
        print(*done(_list()), sep="\n")


async def _acted(home: Path, by: str) -> "Acted":
    from tasks.signing.emergency import Acted

    return Acted(*await speaker(home, by))


async def _ask(told: dict[str, object], hours: float, limit: str, home: Path, by: str) -> list[str]:
    import secrets

    from blocks import connect
    from blocks.errors import RefusedError
    from blocks.records.people import EmergencyAsk
    from tasks.rules.emergency import who_may_agree
    from tasks.signing import emergency as verbs
    from tasks.signing.emergency_telling import tell_granters

    who = await _acted(home, by)
    mine = who.by.id if who.by else ""
    if not HOURS_MIN <= hours <= HOURS_MAX:  # also what is no number at all
        raise RefusedError("emergency", f"hours: say how many, from {HOURS_MIN} to {HOURS_MAX}, such as 8")
    bounds = {"amount": limit, "currency": who.rulebook.policy.currency} if limit else None
    told |= {"key": f"em-{secrets.token_hex(3)}", "person": told["person"] or mine, "asked_by": mine, "limit": bounds}
    asked = EmergencyAsk.model_validate(told | {"start": who.at, "until": who.at + timedelta(hours=hours)})
    access = await verbs.ask(asked, who, connect.ledger())
    names = [one.name for one in who_may_agree(access, who.rulebook, who.at)] or ["nobody"]
    await _in_slack(access, who, tell_granters)
    return [
        f"✓ asked for, until {_moment(asked.until, who.rulebook)}: two of these have to agree: {', '.join(names)}",
        f"  each of them: almoner people emergency agree {asked.key}",
    ]


async def _agree(key: str, home: Path, by: str) -> str:
    from blocks import connect
    from tasks.signing.emergency import agree as agree_to
    from tasks.signing.emergency import said

    who = await _acted(home, by)
    access = await agree_to(key, "", who, connect.ledger())
    await _tell(access, who)
    return f"✓ {said(access, who.rulebook)}"


async def _end(key: str, home: Path, by: str) -> str:
    from blocks import connect
    from tasks.signing.emergency import end as end_it

    who = await _acted(home, by)
    access = await end_it(key, who, connect.ledger())
    await _tell(access, who)
    return f"✓ {key} has ended" + ("; it is to be reviewed" if access.since else "")


async def _review(key: str, accepted: str, objected: str, home: Path, by: str) -> list[str]:
    from blocks import connect
    from blocks.records.people import Review
    from tasks.signing import emergency as verbs

    who, ledger = await _acted(home, by), connect.ledger()
    under = await verbs.decided_under(key, ledger)
    if accepted or objected:
        mine, name = (who.by.id, who.by.name) if who.by else ("", "")
        words, verdict = accepted or objected, "accepted" if accepted else "objected"
        told = Review.model_validate({"by": mine, "name": name, "at": who.at, "verdict": verdict, "words": words})
        await _tell(await verbs.review(key, told, under, who, ledger), who)
        return [f"✓ {key}: {told.verdict}"]
    from blocks.books import DUTIES

    access = verbs.find(await ledger.read(DUTIES), key, who.rulebook)
    return [_line(access, who.rulebook, who.at), *_decisions(under, who.rulebook)]


async def _tell(access: "EmergencyAccess", who: "Acted") -> None:
    from tasks.signing.emergency_telling import tell_how_it_stands

    await _in_slack(access, who, tell_how_it_stands)


async def _in_slack(access: "EmergencyAccess", who: "Acted", tell: "Telling") -> None:
    """Tell those concerned; without Slack, whoever types hears that they have to."""
    from blocks import connect

    try:
        desk = connect.desk()
    except connect.SettingError as missing:
        print(f"Nobody was told in Slack, so please tell them: {missing}", file=sys.stderr)
    else:
        await tell(access, who.rulebook, who.at, desk)


def _decisions(under: "tuple[Under, ...]", rulebook: "Rulebook") -> list[str]:
    told = []
    for case, entry, one in ((x.case, x.entry, x.decision) for x in under):
        note = f": {one.note}" if one.note else ""
        told.append(
            f"  {_moment(one.at, rulebook)}  {case}  {one.done} by {one.name}, {one.role} (entry {entry}){note}"
        )
    return told or ["  Nothing was decided by it."]


async def _list() -> list[str]:
    from blocks import connect
    from tasks.case import utc_now

    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    listed = sorted(rulebook.duties.emergencies, key=lambda one: one.asked.start, reverse=True)
    return [_line(one, rulebook, now) for one in listed] or ["There was no emergency access."]


def _line(access: "EmergencyAccess", rulebook: "Rulebook", now: datetime) -> str:
    asked = access.asked
    limit = f", up to {asked.limit}" if asked.limit else ""
    what = f"{asked.key}  {asked.person} as {asked.role} ({', '.join(asked.cost_centres)}){limit}"
    return f"{what}, until {_moment(access.over, rulebook)}: {_stands(access, rulebook, now)}\n  why: {asked.reason}"


def _stands(access: "EmergencyAccess", rulebook: "Rulebook", now: datetime) -> str:
    from tasks.rules.emergency import names, review_due

    if access.review:
        return f"{access.review.verdict} by {access.review.name}: {access.review.words}"
    if access.since is None:
        had = f"agreed to by {names(access)} alone" if access.granted else "nobody agreed"
        return had if now >= access.over else f"waits for {2 - len(access.granted)} to agree"
    granted = f"granted by {names(access)}"
    if now < access.over:
        return f"in force, {granted}"
    due = review_due(access, rulebook.policy)
    return f"over, {granted}; {'LATE: was' if now >= due else 'is'} to be reviewed until {_moment(due, rulebook)}"


def _moment(at: datetime, rulebook: "Rulebook") -> str:
    return f"{at.astimezone(ZoneInfo(rulebook.directory.zone)):%d %b %H:%M}"
