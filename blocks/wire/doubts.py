"""The card of an effect in doubt: both sides of the story, and the three things that a person can say of it."""

from datetime import datetime
from typing import Any, Literal, NamedTuple

from blocks.ports import Card
from blocks.records.people import Person
from blocks.wire.blockkit import TEXT_MAX, button, context, header, mrkdwn, plain, section
from blocks.wire.cards import WHO_MAX, Pressed, escape, moment
from blocks.wire.modals import NOTE, NOTE_MAX, field, modal, text_input
from blocks.wire.names import reference

MADE, NOT_MADE, GIVE_UP = "doubt-made", "doubt-not-made", "doubt-give-up"
NUMBER = "number"
Said = Literal["made", "not-made", "given-up"]
MARKS = {"made": "✅", "not-made": "🔁", "given-up": "🚫"}


class Doubt(NamedTuple):
    """An effect of which nobody can say whether it happened: what we meant, what we heard, and when."""

    case: str
    key: str
    nth: int
    """How often the case has been in doubt by now: a card of an earlier time is over."""
    effect: str
    meant: str
    centre: str
    intended: datetime
    tried: int
    heard: str
    heard_at: datetime
    look_after: datetime
    """From when on what was sent shows in the ERP, if it was made."""

    @property
    def pressed(self) -> Pressed:
        """What its buttons carry."""
        return Pressed(self.case, self.key, str(self.nth))

    @property
    def message(self) -> str:
        """Name its message, so that it can be found before it is posted again."""
        return f"{self.case}/doubt-{self.nth}"


class Word(NamedTuple):
    """What somebody said of it, and when."""

    said: Said
    by: str
    at: datetime
    number: str = ""
    because: str = ""


def doubt_card(doubt: Doubt, people: tuple[Person, ...], zone: str) -> Card:
    """Draw the question, with its three answers."""
    who = ", ".join(f"<@{one.slack_user}>" if one.slack_user else escape(one.name) for one in people[:WHO_MAX])
    ask = f"{who}: " if who else ""
    ask += f"please look in the ERP for the reference `{reference(doubt.key)}`, then say what you found.\n"
    ask += f"Look {moment(doubt.look_after, zone)} or later: until then it may still be made."
    quiet = f"Nothing is sent again until somebody says so. {doubt.case}"
    text = (
        f"In doubt: was the {doubt.effect} of {doubt.meant} made? We heard: {doubt.heard}. "
        f"Look in the ERP for {reference(doubt.key)}, then say what you found."
    )
    return Card([*_story(doubt, zone), section(ask), _answers(doubt), context(quiet)], text[:TEXT_MAX], doubt.message)


def settled_card(doubt: Doubt, word: Word, zone: str) -> Card:
    """Draw the locked card: what was said of it, by whom."""
    done = {
        "made": f"It was made, as {word.number}",
        "not-made": "It was not made, and is tried again",
        "given-up": "Given up",
    }[word.said]
    line = f"{MARKS[word.said]} *{escape(done)}*, says {escape(word.by)} {moment(word.at, zone)}"
    if word.because:
        line += f"\n> {escape(word.because)}"
    text = f"{doubt.effect.capitalize()} of {doubt.meant}: {done}, says {word.by}. {word.because}".strip()
    blocks = [*_story(doubt, zone, head=f"No longer in doubt: the {doubt.effect}"), section(line), context(doubt.case)]
    return Card(blocks, text[:TEXT_MAX], doubt.message)


def made_modal(pressed: Pressed) -> dict[str, Any]:
    """Ask for the number of what was made."""
    hint = "As it stands in the ERP. Where the ERP can be asked, it has the last word."
    body = [field(NUMBER, "Its number", text_input(placeholder="4711", max_length=40), hint)]
    return modal(MADE, "It was made", "Take it over", body, "/".join(pressed))


def give_up_modal(pressed: Pressed) -> dict[str, Any]:
    """Ask why it is given up."""
    hint = "The requester reads this. Make sure that nothing stands in the ERP. No patient's name, please."
    body = [field(NOTE, "Why?", text_input(multiline=True, max_length=NOTE_MAX), hint)]
    return modal(GIVE_UP, "Give it up", "Give up", body, "/".join(pressed))


def _story(doubt: Doubt, zone: str, head: str = "") -> list[dict[str, Any]]:
    tried = "once" if doubt.tried == 1 else f"{doubt.tried} times"
    fields = [
        ("What we meant", f"{escape(doubt.effect)} of {escape(doubt.meant)}, for {escape(doubt.centre)}"),
        ("What we heard", escape(doubt.heard)),
        ("Meant", moment(doubt.intended, zone)),
        ("Heard", f"{moment(doubt.heard_at, zone)}, tried {tried}"),
    ]
    grid = {"type": "section", "fields": [mrkdwn(f"*{name}*\n{value}"[:2000]) for name, value in fields]}
    return [header(head or f"❓ In doubt: was the {doubt.effect} made?"), grid]


def _answers(doubt: Doubt) -> dict[str, Any]:
    value = "/".join(doubt.pressed)
    sure = {
        "title": plain("It was not made?"),
        "text": plain("You have looked: nothing stands in the ERP under this reference. It is sent once more."),
        "confirm": plain("Try again"),
        "deny": plain("Not yet"),
    }
    elements = [
        button(MADE, "It was made…", value, style="primary"),
        button(NOT_MADE, "It was not made…", value, confirm=sure),
        button(GIVE_UP, "Give it up…", value, style="danger"),
    ]
    return {"type": "actions", "block_id": "doubt", "elements": elements}
