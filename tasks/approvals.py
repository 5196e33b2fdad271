"""Approvals: ask, sleep, be rung, read the ledger."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from blocks import connect
from blocks.errors import RefusedError
from blocks.ports import Card
from blocks.proofs.acts import reason_unproven
from blocks.proofs.keyring import enrolled
from blocks.records.approval import Ask, Decision, Posted
from blocks.records.outcome import Outcome
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import waiting_card
from tasks.advising import note_advice
from tasks.case import Case, current
from tasks.clock import due_of, reason_not_expired
from tasks.decide import decision_of, decisions_of, on_whom
from tasks.durable import patiently, sleep_until_rung, step
from tasks.rules.asking import Approval, Stage
from tasks.rules.authority import acting_for, by_emergency
from tasks.rules.standing import Acting, above_of
from tasks.segregation import reason_not_to_count
from tasks.showing import added_to, card_of, locked_card

logger = logging.getLogger("almoner.approvals")


class VoidDecisionError(Exception):
    """The ledger holds an answer that the door should never have let in."""


class WithdrawnError(Exception):
    """The requester, or their manager, took the request back while people were asked."""


class CannotAskError(Exception):
    """The place where people are asked will not take the card: an admin must look; the request is not refused."""


class Answered(NamedTuple):
    """How a step ended: what was answered, and by whose word it was refused, if it was."""

    answers: tuple[Approval, ...]
    refused: Decision | None = None


async def decisions_on(stage: Stage) -> Answered:
    """Return the answers to a step once they settle it, letting the case sleep until they do.

    All of a step is asked at the same time. To wake the case is only to ring its bell: the answers are read from the
    ledger, where the decision function alone writes them. So a Resume clicked in the dashboard, a second click, or a
    click on yesterday's card decides nothing. Call it from a process, not from a step. `WithdrawnError` where the step
    was open when it was withdrawn.
    """
    case = current()
    given = {ask.key: decision for ask in stage.asks if (decision := decision_of(case.chain, ask.key))}
    settled = stage.asks[0].settled(given.values())
    if settled is None:
        if gone := case.recall("withdrawn"):
            raise WithdrawnError(f"{gone.body['name']} withdrew it")
        await _put(case, [ask for ask in stage.asks if ask.key not in given])
        await lock_cards()
        await sleep_until_rung("; ".join(on_whom(case.chain, ask) for ask in stage.asks if ask.key not in given))
        raise AssertionError
    for ask in stage.asks:
        if ask.key in given:
            await _assert_counts(case, ask, given[ask.key])
    answers = tuple(
        Approval.of(ask, given[ask.key], added_to(case.chain, ask.key)) for ask in stage.asks if ask.key in given
    )
    no = [one for one in given.values() if one.verdict != "approve"]
    return Answered(answers, max(no, key=lambda one: one.at) if settled == "refused" else None)


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


async def _put(case: Case, asks: Sequence[Ask]) -> None:
    """Put the questions into the ledger, then the cards in front of the people. Either is done once."""
    before = {ask.key for ask in asks if case.recall("asked", ask.key)}
    for ask in asks:
        if ask.key not in before:
            await _note_asked(case, ask)
            note_advice(case, ask)
    if len(before) < len(asks):
        await case.write()
    for ask in asks:
        if not case.recall("posted", ask.key):
            posted = await post_card(ask, ask.key in before)
            case.note("posted", ask.key, body=posted.model_dump(mode="json"))
    if not case.recall("told-waiting"):
        told = await patiently(_tell_requester)(case, asks[0], asks[0].key in before)
        case.note("told-waiting", body=told.model_dump(mode="json") if told else None)


async def _note_asked(case: Case, ask: Ask) -> None:
    text, shelf = canonical(ask), connect.shelf()
    await case.ledger.keep(text)
    policy, now = await shelf.policy(ask.policy), await shelf.in_force(case.clock())
    people = {"directory": now.directory_version, "duties": now.duties.seq}  # by which the card is drawn
    due = due_of(policy, case.clock(), case.zone)
    body = {"ask": ask.model_dump(mode="json"), "run": case.run, **people, **due}
    case.note("asked", ask.key, seen=digest(text), policy=ask.policy, body=body)


@step
async def post_card(ask: Ask, maybe_posted: bool) -> Posted:
    """Put the card where those who may decide will see it; `CannotAskError` where that place will not take it."""
    now = current().clock()
    rulebook = await connect.shelf().in_force(now)
    card = card_of(current().chain, ask, rulebook, now)
    try:
        return await connect.desk().post(connect.channel(), card, maybe_posted=maybe_posted)
    except RefusedError as refusal:  # a business answer from an ERP; from a desk it answers nothing
        message = f"{ask.case} {ask.key}: nobody can be asked, {refusal}"
        raise CannotAskError(message) from refusal


async def _tell_requester(case: Case, ask: Ask, maybe_posted: bool) -> Posted | None:
    """Tell the requester, once a case, that it waits for people, and let them withdraw it."""
    person = (await connect.shelf().in_force(case.clock())).directory.person(ask.requester)
    if person is None or not person.slack_user:
        return None
    try:
        return await connect.desk().tell(person.slack_user, waiting_card(ask), maybe_posted=maybe_posted)
    except RefusedError as refusal:  # whoever cannot be told can still ask their manager to withdraw it
        logger.warning("%s could not be told: %s", person.name, refusal)
        return None


def _reason_untold(decision: Decision, acting: Acting) -> str | None:
    """Say why a decision hides by what right it counts, or claims another one; None where it says so."""
    return None if decision.emergency == by_emergency(acting) else "it does not say by which emergency access it counts"


async def _assert_counts(case: Case, ask: Ask, decision: Decision) -> None:
    """Check on the way out what the door checked on the way in, by the directory it was checked against."""
    shelf = connect.shelf()
    directory, duties = await shelf.directory(decision.directory), await shelf.duties(decision.duties)
    decided = decisions_of(case.chain)
    earlier = decided[: next(n for n, one in enumerate(decided) if one.ask == ask.key)]
    if decision.verdict == "expire":
        policy = await shelf.policy(ask.policy)
        reason = reason_not_expired(case.chain, ask, decision, policy, directory.zone)
    else:
        by, above = directory.person(decision.by), above_of(case.chain.lines, ask.key)
        acting = acting_for(ask, by, earlier, directory, duties, decision.at, above=above)
        reason = acting if isinstance(acting, str) else _reason_untold(decision, acting)
    if decision.shown != digest(canonical(ask)):
        reason = "what was shown is not what is asked"
    keys = await enrolled(case.ledger, decision.passkeys)
    reason = reason or reason_unproven(ask, decision, keys)
    reason = reason or await reason_not_to_count(case.chain.having("decided", ask.key)[0], case.chain)
    if reason:
        message = f"{case.id} {ask.key}: the answer of {decision.by} does not count: {reason}"
        raise VoidDecisionError(message)
