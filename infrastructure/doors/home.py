"""App Home and `/almoner`: the inbox, many approvals at once, how a case stands, and standing in."""

import logging
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple, cast
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from blocks import connect
from blocks.errors import NotFoundError, OutsideError, RefusedError
from blocks.ledger import Ledger
from blocks.records.people import Absence, Delegation, Person
from blocks.records.policy import Rulebook
from blocks.wire.broken import stand_still
from blocks.wire.home import BULK_MAX, Mine, Waiting, home_view
from blocks.wire.report import headline, reasons
from infrastructure.doors import emergency, reversing
from infrastructure.doors.http import Said
from tasks.case import utc_now
from tasks.decide import waits_for
from tasks.inbox import Inbox, Item
from tasks.rules.routine import is_routine
from tasks.signing import people as verbs
from tasks.signing.emergency import Acted
from tasks.signing.matters import ToConfirmError
from tasks.signing.stepup import where_to_confirm

if TYPE_CHECKING:
    from blocks.slack import SlackDesk

HELP = """*What Almoner does for you*
• `/requisition`: ask for something
• `/almoner inbox`: what waits for you, and what you asked for
• `/almoner status RQ-…`: how a case stands
• `/almoner delegate @colleague until 2026-12-01`: let a colleague decide in your name
• `/almoner away until 2026-12-01`: you are not asked while you are away
• `/almoner back`: end both
• `/almoner reverse RQ-… ENTRY: why`: have a bill's journal entry reversed, once a colleague agrees
• `/almoner emergency`: when nobody who holds a role can be reached: two agree, a third reviews it"""

logger = logging.getLogger("almoner.doors")
_inboxes: WeakKeyDictionary[Ledger, Inbox] = WeakKeyDictionary()


class Who(NamedTuple):
    """Somebody at the door, and the rules they are judged by."""

    by: Person
    rulebook: Rulebook
    at: datetime


async def publish(who: Who, slack_user: str) -> None:
    """Put somebody's inbox on their Home tab."""
    waiting, mine = await _lists(who)
    broken = inbox(connect.ledger()).broken()
    view = home_view(waiting, mine, standing_in(who), who.rulebook.directory.zone, broken)
    await cast("SlackDesk", connect.desk()).publish_home(slack_user, view)


async def read_ahead() -> None:
    """Read the rules and every open case before anybody opens their Home tab.

    Twice, since what was written while it read is noted in the log of heads by then. A store that does not answer, or
    has no rules yet, is asked again when somebody comes.
    """
    open_cases = inbox(connect.ledger())
    try:
        for _ in range(2):
            await open_cases.look(utc_now())
        await connect.shelf().in_force(utc_now())
    except NotFoundError as missing:
        logger.info("nothing is in force yet: %s", missing)
    except OutsideError as error:
        logger.warning("the inbox is read when somebody opens it: %s", error)


async def routine(who: Who) -> tuple[Waiting, ...]:
    """List what somebody may approve together."""
    waiting, _ = await _lists(who)
    return tuple(one for one in waiting if one.routine)[:BULK_MAX]


async def command(text: str, who: Who) -> Said:
    """Do what `/almoner …` says, and return what to tell; a word it does not know is answered with the help."""
    word, _, rest = text.strip().partition(" ")
    try:
        if word == "emergency":
            return await emergency.command(rest, Acted(who.by, "slack", who.rulebook, who.at))
        if word == "reverse":
            return await reversing.command(rest, Acted(who.by, "slack", who.rulebook, who.at))
        return Said(await _command(word, rest, who))
    except ValidationError as error:
        return Said(error.errors()[0]["msg"].removeprefix("Value error, "))
    except (RefusedError, ValueError) as error:
        return Said(str(error.detail if isinstance(error, RefusedError) else error))


async def _command(word: str, rest: str, who: Who) -> str:
    if word == "inbox":
        return await _told(who)
    if word == "status" and rest.strip():
        return await _status(rest.strip(), connect.ledger())
    if word == "delegate":
        return await _delegate(rest, who)
    if word == "away":
        return await _away(rest, who)
    return await _back(who) if word == "back" else HELP


def standing_in(who: Who) -> list[str]:
    """Say who stands in for somebody, for whom they do, and whether they are away."""
    people, duties, zone = who.rulebook.directory, who.rulebook.duties, ZoneInfo(who.rulebook.directory.zone)

    def name(person_id: str) -> str:
        person = people.person(person_id)
        return person.name if person else person_id

    told = []
    for one in duties.delegations:
        if one.holds(who.at) and who.by.id in (one.of, one.to):
            until = f"until {one.until.astimezone(zone):%d %b %H:%M}"
            theirs = f"You stand in for {name(one.of)} {until}"
            told.append(f"{name(one.to)} stands in for you {until}" if one.of == who.by.id else theirs)
    told += [
        f"You are away until {x.until.astimezone(zone):%d %b %H:%M}: `/almoner back` ends it"
        for x in duties.absences
        if x.person == who.by.id and x.holds(who.at)
    ]
    return told


async def _lists(who: Who) -> tuple[list[Waiting], list[Mine]]:
    open_cases = inbox(connect.ledger())
    await open_cases.look(who.at)
    policy = who.rulebook.policy
    waiting = [_waiting(one, is_routine(one.ask, policy), who.at) for one in open_cases.waits_for(*who)]
    mine = []
    for chain in open_cases.asked_by(who.by.id):
        request = chain.lines[0].body["request"]
        stands = f"waits for {on}" if (on := waits_for(chain)) else "under way"
        mine.append(Mine(chain.case, f"{request.get('quantity', '?')} × {request.get('item', '?')}", stands))
    return waiting, mine


def _waiting(item: Item, routine: bool, at: datetime) -> Waiting:
    late = item.due is not None and item.due < at
    return Waiting(item.ask, item.since, item.on_behalf_of, routine, item.due, late)


async def _told(who: Who) -> str:
    waiting, mine = await _lists(who)
    lines = [f"• *{one.ask.case}* {one.ask.quantity} × {one.ask.description}, {one.ask.amount}" for one in waiting]
    asked = [f"• *{one.case}* {one.what}: {one.stands}" for one in mine]
    return "\n".join(
        [
            *([stand_still(broken)] if (broken := inbox(connect.ledger()).broken()) else []),
            f"*Waiting for you ({len(waiting)})*" if waiting else "Nothing waits for you.",
            *lines,
            *(["*You asked for*", *asked] if asked else []),
            *standing_in(who),
        ]
    )


async def _status(case: str, ledger: Ledger) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,127}", case):
        return f"{case} is not the name of a case: it looks like RQ-OKIPKKIRS6."
    chain = await ledger.read(case)
    if not chain.seq:
        return f"There is no case {case}."
    rows = [f"• {row['when']} UTC: {row['what']}" for row in reasons(chain)[-5:]]
    return "\n".join([f"*{case}* {headline(chain).replace('**', '*')}", *rows])


async def _delegate(rest: str, who: Who) -> str:
    found = re.fullmatch(r"\s*<@(\w+)(?:\|[^>]*)?>\s+until\s+(\S+)\s*", rest)
    if not found:
        return "Please write it like this: `/almoner delegate @colleague until 2026-12-01`"
    team, until = who.by.slack_team, _end_of(found[2], who)
    to = who.rulebook.directory.by_slack(team, found[1])
    if to is None:
        return "That colleague is not in the hospital's directory."
    delegation = Delegation(key=verbs.new_key("for"), of=who.by.id, to=to.id, start=who.at, until=until)
    ledger, rulebook = connect.ledger(), who.rulebook
    try:
        await verbs.delegate(delegation, who.by, "slack", ledger=ledger, rulebook=rulebook, at=who.at)
    except ToConfirmError as asked:
        return f"{asked} {where_to_confirm(asked.request)}"
    return f"{to.name} decides in your name to the end of {found[2]}. `/almoner back` ends it."


async def _away(rest: str, who: Who) -> str:
    found = re.fullmatch(r"\s*until\s+(\S+)\s*", rest)
    if not found:
        return "Please write it like this: `/almoner away until 2026-12-01`"
    absence = Absence(key=verbs.new_key("away"), person=who.by.id, start=who.at, until=_end_of(found[1], who))
    await verbs.go_away(absence, who.by, "slack", ledger=connect.ledger(), rulebook=who.rulebook, at=who.at)
    return f"You are not asked to the end of {found[1]}, while somebody else may decide. `/almoner back` ends it."


async def _back(who: Who) -> str:
    duties = who.rulebook.duties
    keys = [one.key for one in duties.delegations if one.of == who.by.id and one.holds(who.at)]
    keys += [one.key for one in duties.absences if one.person == who.by.id and one.holds(who.at)]
    for key in keys:
        await verbs.end(key, who.by, "slack", ledger=connect.ledger(), at=who.at)
    return "Welcome back: nobody stands in for you any more." if keys else "Nobody stands in for you, and you are here."


def _end_of(day: str, who: Who) -> datetime:
    try:
        last = date.fromisoformat(day)
    except ValueError:
        message = f"{day} is not a day: write it like 2026-12-01"
        raise ValueError(message) from None
    zone = ZoneInfo(who.rulebook.directory.zone)
    return datetime.combine(last + timedelta(days=1), time.min, zone).astimezone(UTC)


def inbox(ledger: Ledger) -> Inbox:
    """One inbox a ledger: it remembers what it has read."""
    if ledger not in _inboxes:
        _inboxes[ledger] = Inbox(ledger)
    return _inboxes[ledger]


def said_together(taken: Sequence[tuple[str, str]]) -> str:
    """Tell what became of each of many answers given at once."""
    return "\n".join(f"• {case}: {text}" for case, text in taken)
