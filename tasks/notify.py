"""Telling people."""

from blocks import connect
from blocks.records.approval import Posted
from blocks.records.outcome import Outcome
from blocks.records.purchasing import Requisition
from blocks.wire.cards import told_card
from tasks.case import current
from tasks.durable import step
from tasks.policy import rules_in_force


@step
async def tell_requester(request: Requisition, outcome: Outcome) -> Posted | None:
    """Tell the requester how it ended; None where Slack does not know them."""
    person = (await rules_in_force()).directory.person(request.requester)
    if person is None or not person.slack_user:
        return None
    card = told_card(current().id, f"{request.quantity} x {request.item}", outcome)
    return await connect.desk().tell(person.slack_user, card)
