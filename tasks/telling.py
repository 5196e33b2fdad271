"""Telling: what is said in a card's thread, and to a colleague, once something was done with a request. No Prefect."""

from typing import Protocol

from blocks.errors import RefusedError
from blocks.ports import Desk
from blocks.records.approval import Ask, Posted
from blocks.records.ledger import Line
from blocks.records.people import Directory
from blocks.wire.cards import escape, said_card

SAID = {
    "handed": "*{by}* handed this over to *{name}*. Anybody else who may can still decide.",
    "added": "*{by}* added *{name}*, who is asked after everybody whom policy names.",
    "held-ask": "*{name}* put this on hold: {because}",
    "resumed": "*{name}* resumed this: it waits for an answer again.",
    "withdrawn": "*{name}* withdrew this. Nothing is ordered.",
}


class Room(Desk, Protocol):
    """A desk that can say where a card is to be found."""

    async def link(self, posted: Posted) -> str:
        """Name the address of a message."""
        ...


async def say_in_thread(line: Line, posted: Posted, desk: Desk) -> None:
    """Say under a card what somebody did with its request."""
    body = {name: escape(str(value)) for name, value in line.body.items()}
    await desk.say(posted, SAID[line.act].format(**body))


async def tell_colleague(ask: Ask, line: Line, posted: Posted | None, desk: Room, directory: Directory) -> None:
    """Tell a colleague that somebody hands a request over to them, with the way to its card."""
    to = line.body["to"]
    person = directory.person(to)
    if person is None or not person.slack_user:
        return
    link = ""
    if posted:
        try:
            link = f" <{await desk.link(posted)}|Open the card>"
        except RefusedError:  # a card that was deleted is found by its case's name
            link = ""
    what = f"{ask.quantity:,} × {escape(ask.description)} — {ask.amount}"
    text = f"*{escape(line.body['by'])}* hands *{ask.case}* over to you: {what}.{link}"
    await desk.tell(person.slack_user, said_card(f"{ask.case}/handed/{to}", text))
