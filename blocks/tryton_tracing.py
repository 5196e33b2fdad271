"""From an invoice or a journal entry in Tryton back to the order it came of, by the lines that were billed."""

from collections.abc import Iterator
from typing import Final

from blocks.records.money import Money
from blocks.records.purchasing import Trace
from blocks.tryton_http import Found, TrytonRest
from blocks.tryton_masters import Masters
from blocks.tryton_orders import ORDERS
from blocks.wire.names import REFERENCE

BILLED: Final = "lines.invoice_lines.invoice"
INVOICE: Final = (
    *("id", "number", "reference", "state", "invoice_date", "total_amount", "currency.code"),
    *("move.number", "move.state", "move.date"),
)
FIELDS: Final = ("number", "reference", *(f"{BILLED}.{name}" for name in INVOICE))


class Tracing:
    """Finds what others made of our orders."""

    def __init__(self, rest: TrytonRest, masters: Masters) -> None:
        self._rest = rest
        self._masters = masters

    async def trace(self, number: str) -> tuple[Trace, ...]:
        """List what has this number, with each order of ours that it came of."""
        context = (await self._masters.site()).context
        named = [[f"{BILLED}.{name}", "=", number] for name in ("number", "reference", "move.number")]
        domain = [["reference", "like", f"{REFERENCE}%"], ["OR", *named]]
        orders = await self._rest.search(ORDERS.model, domain, FIELDS, context)
        return tuple(trace for order in orders for trace in _traces(order, number))


def _traces(order: Found, number: str) -> Iterator[Trace]:
    """Read what of an order has a number: an invoice once, however many of its lines it bills."""
    bills = [bill["invoice"] for line in order["lines"] for bill in line["invoice_lines"] if bill["invoice"]]
    of = {"key": order["reference"].removeprefix(REFERENCE), "of": order["number"]}
    for bill in {one["id"]: one for one in bills}.values():
        if number in (bill["number"], bill["reference"]):
            amount = Money(amount=bill["total_amount"], currency=bill["currency"]["code"])
            yield Trace(
                kind="supplier invoice", number=bill["number"] or "", state=bill["state"], amount=amount,
                supplier_number=bill["reference"] or "", dated=bill["invoice_date"], **of,
            )  # fmt: skip
        entry = bill["move"]
        if entry and entry["number"] == number:
            yield Trace(kind="journal entry", number=number, state=entry["state"], dated=entry["date"], **of)
