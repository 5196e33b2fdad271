"""The card of a journal entry that somebody wants reversed: what it books, why it is wrong, and who has to agree."""

from datetime import datetime
from typing import Any, NamedTuple

from blocks.ports import Card
from blocks.records.people import Person
from blocks.wire.blockkit import TEXT_MAX, button, context, header, mrkdwn, plain, section
from blocks.wire.cards import WHO_MAX, Pressed, escape, moment

AGREE = "reversal-agree"
TWO = "Nobody corrects the books alone: one asks, another agrees."


class Word(NamedTuple):
    """Who said something, and when."""

    by: str
    at: datetime


class Reversal(NamedTuple):
    """A journal entry that somebody wants reversed, and what has come of that."""

    case: str
    nth: int
    """Which asking of the case it is, from 1."""
    entry: str
    books: str
    """What the entry books, in the ERP's words: amount, day, order."""
    also: tuple[str, ...]
    """Further orders that its bill is for."""
    centre: str
    asked: Word
    because: str
    agreed: Word | None = None
    mirror: str = ""
    """The number of what reverses it."""
    refused: str = ""
    """Why the ERP did not."""

    @property
    def pressed(self) -> Pressed:
        """What its button carries: which asking it is, as an entry's number may hold anything."""
        return Pressed(self.case, "reversal", str(self.nth))


def reversal_card(one: Reversal, people: tuple[Person, ...], zone: str) -> Card:
    """Draw how it stands; with a button for those *people* who may agree, until one has."""
    head, text = _head(one)
    fields = [
        ("It books", escape(one.books)),
        ("For", escape(one.centre)),
        ("Asked", f"{escape(one.asked.by)}, {moment(one.asked.at, zone)}"),
    ]
    if one.agreed:
        fields.append(("Agreed", f"{escape(one.agreed.by)}, {moment(one.agreed.at, zone)}"))
    if one.mirror:
        fields.append(("Reversed by", escape(f"journal entry {one.mirror}")))
    if one.also:
        fields.append(("Its bill is also for", escape(f"order {', '.join(one.also)}")))
    grid = {"type": "section", "fields": [mrkdwn(f"*{name}*\n{value}"[:2000]) for name, value in fields]}
    blocks = [header(head), grid, section(_quoted(one.because))]
    if one.refused:
        blocks.append(section(f"The ERP says: {escape(one.refused)}"))
    if not one.agreed:
        blocks += [section(_request(people)), _answer(one)]
    blocks.append(context(f"{one.case} · {TWO}"))
    spoken = f"{text} {one.asked.by} asked for it: {one.because}"
    return Card(blocks, spoken[:TEXT_MAX], f"{one.case}/reversal-{one.nth}")


def _quoted(text: str) -> str:
    """Quote every line: one that stood by itself would read as ours."""
    return "\n".join(f"> {line}" for line in escape(text).splitlines())


def _head(one: Reversal) -> tuple[str, str]:
    """Say how it stands, for the eye and for the ear."""
    if one.refused:
        return f"⛔ Not reversed: journal entry {one.entry}", f"{one.entry} was not reversed: {one.refused}."
    if one.mirror:
        return f"✅ Reversed: journal entry {one.entry}", f"{one.entry} was reversed by {one.mirror}."
    if one.agreed:
        return f"☑️ Being reversed: journal entry {one.entry}", f"{one.agreed.by} agreed: {one.entry} is being reversed."
    return f"↩️ Reverse journal entry {one.entry}?", f"Reverse journal entry {one.entry} ({one.books})? Do you agree?"


def _request(people: tuple[Person, ...]) -> str:
    who = ", ".join(f"<@{one.slack_user}>" if one.slack_user else escape(one.name) for one in people[:WHO_MAX])
    asks = f"{who}: do you agree?" if who else "Nobody may agree: the directory must name somebody else."
    return f"{asks} The ERP then posts a reversing entry, dated today if the period is closed, and cancels the bill."


def _answer(one: Reversal) -> dict[str, Any]:
    sure = {
        "title": plain("Reverse it?"),
        "text": plain(f"Journal entry {one.entry} is reversed in the ERP, and its bill is cancelled."[:300]),
        "confirm": plain("I agree"),
        "deny": plain("Not yet"),
    }
    agree = button(AGREE, "I agree…", "/".join(one.pressed), style="primary", confirm=sure)
    return {"type": "actions", "block_id": "reversal", "elements": [agree]}
