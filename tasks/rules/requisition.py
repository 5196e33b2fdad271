"""Requisitions: what policy refuses, what comes of what it does not."""

from datetime import date

from blocks.records.approval import Ask
from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.policy import Policy
from blocks.records.purchasing import IssueDraft, OrderDraft, Requisition, Sourcing
from tasks.rules.funds import reason_short


def can_fill_from_stock(request: Requisition, sourcing: Sourcing) -> bool:
    """Say whether the shelf holds enough."""
    return sourcing.on_hand >= request.quantity


def reason_not_to_charge(request: Requisition, sourcing: Sourcing) -> str | None:
    """Say why nothing may be charged at all, from stock or from a supplier, or None."""
    if not sourcing.period_open:
        return closed(request.charge_on)
    if sourcing.budget.budget.currency != request.currency:
        return other_books(request.cost_centre, sourcing.budget.budget.currency, request.currency)
    return None


def amount_of(request: Requisition, sourcing: Sourcing) -> Money:
    """Price what is asked for: quantity times the supplier's unit price, zero where there is no price."""
    price = sourcing.unit_price or Money.of(0, request.currency)
    return price * request.quantity


def reason_to_refuse(request: Requisition, facts: Facts, policy: Policy) -> str | None:
    """Say why policy refuses *request*, or None where it does not."""
    sourcing = facts.sourcing
    if reason := reason_not_to_charge(request, sourcing):
        return reason
    if sourcing.supplier is None or sourcing.unit_price is None:
        return no_price(request.item)
    if sourcing.unit_price.currency != policy.currency:
        return other_price(request.item, sourcing.unit_price.currency, policy)
    amount = amount_of(request, sourcing)
    if amount.amount > policy.amount_max:
        return too_large(str(amount), policy)
    return reason_short(facts, amount)


def closed(charge_on: date | None) -> str:
    """Say that the books are closed on the day of charge."""
    day = f" on {charge_on}" if charge_on else ""
    return f"the books are closed{day}: give a charge_on within an open period"


def other_books(cost_centre: str, books: str, asked: str) -> str:
    """Say that a cost centre keeps its books in another currency."""
    return f"{cost_centre} keeps its books in {books}, not {asked}: ask in {books}"


def no_price(item: str) -> str:
    """Say that nobody sells an item."""
    return f"no supplier has a price for {item}: ask procurement to set one up"


def other_price(item: str, currency: str, policy: Policy) -> str:
    """Say that an item is priced in another currency than policy's."""
    return f"{item} is priced in {currency}, policy is in {policy.currency}"


def too_large(amount: str, policy: Policy) -> str:
    """Say that an amount, as people read it, is more than a requisition may be."""
    return f"{amount} is beyond what a requisition may be ({policy.amount_max:,.2f}): it needs a project"


def reason_not_so_many(ask: Ask, quantity: int | None, policy: Policy) -> str | None:
    """Say why nobody may approve so many, or None: fewer than was asked, where policy lets them, and never more."""
    if quantity is None or quantity == ask.quantity:
        return None
    if not policy.approve_fewer:
        return "Policy lets nobody change how many. Please approve what was asked for, or reject it."
    if quantity < 1:
        return "Please approve one at least; to approve none, reject it."
    if quantity > ask.quantity:
        return f"{ask.quantity:,} were asked for. More than that needs a new request."
    return None


def to_order(request: Requisition, facts: Facts, on: date) -> OrderDraft:
    """Draw up the purchase order."""
    return OrderDraft(
        requester=request.requester,
        cost_centre=request.cost_centre,
        item=request.item,
        quantity=request.quantity,
        supplier=facts.sourcing.supplier or "",
        unit_price=facts.sourcing.unit_price or Money.of(0, request.currency),
        order_on=on,
        charge_on=request.charge_on or on,
        needed_by=request.needed_by,
    )


def to_issue(request: Requisition, on: date) -> IssueDraft:
    """Draw up the issue from stock."""
    return IssueDraft(
        requester=request.requester,
        cost_centre=request.cost_centre,
        item=request.item,
        quantity=request.quantity,
        issue_on=on,
    )
