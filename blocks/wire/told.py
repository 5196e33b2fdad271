"""The message that tells a requester how theirs ended, and the way to take back what was bought."""

from typing import Any

from blocks.ports import Card
from blocks.records.outcome import Outcome
from blocks.wire.blockkit import TEXT_MAX, button, context, section
from blocks.wire.cards import MARKS, Pressed, escape
from blocks.wire.modals import NOTE, NOTE_MAX, field, modal, text_input

CANCEL = "cancel"
BOUGHT = frozenset({"ordered", "filled"})


def told_card(case: str, what: str, outcome: Outcome, nth: int = 0) -> Card:
    """Draw how a requisition ended; *nth* counts the ends before this one, as when an order was taken back."""
    head = f"{MARKS[outcome.ended]} *{case}* {outcome.ended}: {escape(what)}"
    text = f"{case} {outcome.ended}: {what}. {outcome.because}"
    blocks = [section(head), context(escape(outcome.because))]
    if outcome.ended in BOUGHT and not nth:
        take_back = button(CANCEL, "Cancel it…", "/".join(Pressed(case, CANCEL, "0")))
        blocks.append({"type": "actions", "block_id": "bought", "elements": [take_back]})
    return Card(blocks, text[:TEXT_MAX], f"{case}/told-{nth}" if nth else f"{case}/told")


def cancel_modal(pressed: Pressed) -> dict[str, Any]:
    """Ask why it is wanted no more."""
    hint = "Only before goods have arrived or left. The ledger keeps what you write. No patient's name, please."
    body = [field(NOTE, "Why is it wanted no more?", text_input(multiline=True, max_length=NOTE_MAX), hint)]
    return modal(CANCEL, f"Cancel {pressed.case}"[:24], "Cancel it", body, "/".join(pressed))
