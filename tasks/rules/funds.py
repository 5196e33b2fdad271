"""Funds: what a cost centre has left, given the ERP's books and our holds."""

from operator import attrgetter

from blocks.records.money import Money, total
from blocks.records.outcome import Facts, Hold
from blocks.records.purchasing import Budget, OpenOrder

OTHERS = "*"
"""Under which the orders are summed whose hold, if they ever had one, is known to have ended."""


def condensed(budget: Budget, in_flight: frozenset[str]) -> Budget:
    """Sum the open orders but for those *in flight*, whose holds may still stand: these are told apart."""
    apart = tuple(order for order in budget.ordered if order.reference in in_flight)
    currency = budget.budget.currency
    told_apart = total((order.open for order in apart), currency)
    others = OpenOrder(reference=OTHERS, open=total(map(attrgetter("open"), budget.ordered), currency) - told_apart)
    return budget.model_copy(update={"ordered": (others, *apart)})


def committed(budget: Budget, holds: tuple[Hold, ...]) -> Money:
    """Sum the open commitments: orders open in the ERP, and holds whose order is not among them yet.

    A hold carries the key of its order, and the order carries the key as its reference: from the moment
    the order stands in the ERP, the hold is that order and no longer counts on its own.
    """
    placed = {order.reference for order in budget.ordered}
    orders = (order.open for order in budget.ordered)
    others = (hold.amount for hold in holds if hold.order_key not in placed)
    return total((*orders, *others), budget.budget.currency)


def left(budget: Budget, holds: tuple[Hold, ...]) -> Money:
    """Say what is left to spend: budget - posted - open commitments."""
    return budget.budget - budget.posted - committed(budget, holds)


def reason_short(facts: Facts, amount: Money) -> str | None:
    """Say why *amount* cannot be spent, or None where it can."""
    budget, available = facts.sourcing.budget, facts.left
    if amount > available:
        return too_short(budget.cost_centre, budget.year, str(available), str(amount), str(amount - available))
    return None


def too_short(cost_centre: str, year: int, available: str, amount: str, over: str) -> str:
    """Say by how much a budget is short; the amounts as people read them."""
    return f"{cost_centre} has {available} of its {year} budget left; this takes {amount}, {over} too much"
