"""The fake keeps the contract, and its faults are the ones it is asked for."""

from datetime import date

import pytest

from blocks.errors import RefusedError, UnavailableError, UnknownError
from blocks.records.money import Money
from tests.blocks.erp.contract import Bill, Billed, ErpContract, asked, issue_of, new_key, open_under, order_of
from tests.fakes.erp import FakeErp

TODAY = date(2026, 11, 23)


@pytest.fixture
def today() -> date:
    return TODAY


@pytest.fixture
def erp() -> FakeErp:
    return FakeErp()


@pytest.fixture
def billed(erp: FakeErp) -> Bill:
    return lambda key, theirs: posted(erp, key, theirs)


def posted(books: FakeErp, key: str, theirs: str) -> Billed:
    """Let the bill for an order be posted in some books."""
    number = books.bill(key, theirs=theirs)
    return Billed(number, f"J-{number}")


class TestFakeErp(ErpContract):
    """The contract, held against the fake."""


async def test_a_lost_answer_is_unknown_and_the_order_is_there():
    erp, key = FakeErp(), new_key()
    erp.lose = 1
    with pytest.raises(UnknownError):
        await erp.order(order_of(TODAY), key=key)
    assert await erp.find_order(key) == await erp.order(order_of(TODAY), key=key)
    assert len(erp.orders()) == 1


async def test_a_call_that_does_not_reach_it_does_nothing():
    erp = FakeErp()
    erp.fail = 1
    with pytest.raises(UnavailableError):
        await erp.issue(issue_of(TODAY), key=new_key())
    assert not erp.issues()


async def test_a_late_index_finds_the_order_only_after_its_lag():
    now = [0.0]
    erp, key = FakeErp(lag_s=5, clock=lambda: now[0]), new_key()
    await erp.order(order_of(TODAY), key=key)
    assert await erp.find_order(key) is None
    now[0] = 5.0
    assert await erp.find_order(key) is not None


async def test_a_supplier_can_be_refused_on_request():
    erp = FakeErp(refused=["SUP-CORDIS"])
    with pytest.raises(RefusedError, match="SUP-CORDIS"):
        await erp.order(order_of(TODAY), key=new_key())


async def test_a_billed_order_is_spent_and_no_longer_open():
    erp, key = FakeErp(), new_key()
    await erp.order(order_of(TODAY), key=key)
    erp.bill(key)
    budget = (await erp.sourcing(asked(), TODAY)).budget
    assert budget.posted == Money.of("12500.50", "USD")
    assert not open_under(budget, key)


async def test_costs_of_others_can_be_posted():
    erp = FakeErp()
    erp.post("OR", "399000")
    assert (await erp.sourcing(asked(), TODAY)).budget.posted == Money.of(399000, "USD")
