"""Approvals: ask, sleep, be rung, read the ledger."""

import logging

from blocks import connect
from blocks.errors import RefusedError
from blocks.keyring import enrolled
from blocks.ports import Card
from blocks.proofs import reason_unproven
from blocks.records.approval import Ask, Decision, Posted
from blocks.records.outcome import Outcome
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import waiting_card
from tasks.case import Case, current
from tasks.clock import due_of, reason_not_expired
from tasks.decide import decision_of, decisions_of, on_whom
from tasks.durable import patiently, sleep_until_rung, step
from tasks.rules.authority import reason_to_void
from tasks.rules.requisition import Approval
from tasks.rules.standing import above_of
from tasks.showing import added_to, card_of, locked_card

logger = logging.getLogger("almoner.approvals")


class VoidDecisionError(Exception):
    """The ledger holds an answer that the door should never have let in."""


class WithdrawnError(Exception):
    """The requester, or their manager, took the request back while people were asked."""


class CannotAskError(Exception):
    """The place where people are asked will not take the card: an admin must look; the request is not refused."""


async def decision_on(ask: Ask) -> Decision:
    """Return the answer to *ask* that counts, letting the case sleep until there is one.

    To wake the case is only to ring its bell: the answer is read from the ledger, where the decision
    function alone writes it. So a Resume clicked in the dashboard, a second click, or a click on
    yesterday's card decides nothing. Call it from a process, not from a step. `WithdrawnError` where nobody
    had answered when it was withdrawn.
    """
    case = current()
    decision = decision_of(case.chain, ask.key)
    if decision is None:
        if gone := case.recall("withdrawn"):
            raise WithdrawnError(f"{gone.body['name']} withdrew it")
        await _put(case, ask)
        await lock_cards()
        await sleep_until_rung(on_whom(case.chain, ask))
        raise AssertionError
    await _assert_counts(case, ask, decision)
    return decision


def approval(ask: Ask, decision: Decision) -> Approval:
    """Read what an approval agrees to, and whom it takes besides: those who were added while it was asked."""
    return Approval.of(ask, decision, added_to(current().chain, ask.key))


async def lock_cards(outcome: Outcome | None = None) -> None:
    """Let each card that was answered show the answer, once: Slack's door draws it at the click, if it lives to.

    With the *outcome*, the requester's message that it waits shows that too. Call it when nothing waits for it any
    more. Not a step: to show it in the dashboard would cost more than to do it.
    """
    case = current()
    for asked in case.chain.having("asked"):
        ask = asked.record(Ask, "ask")
        if case.recall("drawn", ask.key) or not (card := locked_card(case.chain, ask, case.zone)):
            continue
        refused = await patiently(_lock)(case, ask, card)
        case.note("drawn", ask.key, body={"refused": refused} if refused else None)
    if outcome and (told := case.recall("told-waiting")) and told.body.get("ts"):
        first = case.chain.having("asked")[0].record(Ask, "ask")
        await patiently(_unbutton)(Posted.model_validate(told.body), waiting_card(first, outcome.ended))


async def _unbutton(where: Posted, card: Card) -> None:
    """Take the button off the requester's message; that it was deleted hinders nobody."""
    try:
        await connect.desk().redraw(where, card)
    except RefusedError as refusal:
        logger.warning("%s: it still offers to withdraw, %s", card.key, refusal)


async def _lock(case: Case, ask: Ask, card: Card) -> str | None:
    """Draw a card with its answer; return why where the desk will not, as when somebody deleted it."""
    posted = case.recall("posted", ask.key)
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
        policy, now = await connect.shelf().policy(ask.policy), await connect.shelf().in_force(case.clock().date())
        people = {"directory": now.directory_version, "duties": now.duties.seq}  # by which the card is drawn
        due = due_of(policy, case.clock(), case.zone)
        body = {"ask": ask.model_dump(mode="json"), "run": case.run, **people, **due}
        case.note("asked", ask.key, seen=digest(text), policy=ask.policy, body=body)
        await case.write()
    if not case.recall("posted", ask.key):
        posted = await post_card(ask, asked is not None)
        case.note("posted", ask.key, body=posted.model_dump(mode="json"))
    if not case.recall("told-waiting"):
        told = await patiently(_tell_requester)(case, ask, asked is not None)
        case.note("told-waiting", body=told.model_dump(mode="json") if told else None)


@step
async def post_card(ask: Ask, maybe_posted: bool) -> Posted:
    """Put the card where those who may decide will see it; `CannotAskError` where that place will not take it."""
    now = current().clock()
    rulebook = await connect.shelf().in_force(now.date())
    card = card_of(current().chain, ask, rulebook, now)
    try:
        return await connect.desk().post(connect.channel(), card, maybe_posted=maybe_posted)
    except RefusedError as refusal:  # a business answer from an ERP; from a desk it answers nothing
        message = f"{ask.case} {ask.key}: nobody can be asked, {refusal}"
        raise CannotAskError(message) from refusal


async def _tell_requester(case: Case, ask: Ask, maybe_posted: bool) -> Posted | None:
    """Tell the requester, once a case, that it waits for people, and let them withdraw it."""
    person = (await connect.shelf().in_force(case.clock().date())).directory.person(ask.requester)
    if person is None or not person.slack_user:
        return None
    try:
        return await connect.desk().tell(person.slack_user, waiting_card(ask), maybe_posted=maybe_posted)
    except RefusedError as refusal:  # whoever cannot be told can still ask their manager to withdraw it
        logger.warning("%s could not be told: %s", person.name, refusal)
        return None


async def _assert_counts(case: Case, ask: Ask, decision: Decision) -> None:
    """Check on the way out what the door checked on the way in, by the directory it was checked against."""
    shelf = connect.shelf()
    directory, duties = await shelf.directory(decision.directory), await shelf.duties(decision.duties)
    earlier = tuple(one for one in decisions_of(case.chain) if one.at < decision.at)
    if decision.verdict == "expire":
        policy = await shelf.policy(ask.policy)
        reason = reason_not_expired(case.chain, ask, decision, policy, directory.zone)
    else:
        by, above = directory.person(decision.by), above_of(case.chain.lines, ask.key)
        reason = reason_to_void(ask, by, earlier, directory, duties, decision.at, above=above)
    if decision.shown != digest(canonical(ask)):
        reason = "what was shown is not what is asked"
    keys = await enrolled(case.ledger, decision.passkeys)
    reason = reason or reason_unproven(ask, decision, keys)
    if reason:
        message = f"{case.id} {ask.key}: the answer of {decision.by} does not count: {reason}"
        raise VoidDecisionError(message)
