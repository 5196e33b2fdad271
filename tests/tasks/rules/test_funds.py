"""What a cost centre has left: each commitment counts once, whether or not its order is visible yet."""

from hypothesis import given
from hypothesis import strategies as st

from blocks.records.outcome import Hold
from blocks.records.purchasing import OpenOrder
from tasks.rules.funds import OTHERS, committed, condensed, left, reason_short
from tests.samples import budget, facts, usd

cents = st.decimals(0, 100_000, places=2)


def order(number: int, amount) -> OpenOrder:
    return OpenOrder(reference=f"almoner:{number}", open=usd(amount))


def hold(number: int, amount) -> Hold:
    return Hold(case=f"RQ-{number}", amount=usd(amount), order_key=f"almoner:{number}")


def test_left_is_budget_less_posted_less_open_commitments():
    position = budget(1000, posted=100, ordered=(order(1, 200), order(2, 50)))
    assert left(position, (hold(3, 25),)) == usd(625)


def test_a_hold_whose_order_stands_in_the_erp_is_that_order():
    position = budget(1000, ordered=(order(1, 200),))
    assert committed(position, (hold(1, 200),)) == usd(200)


@given(amounts=st.lists(cents, max_size=8), seen=st.sets(st.integers(0, 7)), held=st.sets(st.integers(0, 7)))
def test_each_commitment_counts_once_whoever_knows_of_it(amounts, seen, held):
    orders = tuple(order(n, amount) for n, amount in enumerate(amounts) if n in seen)
    holds = tuple(hold(n, amount) for n, amount in enumerate(amounts) if n in held)
    known = sum(amount for n, amount in enumerate(amounts) if n in seen | held)
    assert left(budget(1_000_000, ordered=orders), holds) == usd(1_000_000 - known)


@given(amounts=st.lists(cents, max_size=8), held=st.sets(st.integers(0, 7)))
def test_summing_the_others_changes_nothing_as_long_as_what_is_in_flight_is_told_apart(amounts, held):
    position = budget(1_000_000, ordered=tuple(order(n, amount) for n, amount in enumerate(amounts)))
    holds = tuple(hold(n, amount) for n, amount in enumerate(amounts) if n in held)
    short = condensed(position, frozenset(one.order_key for one in holds))
    assert left(short, holds) == left(position, holds)
    assert short.ordered[0].reference == OTHERS
    assert len(short.ordered) == 1 + len(holds)


def test_what_is_short_says_by_how_much():
    assert reason_short(facts("99.99"), usd(100)) == (
        "OR has $99.99 of its 2026 budget left; this takes $100.00, $0.01 too much"
    )


def test_the_last_cent_may_be_spent():
    assert reason_short(facts(100), usd(100)) is None
