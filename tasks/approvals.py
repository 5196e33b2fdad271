"""Approvals: ask, sleep, be rung, read the ledger."""

import logging

from blocks import connect
from blocks.errors import RefusedError
from blocks.keyring import enrolled
from blocks.proofs import reason_unproven
from blocks.records.approval import Ask, Decision, Posted
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import ask_card, decided_card
from tasks.case import Case, current
from tasks.decide import decision_of, decisions_of
from tasks.durable import patiently, sleep_until_rung, step
from tasks.rules.authority import reason_to_void, who_can

logger = logging.getLogger("almoner.approvals")


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
        await lock_cards()
        await sleep_until_rung(f"{ask.role} of {ask.cost_centre}")
        raise AssertionError
    await _assert_counts(case, ask, decision)
    return decision


async def lock_cards() -> None:
    """Let each card that was answered show the answer, once: Slack's door draws it at the click, if it lives to.

    Call it when nothing waits for it any more. Not a step: to show it in the dashboard would cost more than to do it.
    """
    case = current()
    for asked in case.chain.having("asked"):
        decision = decision_of(case.chain, asked.key)
        if decision and not case.recall("drawn", asked.key):
            refused = await patiently(_lock)(case, Ask.model_validate(asked.body["ask"]), decision)
            case.note("drawn", asked.key, body={"refused": refused} if refused else None)


async def _lock(case: Case, ask: Ask, decision: Decision) -> str | None:
    """Draw a card with its answer; return why where the desk will not, as when somebody deleted it."""
    card, posted = decided_card(ask, decision, case.zone), case.recall("posted", ask.key)
    try:
        if posted:
            where = Posted.model_validate(posted.body)
        else:  # whoever posted it died before it was noted where it stands
            where = await connect.desk().post(connect.channel(), card, maybe_posted=True)
        await connect.desk().redraw(where, card)
    except RefusedError as refusal:
        logger.warning("%s %s: the card still asks, %s", case.id, ask.key, refusal)
        return refusal.detail
    return None


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
    now = current().clock()
    rulebook = await connect.shelf().in_force(now.date())
    able = who_can(ask, rulebook.directory, rulebook.duties, now)
    card = ask_card(ask, tuple(one.by for one in able), {one.by.id: one.of.name for one in able if one.of})
    try:
        return await connect.desk().post(connect.channel(), card, maybe_posted=maybe_posted)
    except RefusedError as refusal:  # a business answer from an ERP; from a desk it answers nothing
        message = f"{ask.case} {ask.key}: nobody can be asked, {refusal}"
        raise CannotAskError(message) from refusal


async def _assert_counts(case: Case, ask: Ask, decision: Decision) -> None:
    """Check on the way out what the door checked on the way in, by the directory it was checked against."""
    shelf = connect.shelf()
    directory, duties = await shelf.directory(decision.directory), await shelf.duties(decision.duties)
    earlier = tuple(one for one in decisions_of(case.chain) if one.at < decision.at)
    reason = reason_to_void(ask, directory.person(decision.by), earlier, directory, duties, decision.at)
    if decision.shown != digest(canonical(ask)):
        reason = "what was shown is not what is asked"
    keys = await enrolled(case.ledger, decision.passkeys)
    reason = reason or reason_unproven(ask, decision, keys)
    if reason:
        message = f"{case.id} {ask.key}: the answer of {decision.by} does not count: {reason}"
        raise VoidDecisionError(message)
