"""Emergency access in Slack: who may agree sees who needs what, until when and why; and who reviews it afterwards."""

from datetime import datetime

from blocks.books import DUTIES
from blocks.ports import Card
from blocks.records.people import EVERYWHERE, Directory, EmergencyAccess, EmergencyAsk
from blocks.wire.blockkit import TEXT_MAX, button, context, header, section
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import escape, moment, spoken

AGREE = "emergency-agree"


def emergency_card(asked: EmergencyAsk, directory: Directory, to: str) -> Card:
    """Draw what somebody is asked to agree to."""
    name, by = _name(asked.person, directory), _name(asked.asked_by, directory)
    who = f"*{escape(name)}* needs to decide as *{spoken(asked.role)}* of {_where(asked)}"
    limit = f", up to {asked.limit}" if asked.limit else ""
    until = f"until {moment(asked.until, directory.zone)}{limit}"
    asks = "" if asked.asked_by == asked.person else f" {escape(by)} asks for it."
    blocks = [
        header(f"Emergency access: {name}"[:150]),
        section(f"🚨 {who}, {until}.{asks}\n> {escape(asked.reason)}"),
        context("It is in force once two have agreed. A third person reviews everything that was decided by it."),
        {"type": "actions", "block_id": "emergency", "elements": [agree_button(asked)]},
    ]
    text = f"Emergency: {name} needs to decide as {spoken(asked.role)} of {_where(asked)}{limit}. {asked.reason}"
    return Card(blocks, text[:TEXT_MAX], f"emergency/{asked.key}/{to}")


def agree_button(asked: EmergencyAsk) -> dict[str, object]:
    """Draw the button that says yes to what is shown; it carries the digest of that."""
    return button(AGREE, "I agree", f"{DUTIES}/{asked.key}/{digest(canonical(asked))}", style="primary")


def review_words(access: EmergencyAccess, directory: Directory, due: datetime) -> str:
    """Tell who may review it that it is over."""
    asked = access.asked
    names, name = " and ".join(one.name for one in access.granted), escape(_name(asked.person, directory))
    return (
        f"🔎 *Emergency access is to be reviewed*: {name} was {spoken(asked.role)} of {_where(asked)} "
        f"until {moment(access.over, directory.zone)}, granted by {escape(names)}.\n"
        f"> {escape(asked.reason)}\n"
        f"Please look at what was decided by it until {moment(due, directory.zone)}: "
        f"`almoner people emergency review {asked.key}`"
    )


def _where(asked: EmergencyAsk) -> str:
    return "all cost centres" if EVERYWHERE in asked.cost_centres else escape(", ".join(asked.cost_centres))


def _name(person: str, directory: Directory) -> str:
    found = directory.person(person)
    return found.name if found else person
