"""Emergency access in Slack: who may agree sees who needs what, until when and why; then what became of it.

Whoever gets it is told what they may do by it, and who reviews it that it is over.
"""

from datetime import datetime

from blocks.books import DUTIES
from blocks.ports import Card
from blocks.records.people import EVERYWHERE, Directory, EmergencyAccess, EmergencyAsk
from blocks.wire.blockkit import TEXT_MAX, button, context, header, section
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import escape, moment, spoken

AGREE = "emergency-agree"
THIRD = "A third person reviews everything that is decided by it."


def emergency_card(access: EmergencyAccess, directory: Directory, to: str, at: datetime) -> Card:
    """Draw for one of those who may agree how it stands: with a button while their word is wanted."""
    asked, zone = access.asked, directory.zone
    name, by = _name(asked.person, directory), _name(asked.asked_by, directory)
    needs = "needs" if at < access.over else "needed"
    who = f"*{escape(name)}* {needs} to decide as *{spoken(asked.role)}* of {_where(asked)}"
    limit = f", up to {asked.limit}" if asked.limit else ""
    until = f"until {moment(asked.until, zone)}{limit}"
    asks = "" if asked.asked_by == asked.person else f" {escape(by)} asks for it."
    stands, said = _stands(access, to, at, zone)
    blocks = [
        header(f"Emergency access: {name}"),
        section(f"🚨 {who}, {until}.{asks}\n> {escape(asked.reason)}"),
        *([section(stands)] if stands else []),
        context(f"{asked.key} · {'' if access.since else 'It is in force once two have agreed. '}{THIRD}"),
    ]
    if access.since is None and at < access.over and to not in _agreed(access):
        blocks.append({"type": "actions", "block_id": "emergency", "elements": [agree_button(asked)]})
    text = f"Emergency: {name} {needs} to decide as {spoken(asked.role)} of {_where(asked)}{limit}."
    return Card(
        blocks, f"{text} {asked.reason.removesuffix('.')}. {said}".strip()[:TEXT_MAX], f"emergency/{asked.key}/{to}"
    )


def holder_card(access: EmergencyAccess, directory: Directory, to: str, at: datetime) -> Card:
    """Draw for whoever gets it, or asked for it, what may be decided by it, or that it is over."""
    asked, zone = access.asked, directory.zone
    mine = asked.person == to
    who = "You" if mine else _name(asked.person, directory)
    limit = f", up to {asked.limit}" if asked.limit else ""
    role = f"{spoken(asked.role)} of {_where(asked)}{limit}"
    names = _names(access)
    if at >= access.over:
        line = f"⏹️ *Emergency access is over* since {moment(access.over, zone)}: {role}."
        text = f"Emergency access is over: {role}."
    else:
        line = f"✅ *{escape(who)} may decide* as *{role}* until {moment(access.over, zone)}.\n> {escape(asked.reason)}"
        text = f"{who} may decide as {role} in an emergency: {names} have agreed."
    end = f" No longer needed? `/almoner emergency end {asked.key}`" if at < access.over else ""
    blocks = [section(line), context(f"{escape(names)} have agreed. {THIRD}{end}")]
    return Card(blocks, text[:TEXT_MAX], f"emergency/{asked.key}/held/{to}")


def agree_button(asked: EmergencyAsk) -> dict[str, object]:
    """Draw the button that says yes to what is shown; it carries the digest of that."""
    return button(AGREE, "I agree", f"{DUTIES}/{asked.key}/{digest(canonical(asked))}", style="primary")


def review_words(access: EmergencyAccess, directory: Directory, due: datetime) -> str:
    """Tell who may review it that it is over."""
    asked, name = access.asked, escape(_name(access.asked.person, directory))
    return (
        f"🔎 *Emergency access is to be reviewed*: {name} was {spoken(asked.role)} of {_where(asked)} "
        f"until {moment(access.over, directory.zone)}, granted by {escape(_names(access))}.\n"
        f"> {escape(asked.reason)}\n"
        f"Please look at what was decided by it until {moment(due, directory.zone)}: "
        f"`/almoner emergency review {asked.key}`"
    )


def _stands(access: EmergencyAccess, to: str, at: datetime, zone: str) -> tuple[str, str]:
    """Say how it stands, to be shown and to be read out; nothing where nobody has agreed yet."""
    over, when = at >= access.over, moment(access.over, zone)
    names = _names(access)
    if review := access.review:
        done = f"{review.verdict.capitalize()} by {review.name}"
        return f"🔎 *{escape(done)}* {moment(review.at, zone)}\n> {escape(review.words)}", f"{done}: {review.words}"
    if over and access.since is None:
        return (
            f"⏹️ *Over* {when}: two had not agreed, so nothing was decided by it.",
            "It is over; it was never in force.",
        )
    if over:
        return f"⏹️ *Over* {when}. What was decided by it is to be reviewed.", "It is over, and is to be reviewed."
    if access.since:
        end = f"To end it sooner: `/almoner emergency end {access.asked.key}`"
        return f"✅ *In force* until {when}: {escape(names)} have agreed. {end}", f"In force: {names} have agreed."
    if not access.granted:
        return "", ""
    who = "You have" if to in _agreed(access) else f"{names} has"
    return f"☑️ {escape(who)} agreed. A second person has to.", f"{who} agreed. A second person has to."


def _agreed(access: EmergencyAccess) -> frozenset[str]:
    return frozenset(one.by for one in access.granted)


def _names(access: EmergencyAccess) -> str:
    return " and ".join(one.name for one in access.granted)


def _where(asked: EmergencyAsk) -> str:
    return "all cost centres" if EVERYWHERE in asked.cost_centres else escape(", ".join(asked.cost_centres))


def _name(person: str, directory: Directory) -> str:
    found = directory.person(person)
    return found.name if found else person
