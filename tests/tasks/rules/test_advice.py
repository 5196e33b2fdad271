"""Advice: what a price is compared with, how sure that is, and what becomes of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.records.advice import Advice
from blocks.records.money import Money
from blocks.wire.canonical import canonical, digest
from tasks.rules.governance import CONFIDENT, governed
from tasks.rules.price_history import ENOUGH, advice_on
from tests.samples import usd


def paid(*prices: str | int) -> list[Money]:
    return [usd(one) for one in prices]


@pytest.mark.parametrize(
    ("price", "earlier", "recommends", "confidence", "says"),
    [
        ("100", (100, 100, 100), "usual", 100, "$100.00 each is the median of the last 3 orders"),
        ("110", (100, 100, 100), "usual", 100, "is 10% above the median"),
        ("110.01", (100, 100, 100), "look", 100, "is 10% above the median"),
        ("89", (100, 100, 100, 105), "look", 100, "is 11% below the median of the last 4 orders of it here ($100.00; "),
        ("100", (50, 100, 200), "usual", 33, "($100.00; $50.00 to $200.00)"),
        ("300", (100, 101, 102, 900), "look", 75, "is 197% above"),
    ],
)
def test_a_price_is_compared_with_the_median_of_what_was_paid(price, earlier, recommends, confidence, says):
    advice = advice_on("GLOVE-M", usd(price), paid(*earlier)).advice
    assert (advice.recommendation, advice.confidence) == (recommends, confidence)
    assert says in advice.because
    assert (advice.model, advice.version) == ("price-history", "1")


@pytest.mark.parametrize("earlier", [(), (100, 100), (0, 0, 0)])
def test_of_too_little_there_is_no_advice(earlier):
    assert advice_on("GLOVE-M", usd(100), paid(*earlier)) is None
    assert advice_on("GLOVE-M", usd(100), [Money.of(100, "EUR")] * ENOUGH) is None


def test_what_it_was_made_from_is_kept_under_its_digest():
    found = advice_on("GLOVE-M", usd(100), paid(90, 100, 110))
    assert found.advice.input == digest(canonical(found.made_from))
    assert found.made_from["paid"] == ["90", "100", "110"]


@given(
    st.decimals(Decimal("0.01"), 10**6, places=2),
    st.lists(st.decimals(Decimal("0.01"), 10**6, places=2), min_size=ENOUGH, max_size=24),
)
def test_whatever_was_paid_the_advice_can_be_read_again(price, earlier):
    found = advice_on("GLOVE-M", usd(price), paid(*earlier))
    assert Advice.model_validate_json(found.advice.model_dump_json()) == found.advice
    assert 0 < found.advice.confidence <= 100


@pytest.mark.parametrize(
    ("recommends", "confidence", "answer", "words"),
    [
        ("usual", CONFIDENT, "show", "The usual price: why"),
        ("look", CONFIDENT, "route", "Please look at the price: why"),
        ("usual", CONFIDENT - 1, "ignore", ""),
        ("look", CONFIDENT - 1, "ignore", ""),
    ],
)
def test_governance_says_what_becomes_of_it(recommends, confidence, answer, words):
    advice = Advice(
        recommendation=recommends, because="why", confidence=confidence, model="m", version="1", input="0" * 64
    )
    assert governed(advice) == (answer, words)
