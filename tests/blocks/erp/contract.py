"""The contract of the `Erp` port, in sentences. Every implementation keeps it.

An implementation gives three fixtures: `erp`; `today`, a day in its open year; and `billed`, which lets the supplier's
bill for an order be posted. No test counts on being first: what others ordered before is read before and after.
"""

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import uuid4

import pytest

from blocks.errors import MismatchError, RefusedError
from blocks.ports import Erp
from blocks.records.money import Money
from blocks.records.purchasing import Budget, CancelDraft, IssueDraft, OrderDraft, Requisition, ReverseDraft
from blocks.wire.names import reference


class Billed(NamedTuple):
    """A supplier's bill as it was posted: its number, and that of its journal entry."""

    number: str
    entry: str


Bill = Callable[[str, str], Billed]
"""Posts the bill for the order under a key, with the number that the supplier gave it."""


def new_key() -> str:
    """Make a key that nobody has used."""
    return uuid4().hex


def asked(**changes: object) -> Requisition:
    """Ask for five trays for the operating theatres, or for what the test says."""
    fields = {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 5}
    return Requisition.model_validate(fields | changes)


def order_of(today: date, **changes: object) -> OrderDraft:
    """Draw up an order for two hip stems, or for what the test says."""
    fields = {"requester": "rita.okafor", "cost_centre": "OR", "item": "HIP-STEM-12", "quantity": 2}
    price = {"supplier": "SUP-CORDIS", "unit_price": Money.of("6250.25", "USD"), "order_on": today}
    return OrderDraft.model_validate(fields | price | changes)


def service_of(today: date) -> OrderDraft:
    """Draw up an order for what is billed without being received: four calibrations."""
    price = {"supplier": "SUP-EVER", "unit_price": Money.of("145.00", "USD")}
    return order_of(today, item="SVC-CALIB", quantity=4, cost_centre="ED", **price)


def issue_of(today: date, **changes: object) -> IssueDraft:
    """Draw up an issue of one box of gloves, or of what the test says."""
    fields = {"requester": "sam.lind", "cost_centre": "ICU", "item": "GLOVE-M", "quantity": 1}
    return IssueDraft.model_validate(fields | {"issue_on": today} | changes)


def open_under(budget: Budget, key: str) -> list[Money]:
    """Find what is open on the order with this key."""
    return [order.open for order in budget.ordered if order.reference == reference(key)]


async def booked(erp: Erp, today: date, billed: Bill) -> ReverseDraft:
    """Let four calibrations be ordered and billed; return what would reverse the entry of the bill."""
    key = new_key()
    order = await erp.order(service_of(today), key=key)
    entry = billed(key, f"B-{new_key()[:8]}").entry
    return ReverseDraft(entry=entry, of=key, number=order.number, because="billed twice")


class ErpContract:
    """What everybody may count on."""

    async def test_an_item_is_known_with_its_category_supplier_contract_and_price(self, erp: Erp, today: date):
        found = await erp.sourcing(asked(), today)
        assert (found.item, found.description, found.category) == ("KNEE-TIB-4", "Tibial tray 4", "implants")
        assert (found.supplier, found.supplier_name) == ("SUP-CORDIS", "Cordis Devices")
        assert (found.contract, found.unit_price) == ("C-CORDIS-26", Money.of("2890.00", "USD"))

    async def test_an_item_at_list_price_has_no_contract(self, erp: Erp, today: date):
        found = await erp.sourcing(asked(item="LAPTOP-14", cost_centre="IT"), today)
        assert (found.contract, found.unit_price) == (None, Money.of("1240.00", "USD"))

    async def test_a_cost_centre_has_its_budget_for_the_year(self, erp: Erp, today: date):
        budget = (await erp.sourcing(asked(cost_centre="LAB"), today)).budget
        assert (budget.cost_centre, budget.year, budget.budget) == ("LAB", today.year, Money.of("3000", "USD"))

    async def test_an_unknown_item_is_refused_and_the_field_is_named(self, erp: Erp, today: date):
        with pytest.raises(RefusedError, match="item: the ERP knows no item HIP-STEM-99"):
            await erp.sourcing(asked(item="HIP-STEM-99"), today)

    async def test_an_unknown_cost_centre_is_refused_and_the_field_is_named(self, erp: Erp, today: date):
        with pytest.raises(RefusedError, match="cost_centre: the ERP knows no cost centre MORGUE"):
            await erp.sourcing(asked(cost_centre="MORGUE"), today)

    async def test_a_foreign_currency_is_refused_and_the_field_is_named(self, erp: Erp, today: date):
        with pytest.raises(RefusedError, match="currency: the books are in USD"):
            await erp.sourcing(asked(currency="EUR"), today)

    async def test_the_books_are_open_today(self, erp: Erp, today: date):
        assert (await erp.sourcing(asked(), today)).period_open

    async def test_the_books_of_last_year_are_closed_and_have_nothing_to_spend(self, erp: Erp, today: date):
        found = await erp.sourcing(asked(charge_on=date(today.year - 1, 12, 31)), today)
        assert not found.period_open
        assert found.budget.budget == Money.of(0, "USD")

    async def test_the_day_of_charge_and_not_today_chooses_the_year(self, erp: Erp, today: date):
        found = await erp.sourcing(asked(charge_on=date(today.year + 1, 1, 4)), today)
        assert found.period_open
        assert found.budget.year == today.year + 1

    async def test_an_order_has_a_number_and_its_exact_amount(self, erp: Erp, today: date):
        placed = await erp.order(order_of(today), key=new_key())
        assert placed.number
        assert (placed.kind, placed.state) == ("purchase order", "processing")
        assert placed.amount == Money.of("12500.50", "USD")

    async def test_the_same_key_again_is_the_same_order(self, erp: Erp, today: date):
        key = new_key()
        first = await erp.order(order_of(today), key=key)
        assert await erp.order(order_of(today), key=key) == first

    async def test_a_placed_order_is_found_by_its_key(self, erp: Erp, today: date):
        key = new_key()
        placed = await erp.order(order_of(today), key=key)
        assert await erp.find_order(key) == placed

    async def test_a_key_without_an_order_finds_nothing(self, erp: Erp):
        assert await erp.find_order(new_key()) is None

    async def test_a_key_is_never_reused_for_another_order(self, erp: Erp, today: date):
        key = new_key()
        first = await erp.order(order_of(today), key=key)
        with pytest.raises(MismatchError, match="already has this key"):
            await erp.order(order_of(today, quantity=3), key=key)
        assert await erp.find_order(key) == first

    async def test_eight_at_once_with_one_key_make_one_order(self, erp: Erp, today: date):
        key = new_key()
        placed = await asyncio.gather(*(erp.order(order_of(today), key=key) for _ in range(8)))
        assert len({order.number for order in placed}) == 1

    async def test_twelve_at_once_with_twelve_keys_have_twelve_numbers(self, erp: Erp, today: date):
        placed = await asyncio.gather(*(erp.order(order_of(today), key=new_key()) for _ in range(12)))
        assert len({order.number for order in placed}) == 12

    async def test_an_order_is_open_on_its_cost_centre_until_it_is_billed(self, erp: Erp, today: date):
        key = new_key()
        await erp.order(order_of(today), key=key)
        assert open_under((await erp.sourcing(asked(), today)).budget, key) == [Money.of("12500.50", "USD")]
        assert not open_under((await erp.sourcing(asked(cost_centre="ICU"), today)).budget, key)

    async def test_an_order_charged_to_next_year_is_open_there_and_not_in_this_year(self, erp: Erp, today: date):
        key, later = new_key(), date(today.year + 1, 1, 4)
        await erp.order(order_of(today, charge_on=later), key=key)
        assert not open_under((await erp.sourcing(asked(), today)).budget, key)
        assert open_under((await erp.sourcing(asked(charge_on=later), today)).budget, key)

    async def test_a_refused_order_leaves_nothing_behind(self, erp: Erp, today: date):
        key = new_key()
        with pytest.raises(RefusedError, match=r"(?i)address"):
            await erp.order(order_of(today, item="SUTURE-30", supplier="SUP-HALT"), key=key)
        assert await erp.find_order(key) is None
        assert not open_under((await erp.sourcing(asked(), today)).budget, key)

    async def test_an_order_from_an_unknown_supplier_is_refused_and_the_field_is_named(self, erp: Erp, today: date):
        with pytest.raises(RefusedError, match="supplier: the ERP knows no supplier SUP-NOBODY"):
            await erp.order(order_of(today, supplier="SUP-NOBODY"), key=new_key())

    async def test_an_issue_is_promised_and_takes_from_what_is_on_hand(self, erp: Erp, today: date):
        before = await erp.sourcing(asked(item="GLOVE-M"), today)
        issued = await erp.issue(issue_of(today, quantity=3), key=new_key())
        after = await erp.sourcing(asked(item="GLOVE-M"), today)
        assert issued.number
        assert (issued.kind, issued.state) == ("stock issue", "assigned")
        assert before.on_hand - after.on_hand == Decimal(3)

    async def test_the_same_key_again_is_the_same_issue(self, erp: Erp, today: date):
        key = new_key()
        first = await erp.issue(issue_of(today), key=key)
        assert await erp.issue(issue_of(today), key=key) == first
        assert await erp.find_issue(key) == first

    async def test_more_than_there_is_cannot_be_issued_and_nothing_is_taken(self, erp: Erp, today: date):
        key = new_key()
        before = await erp.sourcing(asked(item="IVSET-20"), today)
        with pytest.raises(RefusedError, match="cannot promise"):
            await erp.issue(issue_of(today, item="IVSET-20", quantity=int(before.on_hand) + 1), key=key)
        assert await erp.find_issue(key) is None
        assert (await erp.sourcing(asked(item="IVSET-20"), today)).on_hand == before.on_hand

    async def test_the_last_of_the_shelf_goes_to_one_only(self, erp: Erp, today: date):
        left = int((await erp.sourcing(asked(item="HEPARIN-5K"), today)).on_hand)
        draft = issue_of(today, item="HEPARIN-5K", quantity=left)
        results = await asyncio.gather(*(erp.issue(draft, key=new_key()) for _ in range(3)), return_exceptions=True)
        refused = [result for result in results if isinstance(result, RefusedError)]
        assert len(refused) == len(results) - 1

    async def test_an_issue_and_an_order_may_share_a_key(self, erp: Erp, today: date):
        key = new_key()
        order = await erp.order(order_of(today), key=key)
        issue = await erp.issue(issue_of(today), key=key)
        assert (await erp.find_order(key), await erp.find_issue(key)) == (order, issue)

    async def test_an_order_that_is_taken_back_is_open_no_more_however_often_it_is_asked(self, erp: Erp, today: date):
        key = new_key()
        placed = await erp.order(order_of(today), key=key)
        draft = CancelDraft(kind="purchase order", of=key, number=placed.number, because="ordered twice by phone")
        for _ in range(2):
            gone = await erp.cancel(draft, key=new_key())
            assert (gone.number, gone.state, gone.key) == (placed.number, "cancelled", key)
        assert not open_under((await erp.sourcing(asked(), today)).budget, key)

    async def test_an_issue_that_is_taken_back_is_on_the_shelf_again(self, erp: Erp, today: date):
        key = new_key()
        before = await erp.sourcing(asked(item="GLOVE-M"), today)
        made = await erp.issue(issue_of(today, quantity=3), key=key)
        for _ in range(2):
            gone = await erp.cancel(CancelDraft(kind="stock issue", of=key, number=made.number), key=new_key())
            assert gone.state == "cancelled"
        assert (await erp.sourcing(asked(item="GLOVE-M"), today)).on_hand == before.on_hand

    async def test_what_was_never_made_cannot_be_taken_back(self, erp: Erp):
        for kind in ("purchase order", "stock issue"):
            with pytest.raises(RefusedError, match="under our key"):
                await erp.cancel(CancelDraft(kind=kind, of=new_key(), number="1"), key=new_key())

    async def test_an_invoice_leads_back_to_its_order_by_its_number_and_by_the_suppliers(
        self, erp: Erp, today: date, billed: Bill
    ):
        key, theirs = new_key(), f"B-{new_key()[:8]}"
        order = await erp.order(service_of(today), key=key)
        bill = billed(key, theirs)
        (invoice,) = await erp.trace(theirs)
        assert (invoice.kind, invoice.number, invoice.supplier_number) == ("supplier invoice", bill.number, theirs)
        assert (invoice.key, invoice.of) == (key, order.number)
        assert (invoice.state, invoice.amount, invoice.dated) == ("posted", Money.of(580, "USD"), today)
        assert invoice in await erp.trace(bill.number)

    async def test_a_journal_entry_leads_back_to_the_order_that_its_invoice_came_of(
        self, erp: Erp, today: date, billed: Bill
    ):
        key = new_key()
        order = await erp.order(service_of(today), key=key)
        number = billed(key, f"B-{new_key()[:8]}").entry
        (entry,) = [one for one in await erp.trace(number) if one.kind == "journal entry"]
        assert (entry.number, entry.state, entry.dated) == (number, "posted", today)
        assert (entry.key, entry.of, entry.amount) == (key, order.number, Money.of(580, "USD"))

    async def test_an_entry_is_reversed_once_however_often_it_is_asked(self, erp: Erp, today: date, billed: Bill):
        draft = await booked(erp, today, billed)
        first, second = [await erp.reverse(draft, key=new_key()) for _ in range(2)]
        assert first == second
        assert first.number not in ("", draft.entry)
        assert (first.kind, first.state, first.key) == ("journal entry", "posted", draft.of)
        assert first.amount == Money.of(580, "USD")

    async def test_what_four_ask_for_at_once_is_reversed_once(self, erp: Erp, today: date, billed: Bill):
        draft = await booked(erp, today, billed)
        made = await asyncio.gather(*(erp.reverse(draft, key=new_key()) for _ in range(4)))
        assert len({one.number for one in made}) == 1

    async def test_what_is_reversed_is_spent_no_more(self, erp: Erp, today: date, billed: Bill):
        before = (await erp.sourcing(asked(cost_centre="ED"), today)).budget
        draft = await booked(erp, today, billed)
        await erp.reverse(draft, key=new_key())
        after = (await erp.sourcing(asked(cost_centre="ED"), today)).budget
        assert after.posted == before.posted

    async def test_an_entry_that_reverses_another_leads_back_to_the_order_as_well(
        self, erp: Erp, today: date, billed: Bill
    ):
        draft = await booked(erp, today, billed)
        mirror = await erp.reverse(draft, key=new_key())
        (found,) = [one for one in await erp.trace(mirror.number) if one.kind == "journal entry"]
        assert (found.key, found.of, found.state) == (draft.of, draft.number, "posted")
        assert found.reverses == draft.entry
        (entry,) = [one for one in await erp.trace(draft.entry) if one.kind == "journal entry"]
        assert not entry.reverses

    async def test_no_entry_is_reversed_that_came_of_something_else(self, erp: Erp, today: date, billed: Bill):
        draft, other = await booked(erp, today, billed), await booked(erp, today, billed)
        mirror = await erp.reverse(draft, key=new_key())
        for entry in (other.entry, mirror.number, "J-NEVER", ""):
            with pytest.raises(RefusedError, match="booked as journal entry"):
                await erp.reverse(draft.model_copy(update={"entry": entry}), key=new_key())

    async def test_what_came_of_no_order_of_ours_leads_nowhere(self, erp: Erp, today: date):
        await erp.order(service_of(today), key=new_key())
        for number in (f"B-{new_key()}", "%", "Ünknown/7 & co?", ""):
            assert await erp.trace(number) == ()
