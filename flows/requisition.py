"""Requisition: a department asks to buy; it ends with a purchase order, or with a reason."""

from itertools import count

from blocks.errors import RefusedError
from blocks.records.approval import Decision
from blocks.records.outcome import Facts, Outcome
from blocks.records.policy import Rulebook
from blocks.records.purchasing import Requisition
from tasks.approvals import WithdrawnError, decisions_on, lock_cards
from tasks.cancelling import why_cancelled
from tasks.case import OvertakenError, current, today
from tasks.doubts import close_doubts
from tasks.durable import conclude, concluded, process
from tasks.notify import show_reversal, tell_requester
from tasks.policy import rules_in_force
from tasks.purchasing import (
    drop_spend,
    hold_funds,
    issue_from_stock,
    issue_order,
    let_go_if_over,
    look_up,
    note_spend,
    release_funds,
    reverse_entry,
    take_back,
)
from tasks.reversing import agreed_reversal
from tasks.rules.asking import Approval, NobodyMayError, approvals_needed, as_agreed
from tasks.rules.requisition import (
    amount_of,
    can_fill_from_stock,
    reason_not_to_charge,
    reason_to_refuse,
    to_issue,
    to_order,
)


async def cancellation(request: Requisition, bought: Outcome) -> Outcome:
    """Take back what was ordered or issued, because somebody who may has asked for it before anything came or went.

    1. Let the ERP cancel it; where it will not, everything stays as it was.
    2. Let the funds go, and count it no longer.
    3. Tell the requester.
    """
    try:
        document = await take_back(bought)
    except RefusedError as refusal:
        because = f"{bought.because}; it could not be cancelled: {refusal.detail}"
        outcome = bought.model_copy(update={"because": because})
    else:
        because = f"{document.kind} {document.number} was taken back. {why_cancelled()}"
        outcome = Outcome(ended="cancelled", because=because)
        await release_funds(request)
        await drop_spend(request)
    await tell_requester(request, outcome)
    return outcome


async def reversal(_request: Requisition, bought: Outcome) -> Outcome:
    """Reverse the journal entry of a bill for the order, because one who may has asked for it and another agreed.

    1. Judge both words once more.
    2. Let the ERP post the entry's mirror; where it will not, everything stays as it was.
    3. Let the card on which it was agreed say what came of it.
    """
    agreed = await agreed_reversal()
    try:
        mirror = await reverse_entry(bought, agreed.nth)
    except RefusedError as refusal:
        came = f"journal entry {agreed.entry} could not be reversed: {refusal.detail}"
    else:
        came = f"journal entry {agreed.entry} was reversed by {mirror.number} ({agreed.words})"
    await show_reversal(agreed.entry, agreed.nth)
    return bought.model_copy(update={"because": f"{bought.because}; {came}"})


@process("RQ", cancelling=cancellation, reversing=reversal)
async def requisition(request: Requisition) -> Outcome:
    """Buy what a department asks for, if stock, contract, budget, policy and people agree.

    1. Look up stock, supplier, contract, price and budget in the ERP.
    2. Fill it from stock where the shelf holds enough.
    3. Refuse it where policy does.
    4. Ask those whom policy names, step by step, in Slack, and whom they add; sleep while they think. They may
       approve fewer, and the requester may withdraw it.
    5. Look again: price and budget may have moved. What nobody has agreed to yet is asked about anew.
    6. Hold the funds and place the order; let the funds go if the ERP refuses.
    7. Tell the requester, and see to it that each card shows its answer.
    """
    rulebook = await rules_in_force()
    try:
        outcome = concluded() or await decide_and_buy(request, rulebook)
        if outcome.ended == "refused":
            await conclude(outcome)
    except WithdrawnError as gone:
        outcome = Outcome(ended="withdrawn", because=str(gone))
    except OvertakenError:  # another run of this case goes on, or has ended it
        await let_go_if_over(request)
        raise
    if outcome.ended != "ordered":
        await release_funds(request)
        await drop_spend(request)
    await tell_requester(request, outcome)
    await lock_cards(outcome)
    await close_doubts(current())
    return outcome


async def decide_and_buy(request: Requisition, rulebook: Rulebook) -> Outcome:
    """Go through steps 1 to 6."""
    answers: list[Approval] = []
    try:
        for look in count(1):
            wanted, answered = as_agreed(request, answers), len(answers)
            facts = await look_up(wanted, look)
            if reason := reason_not_to_charge(wanted, facts.sourcing):
                return Outcome(ended="refused", because=reason)
            if can_fill_from_stock(wanted, facts.sourcing):
                return await fill(wanted, facts)
            if reason := reason_to_refuse(wanted, facts, rulebook.policy):
                return Outcome(ended="refused", because=reason)
            facts = await with_recent_spend(wanted, facts, rulebook, look)
            while stages := approvals_needed(current().id, request, facts, rulebook, look, answers):
                step = await decisions_on(stages[0])
                if step.refused:
                    return not_approved(step.refused)
                answers += step.answers
            if len(answers) == answered:  # at this look nobody was left to ask
                break
        return await buy(wanted, facts)
    except RefusedError as refusal:
        return Outcome(ended="refused", because=refusal.detail)
    except NobodyMayError as gap:
        return Outcome(ended="refused", because=str(gap))


def not_approved(decision: Decision) -> Outcome:
    """Step 4: too many said no, or nobody said anything in time."""
    if decision.verdict == "expire":
        return Outcome(ended="expired", because=decision.note)
    return Outcome(ended="rejected", because=f"{decision.name}: {decision.note}")


async def with_recent_spend(request: Requisition, facts: Facts, rulebook: Rulebook, look: int) -> Facts:
    """Step 4 counts what the requester ordered from the supplier lately, lest a split order pass below a bound."""
    supplier, amount = facts.sourcing.supplier or "", amount_of(request, facts.sourcing)
    recent = await note_spend(request, supplier, amount, rulebook.policy.split_window_days, look)
    return facts.model_copy(update={"recent": recent})


async def fill(request: Requisition, facts: Facts) -> Outcome:
    """Step 2: from the shelf."""
    issue = await issue_from_stock(to_issue(request, today()))
    because = f"{request.quantity} of {facts.sourcing.on_hand:.0f} on the shelf: issue {issue.number}"
    return Outcome(ended="filled", because=because, document=issue.number, quantity=request.quantity)


async def buy(request: Requisition, facts: Facts) -> Outcome:
    """Step 6: hold the funds, then place the order; what is not ordered lets the funds go."""
    amount = amount_of(request, facts.sourcing)
    await hold_funds(facts, amount)
    order = await issue_order(to_order(request, facts, facts.looked_on or today()), facts.sourcing.budget.year)
    because = f"order {order.number} with {facts.sourcing.supplier_name} for {amount}"
    return Outcome(ended="ordered", because=because, document=order.number, amount=amount, quantity=request.quantity)
