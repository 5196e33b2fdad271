"""Funds: what a cost centre has left, given the ERP's books and our holds."""

from blocks.records.money import Money
from blocks.records.outcome import Facts, Hold
from blocks.records.purchasing import Budget


def committed(budget: Budget, holds: tuple[Hold, ...]) -> Money:
    """Sum the open commitments: orders open in the ERP, and holds whose order is not among them yet.

    A hold carries the key of its order, and the order carries the key as its reference: from the moment
    the order stands in the ERP, the hold is that order and no longer counts on its own.
    """
    total = Money.of(0, budget.budget.currency)
    placed = set()
    for order in budget.ordered:
        total += order.open
        placed.add(order.reference)
    for hold in holds:
        if hold.order_key not in placed:
            total += hold.amount
    return total


def left(facts: Facts) -> Money:
    """Say what is left to spend: budget - posted - open commitments."""
    budget = facts.sourcing.budget
    return budget.budget - budget.posted - committed(budget, facts.held)


def reason_short(facts: Facts, amount: Money) -> str | None:
    """Say why *amount* cannot be spent, or None where it can."""
    available = left(facts)
    if amount > available:
        budget = facts.sourcing.budget
        return (
            f"{budget.cost_centre} has {available} of its {budget.year} budget left; "
            f"this takes {amount}, {amount - available} too much"
        )
    return None
