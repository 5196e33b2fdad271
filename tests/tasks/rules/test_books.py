"""The books that many cases write, folded."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.records.ledger import Entry, Line
from blocks.records.outcome import Hold
from blocks.records.purchasing import OpenOrder
from tasks.rules.books import Funds, Spend, fiscal_years, funds_book, spend_book
from tasks.rules.funds import condensed, left
from tests.samples import NOON, budget, usd


def entered(seq: int, *lines: Line) -> Entry:
    return Entry(case="book~x", seq=seq, prev="", lines=lines)


def line(act: str, case: str, at: datetime = NOON, **body: Any) -> Line:
    return Line(act=act, key=case, actor="process:requisition", at=at, body=body)


def spent(case: str, amount: int, *, days_ago: float = 0, supplier: str = "SUP-ACME") -> Line:
    money = usd(amount).model_dump(mode="json")
    return line("spent", case, NOON - timedelta(days=days_ago), supplier=supplier, amount=money)


def spend(*lines: Line) -> Spend:
    book = Spend()
    for seq, one in enumerate(lines, 1):
        book.take(entered(seq, one))
    return book


def test_the_books_have_names():
    assert funds_book("OR", 2026) == "book~funds~OR~2026"
    assert spend_book("rita.okafor") == "book~spend~rita.okafor"


@pytest.mark.parametrize(
    ("first", "last", "years"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), [2026, 2027]),
        (date(2026, 12, 31), date(2027, 1, 1), [2026, 2027, 2028]),
    ],
)
def test_a_fiscal_year_ends_in_the_year_of_its_days_or_in_the_next(first: date, last: date, years: list[int]):
    assert list(fiscal_years(first, last)) == years


def test_earlier_orders_with_the_supplier_are_summed():
    book = spend(spent("A", 100, days_ago=3), spent("B", 50, days_ago=1), spent("C", 25))
    assert book.recent("C", 30) == usd(150)
    assert book.seq == 3


def test_the_window_includes_exactly_thirty_days_ago():
    second = 1 / 86_400
    assert spend(spent("A", 100, days_ago=30), spent("C", 1)).recent("C", 30) == usd(100)
    assert spend(spent("A", 100, days_ago=30 + second), spent("C", 1)).recent("C", 30) is None


def test_other_suppliers_and_what_was_dropped_do_not_count():
    book = spend(spent("A", 100, supplier="SUP-EVER"), spent("B", 50), line("dropped", "B"), spent("C", 25))
    assert book.recent("C", 30) is None


def test_of_two_halves_the_later_one_sees_the_earlier():
    book = spend(spent("A", 600), spent("B", 600))
    assert book.recent("A", 30) is None
    assert book.recent("B", 30) == usd(600)


def test_other_lines_in_a_book_say_nothing():
    book, funds = spend(line("noted", "A")), Funds()
    funds.take(entered(1, line("noted", "A"), line("placed", "B"), line("released", "C")))
    assert (book.spent, funds.holds, funds.placed, funds.seq) == ({}, {}, {}, 1)


@given(halves=st.lists(st.integers(1, 1000), min_size=1, max_size=6))
def test_however_an_order_is_split_the_last_part_is_judged_by_the_whole(halves):
    book = spend(*(spent(f"C{n}", amount) for n, amount in enumerate(halves)))
    last = f"C{len(halves) - 1}"
    earlier = book.recent(last, 30)
    assert halves[-1] + (earlier.amount if earlier else 0) == sum(halves)


# A cost centre's year: holds are made, orders placed under them, marks written late or never, bills posted.


@dataclass
class Year:
    """The ERP's books and ours, side by side."""

    funds: Funds = field(default_factory=Funds)
    orders: dict[str, OpenOrder] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)

    def enter(self, act: str, case: str) -> None:
        body = {"hold": self.hold(case).model_dump(mode="json")} if act == "held" else {}
        self.funds.take(entered(self.funds.seq + 1, line(act, case, **body)))

    def hold(self, case: str) -> Hold:
        return Hold(case=case, amount=usd(self.amounts[case]), order_key=f"almoner:{case}")

    def do(self, deed: str, case: str) -> None:
        held = case in self.funds.holds
        if deed == "hold" and case not in self.funds.holds and case not in self.funds.placed:
            self.enter("held", case)
        elif deed == "order" and held:
            self.orders[case] = OpenOrder(reference=f"almoner:{case}", open=usd(self.amounts[case]))
        elif deed == "mark" and held and case in self.orders:
            self.enter("placed", case)
        elif deed == "release" and held and case not in self.orders:
            self.enter("released", case)

    @property
    def committed(self) -> int:
        return sum(amount for case, amount in self.amounts.items() if case in self.funds.holds or case in self.orders)


cases = st.sampled_from("ABCDE")
deeds = st.tuples(st.sampled_from(["hold", "order", "mark", "release"]), cases)


a_year = st.lists(st.integers(1, 1000), min_size=5, max_size=5).map(
    lambda amounts: Year(amounts=dict(zip("ABCDE", amounts, strict=True)))
)
some_deeds = st.lists(deeds, max_size=12)


@given(year=a_year, before=some_deeds, after=some_deeds)
def test_a_hold_counts_once_whatever_happens_between_reading_the_erp_and_judging(year, before, after):
    """The ERP is read at one moment, the book as it stands later: what was ordered meanwhile is a hold, once."""
    for deed, case in before:
        year.do(deed, case)
    seq, in_flight = year.funds.seq, year.funds.in_flight()
    position = condensed(budget(100_000, ordered=tuple(year.orders.values())), in_flight)
    for deed, case in after:
        year.do(deed, case)
    assert left(position, year.funds.standing(since=seq, but="")) == usd(100_000 - year.committed)


@given(year=a_year, before=some_deeds, meanwhile=some_deeds, after=some_deeds)
def test_what_is_left_is_never_overstated_even_when_cases_overtake_the_look_at_the_erp(year, before, meanwhile, after):
    """Between reading the book and reading the ERP a hold may become an order: then it may count twice, never not."""
    for deed, case in before:
        year.do(deed, case)
    seq, in_flight = year.funds.seq, year.funds.in_flight()
    for deed, case in meanwhile:
        year.do(deed, case)
    position = condensed(budget(100_000, ordered=tuple(year.orders.values())), in_flight)
    for deed, case in after:
        year.do(deed, case)
    assert not left(position, year.funds.standing(since=seq, but="")) > usd(100_000 - year.committed)


def test_a_case_does_not_stand_in_its_own_way():
    year = Year(amounts={"A": 10})
    year.do("hold", "A")
    assert year.funds.standing(since=0, but="A") == ()


@given(year=a_year, year_s_deeds=some_deeds)
def test_a_case_that_is_held_or_placed_is_never_held_again(year, year_s_deeds):
    for deed, case in year_s_deeds:
        year.do(deed, case)
    assert not year.funds.holds.keys() & year.funds.placed.keys()


def test_a_copy_is_tried_on_without_a_trace():
    year = Year(amounts={"A": 10, "B": 20})
    for deed, case in (("hold", "A"), ("order", "A"), ("mark", "A"), ("hold", "B")):
        year.do(deed, case)
    draft, seq = year.funds.copy(), year.funds.seq
    assert draft == year.funds
    draft.take(entered(99, line("released", "B"), line("placed", "A")))
    assert (year.funds.seq, set(year.funds.holds), set(year.funds.placed)) == (seq, {"B"}, {"A"})
    book = spend(spent("A", 600))
    copied = book.copy()
    copied.take(entered(2, line("dropped", "A"), spent("B", 1)))
    assert (book.seq, set(book.spent), book.dropped) == (1, {"A"}, set())
