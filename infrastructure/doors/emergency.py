"""Emergency access in Slack: asked for and ended by `/almoner emergency`, agreed to by a button or the command."""

import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from blocks import connect
from blocks.errors import RefusedError
from blocks.records.money import Money
from blocks.records.people import Directory, EmergencyAsk
from blocks.wire.cards import Pressed
from infrastructure.doors.clicks import DOOR, Click
from infrastructure.doors.http import Response
from tasks import emergency as verbs
from tasks.emergency import Acted, said
from tasks.emergency_telling import tell_granters
from tasks.matters import ToConfirmError
from tasks.rules.emergency import names
from tasks.stepup import where_to_confirm

if TYPE_CHECKING:
    from blocks.slack import SlackDesk

HOW = """Please write it like one of these:
• `/almoner emergency ask department-manager of OR for 8 hours: why it cannot wait`
• `/almoner emergency ask @colleague department-manager of OR for 8 hours up to 5000: why it cannot wait`
• `/almoner emergency agree em-…`, `/almoner emergency end em-…`, `/almoner emergency list`"""
ASK = re.compile(
    r"ask\s+(?:<@(?P<who>\w+)(?:\|[^>]*)?>\s+)?(?P<role>[a-z-]+)\s+of\s+(?P<centres>[\w.,* -]+?)"
    r"\s+for\s+(?P<hours>\d{1,2}(?:\.\d)?)\s*h(?:ours?)?(?:\s+up\s+to\s+(?P<limit>[\d,]*\d(?:\.\d{1,2})?))?\s*:\s*(?P<why>.+)",
    re.DOTALL,
)


async def command(rest: str, who: Acted) -> str:
    """Do what `/almoner emergency …` says, and return what to tell."""
    word, _, key = rest.strip().partition(" ")
    if asked := ASK.fullmatch(rest.strip()):
        return await _ask(asked, who)
    if word == "agree" and key.strip():
        return await agreed(key.strip(), "", who)
    if word == "end" and key.strip():
        await verbs.end(key.strip(), who, connect.ledger())
        return "It has ended. What was decided by it counts, and is to be reviewed."
    return _listed(who) if word == "list" else HOW


async def agreed(key: str, shown: str, who: Acted) -> str:
    """Take somebody's word, and say how it stands; where it takes a passkey, with the link to sign it."""
    try:
        return said(await verbs.agree(key, shown, who, connect.ledger()), who.rulebook)
    except ToConfirmError as asked:
        return f"{asked} {where_to_confirm(asked.request)}"
    except RefusedError as refusal:
        return f"You cannot agree: {refusal.detail}."


async def pressed(what: Pressed, click: Click) -> Response:
    """Take a press on a card that asks for somebody's word."""
    text = await agreed(what.ask, what.shown, Acted(click.by, DOOR, click.rulebook, click.at))

    async def whisper() -> None:
        await cast("SlackDesk", connect.desk()).whisper(click.channel, click.slack_user, text)

    return Response(then=(whisper,))


async def _ask(found: re.Match[str], who: Acted) -> str:
    by, directory = who.by, who.rulebook.directory
    person = directory.by_slack(by.slack_team, found["who"]) if by and found["who"] else by
    if by is None or person is None:
        return "That colleague is not in the hospital's directory."
    limit = _limit(found["limit"], who)
    try:
        asked = EmergencyAsk.model_validate(
            {
                "key": f"em-{secrets.token_hex(3)}",
                "person": person.id,
                "role": found["role"],
                "cost_centres": re.findall(r"[^\s,]+", found["centres"]),
                "limit": limit,
                "start": who.at,
                "until": who.at + timedelta(hours=float(found["hours"])),
                "reason": found["why"].strip(),
                "asked_by": by.id,
            }
        )
    except ValidationError as error:
        one = error.errors()[0]
        return f"{'.'.join(str(part) for part in one['loc']) or 'hours'}: {one['msg']}"
    access = await verbs.ask(asked, who, connect.ledger())
    told = await tell_granters(access, who.rulebook, who.at, connect.desk())
    return (
        f"🚨 Asked for as *{asked.key}*. It is in force once two of these have agreed: {', '.join(told) or 'nobody'}."
    )


def _limit(typed: str | None, who: Acted) -> Money | None:
    policy = who.rulebook.policy
    rules = policy.emergency_access
    most = rules.amount_max if rules else None
    if typed is None:
        return Money(amount=most, currency=policy.currency) if most is not None else None
    return Money.of(typed.replace(",", ""), policy.currency)


def _listed(who: Acted) -> str:
    duties, directory = who.rulebook.duties, who.rulebook.directory
    told = []
    for one in duties.emergencies:
        if one.review or who.at >= one.over:
            continue
        until = one.asked.until.astimezone(ZoneInfo(directory.zone))
        stands = f"in force, granted by {names(one)}" if one.holds(who.at) else f"{len(one.granted)} of 2 have agreed"
        name = _name(one.asked.person, directory)
        told.append(f"• *{one.asked.key}* {name} as {one.asked.role} until {until:%d %b %H:%M}: {stands}")
    return "\n".join(told) or "There is no emergency access just now."


def _name(person: str, directory: Directory) -> str:
    found = directory.person(person)
    return found.name if found else person
