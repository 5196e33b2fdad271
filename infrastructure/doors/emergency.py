"""Emergency access in Slack: asked for and ended by `/almoner emergency`, agreed to by a button or the command."""

import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from blocks import connect
from blocks.books import DUTIES
from blocks.errors import RefusedError
from blocks.records.money import Money
from blocks.records.passkeys import Confirmation
from blocks.records.people import Directory, EmergencyAccess, EmergencyAsk, Review
from blocks.wire.cards import Pressed, escape, said_card
from infrastructure.doors.clicks import DOOR, Click
from infrastructure.doors.http import Response, Said
from tasks.case import utc_now
from tasks.rules.emergency import names, who_may_agree
from tasks.signing import emergency as verbs
from tasks.signing.emergency import Acted
from tasks.signing.emergency_telling import tell_granters, tell_how_it_stands
from tasks.signing.matters import ToConfirmError
from tasks.signing.stepup import where_to_confirm

if TYPE_CHECKING:
    from blocks.slack import SlackDesk

HOW = """Please write it like one of these:
• `/almoner emergency ask department-manager of OR for 8 hours: why it cannot wait`
• `/almoner emergency ask @colleague department-manager of OR for 8 hours up to 5000: why it cannot wait`
• `/almoner emergency agree em-…`, `/almoner emergency end em-…`, `/almoner emergency list`
• `/almoner emergency review em-…`: what was decided by it; then `accept em-…: what you found` or `object em-…: why`"""
SAY = re.compile(r"(?P<verdict>accept|object)\s+(?P<key>[\w-]+)\s*:\s*(?P<words>.+)", re.DOTALL)
ASK = re.compile(
    r"ask\s+(?:<@(?P<who>\w+)(?:\|[^>]*)?>\s+)?(?P<role>[a-z-]+)\s+of\s+(?P<centres>[\w.,* -]+?)"
    r"\s+for\s+(?P<hours>\d{1,2}(?:\.\d)?)\s*h(?:ours?)?(?:\s+up\s+to\s+(?P<limit>[\d,]*\d(?:\.\d{1,2})?))?\s*:\s*(?P<why>.+)",
    re.DOTALL,
)


async def command(rest: str, who: Acted) -> Said:
    """Do what `/almoner emergency …` says; return what to tell, and whom to tell of it after that."""
    word, _, key = (part.strip() for part in rest.strip().partition(" "))
    if asked := ASK.fullmatch(rest.strip()):
        return await _ask(asked, who)
    if word == "agree" and key:
        return await agreed(key, "", who)
    if word == "end" and key:
        return await _ended(key, who)
    if word == "review" and key:
        return await _to_review(key, who)
    if found := SAY.fullmatch(rest.strip()):
        return await _reviewed(found, who)
    return Said(_listed(who) if word == "list" else HOW)


async def agreed(key: str, shown: str, who: Acted) -> Said:
    """Take somebody's word, and say how it stands; where it takes a passkey, with the link to sign it."""
    try:
        access = await verbs.agree(key, shown, who, connect.ledger())
    except ToConfirmError as asked:
        return Said(f"{asked} {where_to_confirm(asked.request)}")
    except RefusedError as refusal:
        return Said(f"You cannot agree: {refusal.detail}.")
    return _said(verbs.said(access, who.rulebook), access, who)


async def tell(signed: Confirmation) -> None:
    """Tell how it stands, once somebody's word was signed on our page."""
    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    access = verbs.find(await connect.ledger().read(DUTIES), signed.ask, rulebook)
    await tell_how_it_stands(access, rulebook, now, connect.desk())


async def pressed(what: Pressed, click: Click) -> Response:
    """Take a press on a card that asks for somebody's word."""
    said = await agreed(what.ask, what.shown, Acted(click.by, DOOR, click.rulebook, click.at))

    async def whisper() -> None:
        await cast("SlackDesk", connect.desk()).whisper(click.channel, click.slack_user, said.text)

    return Response(then=(whisper, *said.then))


async def _ask(found: re.Match[str], who: Acted) -> Said:
    by, directory = who.by, who.rulebook.directory
    person = directory.by_slack(by.slack_team, found["who"]) if by and found["who"] else by
    if by is None or person is None:
        return Said("That colleague is not in the hospital's directory.")
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
        return Said(f"{'.'.join(str(part) for part in one['loc']) or 'hours'}: {one['msg']}")
    access = await verbs.ask(asked, who, connect.ledger())
    names = ", ".join(one.name for one in who_may_agree(access, who.rulebook, who.at)) or "nobody"

    async def ask_them() -> None:
        await tell_granters(access, who.rulebook, who.at, connect.desk())

    text = f"🚨 Asked for as *{asked.key}*. It is in force once two of these have agreed: {names}."
    return Said(text, (ask_them,))


async def _ended(key: str, who: Acted) -> Said:
    access = await verbs.end(key, who, connect.ledger())
    if access.since is None:
        return _said("It has ended. It was never in force, so nothing was decided by it.", access, who)
    return _said("It has ended. What was decided by it counts, and is to be reviewed.", access, who)


async def _to_review(key: str, who: Acted) -> Said:
    """Say at once that it is being looked for: to read every case takes longer than Slack waits."""
    ledger = connect.ledger()
    access = verbs.find(await ledger.read(DUTIES), key, who.rulebook)

    async def show() -> None:
        under = await verbs.decided_under(key, ledger)
        if who.by and who.by.slack_user:
            card = said_card(f"emergency/{who.by.id}/{secrets.token_hex(6)}", _decisions(access, under, who))
            await connect.desk().tell(who.by.slack_user, card)
            await verbs.note_shown(key, under, who, ledger)

    return Said(f"Looking at all that was decided by {key}: you get it as a message.", (show,))


def _decisions(access: EmergencyAccess, under: tuple[verbs.Under, ...], who: Acted) -> str:
    """Tell all that was decided under it, from the chains themselves."""
    key, zone, told = access.asked.key, ZoneInfo(who.rulebook.directory.zone), list[str]()
    for case, one in ((x.case, x.decision) for x in under):
        note = f": {escape(one.note)}" if one.note else ""
        told.append(f"• *{case}* {one.done} by {escape(one.name)}, {one.at.astimezone(zone):%d %b %H:%M}{note}")
    name = _name(access.asked.person, who.rulebook.directory)
    head = f"🔎 *{key}*: {escape(name)} as {access.asked.role}\n> {escape(access.asked.reason)}"
    say = f"`/almoner emergency accept {key}: what you found`, or `/almoner emergency object {key}: why`"
    return "\n".join([head, *(told or ["Nothing was decided by it."]), say])


async def _reviewed(found: re.Match[str], who: Acted) -> Said:
    key, ledger = found["key"], connect.ledger()
    assert who.by is not None  # noqa: S101  `/almoner` answers nobody else
    verdict = "accepted" if found["verdict"] == "accept" else "objected"
    told = {"by": who.by.id, "name": who.by.name, "at": who.at, "verdict": verdict, "words": found["words"].strip()}
    review = Review.model_validate(told)
    access = await verbs.review(key, review, await verbs.shown_to(key, who, ledger), who, ledger)
    return _said(f"Noted: you have {review.done} {key}.", access, who)


def _said(text: str, access: EmergencyAccess, who: Acted) -> Said:
    async def draw() -> None:
        await tell_how_it_stands(access, who.rulebook, who.at, connect.desk())

    return Said(text, (draw,))


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
        if one.review or one.ended or who.at >= one.over:
            continue
        until = one.asked.until.astimezone(ZoneInfo(directory.zone))
        stands = f"in force, granted by {names(one)}" if one.holds(who.at) else f"{len(one.granted)} of 2 have agreed"
        name = _name(one.asked.person, directory)
        told.append(f"• *{one.asked.key}* {name} as {one.asked.role} until {until:%d %b %H:%M}: {stands}")
    return "\n".join(told) or "There is no emergency access just now."


def _name(person: str, directory: Directory) -> str:
    found = directory.person(person)
    return found.name if found else person
