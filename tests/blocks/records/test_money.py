"""Money: exact, in one currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.records.money import CurrencyMismatchError, Money
from tests.samples import usd

amounts = st.decimals(-(10**9), 10**9, places=4)


@given(one=amounts, other=amounts)
def test_sums_and_differences_are_exact(one, other):
    assert (usd(one) + usd(other) - usd(other)).amount == one
    assert (usd(one) > usd(other)) is (one > other)
    assert (usd(one) < usd(other)) is (one < other)


@given(price=st.decimals(0, 10**6, places=4), quantity=st.integers(0, 100_000))
def test_price_times_quantity_is_exact(price, quantity):
    assert (usd(price) * quantity).amount == price * quantity


def test_two_currencies_never_meet():
    euro = Money.of(1, "EUR")
    for meet in (lambda: usd(1) + euro, lambda: usd(1) - euro, lambda: usd(1) < euro, lambda: usd(1) > euro):
        with pytest.raises(CurrencyMismatchError, match="USD and EUR"):
            meet()


@pytest.mark.parametrize(
    ("amount", "currency", "read"),
    [
        ("1234.5", "USD", "$1,234.50"),
        ("-0.5", "USD", "-$0.50"),
        ("1234.5", "EUR", "EUR 1,234.50"),
        ("0", "USD", "$0.00"),
    ],
)
def test_it_prints_as_people_read_it(amount: str, currency: str, read: str):
    assert str(Money.of(amount, currency)) == read


@pytest.mark.parametrize(
    ("amount", "currency"), [("NaN", "USD"), ("Infinity", "USD"), ("1", "usd"), ("1", "DOLLAR"), ("0.0000001", "USD")]
)
def test_what_is_no_amount_is_refused(amount: str, currency: str):
    with pytest.raises(ValidationError):
        Money.of(amount, currency)


@given(amount=amounts)
def test_it_is_stored_and_read_back_to_the_digit(amount):
    stored = usd(amount).model_dump(mode="json")
    assert isinstance(stored["amount"], str)
    assert str(Money.model_validate(stored).amount) == str(usd(amount).amount)
    assert Money.model_validate(stored).amount == Decimal(amount)
