"""Money: an exact amount and the currency it is in."""

from collections.abc import Iterable
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from blocks.records.base import Record

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""


class CurrencyMismatchError(ValueError):
    """Two currencies met in one sum or comparison."""


class Money(Record):
    """An exact amount in one currency.

    >>> Money.of("12.50", "USD") + Money.of("0.50", "USD")
    Money(amount=Decimal('13.00'), currency='USD')
    >>> str(Money.of("1234.5", "USD"))
    '$1,234.50'
    """

    amount: Decimal = Field(allow_inf_nan=False, max_digits=18, decimal_places=6)
    currency: Currency

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str) -> Self:
        """Make money of an exact number; never of a float."""
        return cls(amount=Decimal(amount), currency=currency)

    def __add__(self, other: "Money") -> "Money":
        """Add within one currency."""
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract within one currency."""
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def __mul__(self, quantity: Decimal | int) -> "Money":
        """Price times quantity, exact."""
        return Money(amount=self.amount * quantity, currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        """Compare within one currency."""
        return self.amount < self._same(other)

    def __gt__(self, other: "Money") -> bool:
        """Compare within one currency."""
        return self.amount > self._same(other)

    def __str__(self) -> str:
        """Print as people read it: `$1,234.50`, `EUR 1,234.50`."""
        return said(self.amount, self.currency)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            message = f"{self.currency} and {other.currency} do not add up"
            raise CurrencyMismatchError(message)
        return other.amount


def said(amount: Decimal, currency: str) -> str:
    """Print an amount as people read it.

    >>> said(Decimal("-1234.5"), "EUR")
    '-EUR 1,234.50'
    """
    unit = "$" if currency == "USD" else f"{currency} "
    return f"{'-' if amount < 0 else ''}{unit}{abs(amount):,.2f}"


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Sum amounts of one currency, zero where there is none; `CurrencyMismatchError` where another is among them.

    >>> str(total([Money.of(1, "USD"), Money.of("2.50", "USD")], "USD"))
    '$3.50'
    """
    moneys = list(amounts)  # there may be thousands: no line of Python for each
    if other := next((one for one in set(map(attrgetter("currency"), moneys)) if one != currency), None):
        message = f"{other} and {currency} do not add up"
        raise CurrencyMismatchError(message)
    return Money(amount=sum(map(attrgetter("amount"), moneys), Decimal(0)), currency=currency)
