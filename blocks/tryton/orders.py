"""Purchase orders in Tryton: draft, quotation, confirmed, processing."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from blocks.errors import OutsideError
from blocks.records.money import Money
from blocks.records.purchasing import ErpDocument, OrderDraft
from blocks.tryton.charges import charge_note
from blocks.tryton.documents import Documents, Kind
from blocks.tryton.http import Found, TrytonRest, Values
from blocks.tryton.masters import Masters, Site
from blocks.wire.names import reference

SETTLE_PAUSES_S: Final[Sequence[float]] = (0.0, 0.05, 0.2)
"""Tryton processes a confirmed order right after its answer: when to look."""

ORDERS: Final = Kind(
    name="purchase order",
    model="purchase.purchase",
    fields=(
        *("state", "number", "untaxed_amount", "currency.code", "party.code"),
        *("lines.product.code", "lines.quantity", "lines.unit_price"),
    ),
    acts={"draft": "quote", "quotation": "confirm"},
    binding=frozenset({"confirmed", "processing", "done"}),
    stalled="the order would not move on; look at it in the ERP",
)


class Orders:
    """Places and finds purchase orders."""

    def __init__(self, rest: TrytonRest, masters: Masters) -> None:
        self._rest = rest
        self._masters = masters
        self._documents = Documents(rest, ORDERS)

    async def place(self, draft: OrderDraft, key: str) -> Found:
        """Place the order, or find it placed."""
        site = await self._masters.site()

        async def values() -> Values:
            return await self._values(draft, key, site)

        def differs(found: Found) -> str | None:
            return _difference(found, draft)

        placed = await self._documents.obtain(key, site.context, values, differs)
        return await self._settled(placed, site.context)

    async def find(self, key: str) -> Found | None:
        """Find a placed order."""
        site = await self._masters.site()
        return await self._documents.placed(key, site.context)

    async def _values(self, draft: OrderDraft, key: str, site: Site) -> Values:
        supplier, item, centre = await asyncio.gather(
            self._masters.supplier(draft.supplier),
            self._masters.item(draft.item),
            self._masters.cost_centre(draft.cost_centre),
        )
        rows = item["template"]["product_suppliers"]
        offer = next((row["id"] for row in rows if row["party"]["code"] == draft.supplier), None)
        line = {
            "product": item["id"],
            "product_supplier": offer,
            "quantity": float(draft.quantity),
            "unit": item["template"]["purchase_uom"]["id"],
            "unit_price": draft.unit_price.amount,
            "analytic_accounts": [["create", [{"root": centre["root"]["id"], "account": centre["id"]}]]],
        }
        return {
            "company": site.company,
            "party": supplier.id,
            "invoice_address": supplier.address,
            "payment_term": supplier.payment_term,
            "currency": site.currency,
            "warehouse": site.warehouse,
            # Bills follow goods: nothing is drafted in the books until something arrives.
            "invoice_method": "fulfillment",
            "purchase_date": draft.order_on,
            "delivery_date": draft.needed_by,
            "reference": reference(key),
            "description": charge_note(draft.requester, draft.cost_centre, draft.charge_on or draft.order_on),
            "comment": draft.note,
            "lines": [["create", [line]]],
        }

    async def _settled(self, placed: Found, context: Values) -> Found:
        """Wait until a confirmed order is processed, and push it on once if it stalls.

        A confirmed order binds already. So what fails here is no failure of the order.
        """
        with suppress(OutsideError):
            for pause_s in SETTLE_PAUSES_S:
                if placed["state"] != "confirmed":
                    return placed
                await asyncio.sleep(pause_s)
                placed = await self._rest.read(ORDERS.model, placed["id"], ORDERS.fields, context)
            if placed["state"] == "confirmed":
                placed = await self._rest.act(ORDERS.model, placed["id"], "process", ORDERS.fields, context)
        return placed


def order_document(found: Found, key: str) -> ErpDocument:
    """Read a purchase order as the record of it."""
    amount = Money(amount=found["untaxed_amount"], currency=found["currency"]["code"])
    return ErpDocument(kind="purchase order", number=found["number"], state=found["state"], key=key, amount=amount)


def _difference(found: Found, draft: OrderDraft) -> str | None:
    """Say in what the order under the key is not the one we want."""
    there = [(line["product"]["code"], line["quantity"], line["unit_price"]) for line in found["lines"]]
    wanted = [(draft.item, float(draft.quantity), draft.unit_price.amount)]
    if found["party"]["code"] != draft.supplier:
        return f"supplier {found['party']['code']}"
    if there != wanted:
        return "; ".join(f"{quantity:g} × {item} at {price}" for item, quantity, price in there) or "no lines"
    return None
