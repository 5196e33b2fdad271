"""Advice on a price from what was paid for the same item before: a median, no vendor's model. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from statistics import median_low
from typing import Any, NamedTuple

from blocks.records.advice import Advice
from blocks.records.money import Money
from blocks.wire.canonical import canonical, digest

MODEL, VERSION = "price-history", "1"
ENOUGH = 3
"""Two orders are no history."""
NEAR = Decimal("0.10")
"""Up to a tenth away from the median is the usual price."""


class Advised(NamedTuple):
    """Advice, and what it was made from."""

    advice: Advice
    made_from: dict[str, Any]


def advice_on(item: str, price: Money, paid: Sequence[Money]) -> Advised | None:
    """Compare a unit price with what was paid for one of the same item, oldest first; None: too little to compare.

    The confidence is the share of earlier prices within a tenth of their median: of prices that jump, none is usual.
    """
    earlier = [one.amount for one in paid if one.currency == price.currency]
    if len(earlier) < ENOUGH or not (median := median_low(earlier)):
        return None
    off = (price.amount - median) / median
    made_from: dict[str, Any] = {"item": item, "unit_price": str(price.amount), "currency": price.currency}
    made_from["paid"] = [str(x) for x in earlier]
    advice = Advice(
        recommendation="look" if abs(off) > NEAR else "usual",
        because=f"{price} each {_compared(off)} the median of the last {len(earlier)} orders of it here "
        f"({_money(median, price)}; {_money(min(earlier), price)} to {_money(max(earlier), price)})",
        confidence=100 * sum(abs(one - median) <= NEAR * median for one in earlier) // len(earlier),
        model=MODEL,
        version=VERSION,
        input=digest(canonical(made_from)),
    )
    return Advised(advice, made_from)


def _compared(off: Decimal) -> str:
    share = f"{abs(off):.0%}"
    if share == "0%":
        return "is"
    return f"is {share} {'above' if off > 0 else 'below'}"


def _money(amount: Decimal, like: Money) -> Money:
    return Money(amount=amount, currency=like.currency)
