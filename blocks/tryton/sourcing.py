"""What Tryton knows about a requisition: item and stock, offer, budget, open orders, calendar.

Four questions, asked at once. Prices, stock and budgets are never remembered.
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple, get_args

from blocks.errors import RefusedError, UnreadableError
from blocks.records.money import Money
from blocks.records.purchasing import Budget, Category, OpenOrder, Requisition, Sourcing
from blocks.tryton.charges import charged_on
from blocks.tryton.http import SYSTEM, Found, TrytonRest
from blocks.tryton.masters import Masters, Site, unknown

_OFFER: Final = "template.product_suppliers"
_ITEM: Final = (
    *("template.name", "account_category.code", "default_uom.id", "default_uom.symbol", "quantity"),
    *("template.purchasable", "template.purchase_uom.id", f"{_OFFER}.product.id"),
    *(f"{_OFFER}.party.code", f"{_OFFER}.party.name", f"{_OFFER}.code", f"{_OFFER}.currency.code"),
    *(f"{_OFFER}.prices.quantity", f"{_OFFER}.prices.unit_price"),
)
_BUDGET: Final = ("total_amount", "actual_amount", "budget.name", "budget.end_date")
_LINE: Final = (
    *("quantity", "unit_price", "invoice_lines.quantity", "invoice_lines.invoice.state"),
    *("purchase.reference", "purchase.number", "purchase.description", "purchase.purchase_date"),
    "purchase.currency.code",
)
_BILLED: Final = frozenset({"posted", "paid"})


class Offer(NamedTuple):
    """Who sells an item, under which contract, at which price."""

    supplier: str
    supplier_name: str
    contract: str | None
    unit_price: Money | None


class Reader:
    """Reads what stands behind a requisition."""

    def __init__(self, rest: TrytonRest, masters: Masters) -> None:
        self._rest = rest
        self._masters = masters

    async def sourcing(self, request: Requisition, on: date) -> Sourcing:
        """Read stock, offer, budget and period for one requisition on one day."""
        site = await self._masters.site()
        if request.currency != site.currency_code:
            why = f"currency: the books are in {site.currency_code}, not {request.currency}"
            raise RefusedError(SYSTEM, f"{why}; give the amount in {site.currency_code}")
        day = request.charge_on or on
        item, lines, orders, periods = await asyncio.gather(
            self._item(request.item, site),
            self._budget_lines(request.cost_centre, day, site),
            self._order_lines(request.cost_centre, site),
            self._periods(day, site),
        )
        if not lines:
            await self._masters.cost_centre(request.cost_centre)
        offer = _offer(item, request.quantity)
        return Sourcing(
            item=request.item,
            description=item["template"]["name"],
            category=_category(item, request.item),
            unit=item["default_uom"]["symbol"],
            on_hand=_count(item["quantity"]),
            supplier=offer.supplier if offer else None,
            supplier_name=offer.supplier_name if offer else "",
            contract=offer.contract if offer else None,
            unit_price=offer.unit_price if offer else None,
            budget=_budget(request.cost_centre, day, lines, orders, site.currency_code),
            period_open=any(period["state"] == "open" for period in periods),
        )

    async def _item(self, code: str, site: Site) -> Found:
        # Assigned goods are promised: they count as gone.
        shelf = {**site.context, "locations": [site.storage], "stock_assign": True}
        found = await self._rest.search("product.product", [["code", "=", code]], _ITEM, shelf)
        if not found:
            raise unknown("item", code)
        return found[0]

    async def _budget_lines(self, cost_centre: str, day: date, site: Site) -> list[Found]:
        domain = [
            ["account.code", "=", cost_centre],
            ["budget.start_date", "<=", day],
            ["budget.end_date", ">=", day],
        ]
        return await self._rest.search("analytic_account.budget.line", domain, _BUDGET, site.context)

    async def _order_lines(self, cost_centre: str, site: Site) -> list[Found]:
        domain = [
            ["purchase.state", "in", ["confirmed", "processing"]],
            ["analytic_accounts.account.code", "=", cost_centre],
        ]
        return await self._rest.search("purchase.line", domain, _LINE, site.context)

    async def _periods(self, day: date, site: Site) -> list[Found]:
        domain = [["start_date", "<=", day], ["end_date", ">=", day], ["type", "=", "standard"]]
        return await self._rest.search("account.period", domain, ["state"], site.context)


def _category(item: Found, code: str) -> Category:
    """Read the category of spend: the code of the item's accounting category."""
    name = (item["account_category"] or {}).get("code")
    for category in get_args(Category):
        if name == category:
            known: Category = category
            return known
    raise UnreadableError(SYSTEM, f"item {code} is in category {name}; policy knows {', '.join(get_args(Category))}")


def _offer(item: Found, quantity: int) -> Offer | None:
    """Choose the first supplier's row, as Tryton orders them, and its price for that many."""
    rows = [row for row in item["template"]["product_suppliers"] if (row["product"] or item)["id"] == item["id"]]
    if not item["template"]["purchasable"] or not rows:
        return None
    if item["template"]["purchase_uom"]["id"] != item["default_uom"]["id"]:
        why = f"{item['template']['name']} is bought in another unit than it is stocked in"
        raise UnreadableError(SYSTEM, f"{why}; give it one unit")
    row = rows[0]
    tiers = sorted((price["quantity"] or 0, price["unit_price"]) for price in row["prices"])
    fitting = [price for threshold, price in tiers if threshold <= quantity]
    price = Money(amount=fitting[-1], currency=row["currency"]["code"]) if fitting else None
    return Offer(row["party"]["code"], row["party"]["name"], row["code"] or None, price)


def _budget(cost_centre: str, day: date, lines: Sequence[Found], orders: Sequence[Found], currency: str) -> Budget:
    """Add up a cost centre's position; Tryton's expenses are negative.

    A centre without a budget for the day has a budget of nothing.
    """
    if len(lines) > 1:
        names = ", ".join(line["budget"]["name"] for line in lines)
        raise UnreadableError(SYSTEM, f"{cost_centre} has more than one budget for {day}: {names}; leave one")
    zero = Decimal(0)
    line = lines[0] if lines else None
    end = line["budget"]["end_date"] if line else date(day.year, 12, 31)
    return Budget(
        cost_centre=cost_centre,
        year=end.year,
        budget=Money(amount=-line["total_amount"] if line else zero, currency=currency),
        posted=Money(amount=-line["actual_amount"] if line else zero, currency=currency),
        ordered=_open_orders(orders, end, currency),
    )


def _open_orders(lines: Sequence[Found], end: date, currency: str) -> tuple[OpenOrder, ...]:
    """Sum what is not yet billed, by order.

    An order still open when its year ends is paid from the next: so all that are charged by the
    *end* of this year count, however old, and none that are charged later.
    """
    open_by_order: dict[str, Decimal] = {}
    for line in lines:
        purchase = line["purchase"]
        if charged_on(purchase["description"], purchase["purchase_date"]) > end:
            continue
        name = purchase["reference"] or f"PO {purchase['number']}"
        if purchase["currency"]["code"] != currency:
            why = f"order {name} is in {purchase['currency']['code']}: what it takes of the budget is unknown"
            raise UnreadableError(SYSTEM, why)
        rest = _unbilled(line)
        if rest > 0:
            open_by_order[name] = open_by_order.get(name, Decimal(0)) + rest * line["unit_price"]
    return tuple(
        OpenOrder(reference=name, open=Money(amount=amount, currency=currency))
        for name, amount in sorted(open_by_order.items())
    )


def _unbilled(line: Found) -> Decimal:
    """Count what is ordered and not yet on a posted bill."""
    billed = sum(
        (
            _count(bill["quantity"])
            for bill in line["invoice_lines"]
            if bill["invoice"] and bill["invoice"]["state"] in _BILLED
        ),
        start=Decimal(0),
    )
    return _count(line["quantity"]) - billed


def _count(quantity: float) -> Decimal:
    """Read a quantity, which Tryton sends as a float: six, not 6.0."""
    whole = int(quantity)
    return Decimal(whole) if whole == quantity else Decimal(str(quantity))
