"""Telling people."""

import logging

from blocks import connect
from blocks.errors import RefusedError
from blocks.records.approval import Posted
from blocks.records.outcome import Outcome
from blocks.records.purchasing import Requisition
from blocks.wire.told import told_card
from tasks.case import current
from tasks.durable import step
from tasks.policy import rules_in_force
from tasks.reversing import draw_reversal

logger = logging.getLogger("almoner.notify")


@step
async def show_reversal(entry: str, nth: int) -> str:  # noqa: ARG001  each of a case is shown once
    """Let the card on which a reversal was agreed say what came of it; return why it does not, or nothing."""
    case, rules = current(), await rules_in_force()
    try:
        await draw_reversal(case.chain, entry, rules, case.clock())
    except RefusedError as refusal:  # somebody deleted the card: the ledger has it all the same
        logger.warning("%s: the card of the reversal does not say how it ended, %s", case.id, refusal)
        return refusal.detail
    return ""


@step
async def tell_requester(request: Requisition, outcome: Outcome) -> Posted | None:
    """Tell the requester how it ended; None where Slack does not know them, or not any more."""
    person = (await rules_in_force()).directory.person(request.requester)
    if person is None or not person.slack_user:
        return None
    got = outcome.quantity or request.quantity
    what = f"{got} x {request.item}" + (f" ({request.quantity} asked for)" if got != request.quantity else "")
    card = told_card(current().id, what, outcome, nth=len(current().chain.having("ended")))
    # An earlier run may have come this far and told them; of what ends without a document its entries do not say so.
    told_before = "outcome" in current().began_with or not outcome.document
    try:
        return await connect.desk().tell(person.slack_user, card, maybe_posted=told_before)
    except RefusedError as refusal:  # a case ends even when nobody is there to hear how
        logger.warning("%s could not be told: %s", person.name, refusal)
        return None
