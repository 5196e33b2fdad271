"""From an invoice or a journal entry in Tryton back to the order it came of, by the lines that were billed."""

from collections.abc import Iterator
from typing import Final

from blocks.errors import UnreadableError
from blocks.records.money import Money
from blocks.records.purchasing import Trace
from blocks.tryton.http import Found, TrytonRest, Values
from blocks.tryton.masters import Masters
from blocks.tryton.orders import ORDERS
from blocks.wire.names import REFERENCE

BILLED: Final = "lines.invoice_lines.invoice"
INVOICE: Final = ("id", "number", "reference", "state", "invoice_date", "total_amount", "currency.code")
ENTRIES: Final = ("move", "cancel_move")
"""The entry of a bill, and the one that reverses it."""
ENTRY: Final = tuple(f"{entry}.{name}" for entry in ENTRIES for name in ("number", "state", "date"))
NUMBERS: Final = ("number", "reference", *(f"{entry}.number" for entry in ENTRIES))


class Tracing:
    """Finds what others made of our orders."""

    def __init__(self, rest: TrytonRest, masters: Masters) -> None:
        self._rest = rest
        self._masters = masters

    async def trace(self, number: str) -> tuple[Trace, ...]:
        """List what has this number, with each order of ours that it came of."""
        context = (await self._masters.site()).context
        try:
            orders = await self._billed(number, NUMBERS, (*INVOICE, *ENTRY), context)
        except UnreadableError:  # we may not look at journal entries: an invoice can be found without
            orders = await self._billed(number, ("number", "reference"), INVOICE, context)
            if not orders:
                raise
        return tuple(trace for order in orders for trace in _traces(order, number))

    async def _billed(
        self, number: str, names: tuple[str, ...], fields: tuple[str, ...], context: Values
    ) -> list[Found]:
        """Find orders of ours with a bill of which one of some names is this number."""
        named = [[f"{BILLED}.{name}", "=", number] for name in names]
        domain = [["reference", "like", f"{REFERENCE}%"], ["OR", *named]]
        read = ("number", "reference", *(f"{BILLED}.{name}" for name in fields))
        return await self._rest.search(ORDERS.model, domain, read, context)


def _traces(order: Found, number: str) -> Iterator[Trace]:
    """Read what of an order has a number: an invoice once, however many of its lines it bills."""
    bills = [bill["invoice"] for line in order["lines"] for bill in line["invoice_lines"] if bill["invoice"]]
    of = {"key": order["reference"].removeprefix(REFERENCE), "of": order["number"]}
    for bill in {one["id"]: one for one in bills}.values():
        amount = Money(amount=bill["total_amount"], currency=bill["currency"]["code"])
        if number in (bill["number"], bill["reference"]):
            yield Trace(
                kind="supplier invoice", number=bill["number"] or "", state=bill["state"], amount=amount,
                supplier_number=bill["reference"] or "", dated=bill["invoice_date"], **of,
            )  # fmt: skip
        for name in ENTRIES:
            entry = bill.get(name)
            if entry and entry["number"] == number:
                reverses = bill["move"]["number"] if name == "cancel_move" else ""
                told = {"state": entry["state"], "dated": entry["date"], "amount": amount, "reverses": reverses}
                yield Trace(kind="journal entry", number=number, **told, **of)
