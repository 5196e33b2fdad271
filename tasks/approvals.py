"""Approvals: ask, sleep, be rung, read the ledger."""

from blocks import connect
from blocks.errors import RefusedError
from blocks.records.approval import Ask, Decision, Posted
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import ask_card
from tasks.case import Case, current
from tasks.decide import decision_of, decisions_of
from tasks.durable import sleep_until_rung, step
from tasks.rules.authority import reason_to_void, who_may


class VoidDecisionError(Exception):
    """The ledger holds an answer that the door should never have let in."""


class CannotAskError(Exception):
    """The place where people are asked will not take the card: an admin must look; the request is not refused."""


async def decision_on(ask: Ask) -> Decision:
    """Return the answer to *ask* that counts, letting the case sleep until there is one.

    To wake the case is only to ring its bell: the answer is read from the ledger, where the decision
    function alone writes it. So a Resume clicked in the dashboard, a second click, or a click on
    yesterday's card decides nothing. Call it from a process, not from a step.
    """
    case = current()
    decision = decision_of(case.chain, ask.key)
    if decision is None:
        await _put(case, ask)
        await sleep_until_rung(f"{ask.role} of {ask.cost_centre}")
        raise AssertionError
    await _assert_counts(case, ask, decision)
    return decision


async def _put(case: Case, ask: Ask) -> None:
    """Put the question into the ledger, then the card in front of the people. Either is done once."""
    text = canonical(ask)
    asked = case.recall("asked", ask.key)
    if asked is None:
        await case.ledger.keep(text)
        body = {"ask": ask.model_dump(mode="json"), "run": case.run}
        case.note("asked", ask.key, seen=digest(text), policy=ask.policy, body=body)
        await case.write()
    if not case.recall("posted", ask.key):
        posted = await post_card(ask, asked is not None)
        case.note("posted", ask.key, body=posted.model_dump(mode="json"))


@step
async def post_card(ask: Ask, maybe_posted: bool) -> Posted:
    """Put the card where those who may decide will see it; `CannotAskError` where that place will not take it."""
    rulebook = await connect.shelf().in_force(current().clock().date())
    people = who_may(rulebook.directory, ask.role, ask.cost_centre, ask.counted, requester=ask.requester)
    card = ask_card(ask, people)
    try:
        return await connect.desk().post(connect.channel(), card, maybe_posted=maybe_posted)
    except RefusedError as refusal:  # a business answer from an ERP; from a desk it answers nothing
        message = f"{ask.case} {ask.key}: nobody can be asked, {refusal}"
        raise CannotAskError(message) from refusal


async def _assert_counts(case: Case, ask: Ask, decision: Decision) -> None:
    """Check on the way out what the door checked on the way in, by the directory it was checked against."""
    directory = await connect.shelf().directory(decision.directory)
    earlier = tuple(one for one in decisions_of(case.chain) if one.at < decision.at)
    reason = reason_to_void(ask, directory.person(decision.by), earlier)
    if decision.shown != digest(canonical(ask)):
        reason = "what was shown is not what is asked"
    if reason:
        message = f"{case.id} {ask.key}: the answer of {decision.by} does not count: {reason}"
        raise VoidDecisionError(message)
