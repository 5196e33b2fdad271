"""Tryton as the ERP: stock, contracts, budgets and orders over its REST door.

Needs Tryton 8 with the modules purchase, stock, analytic_purchase and analytic_budget, a user of its
own with a key for the REST door, and a unique index over references that begin with `almoner:`.
"""

from datetime import date

import httpx

from blocks.ports import Personality
from blocks.records.purchasing import (
    CancelDraft,
    ErpDocument,
    IssueDraft,
    OrderDraft,
    Requisition,
    ReverseDraft,
    Sourcing,
    Trace,
)
from blocks.tryton.cancelling import Cancelling
from blocks.tryton.http import TrytonRest
from blocks.tryton.issues import Issues, issue_document
from blocks.tryton.masters import Masters
from blocks.tryton.orders import Orders, order_document
from blocks.tryton.reversing import Reversing
from blocks.tryton.sourcing import Reader
from blocks.tryton.tracing import Tracing

TIMEOUT_S = 30.0
"""Patience for one answer. Tryton on a laptop answers one request at a time, so some of this is queueing."""


class TrytonErp:
    """The `Erp` port over Tryton. Use one instance per event loop, and `aclose()` it.

    *url* is the server's address, *key* a user-application key for REST, *warehouse* the code of the
    store that issues are made from. *transport* replaces the network, for tests of failures.
    """

    personality = Personality(key_kept_s=None, finds=True)

    def __init__(
        self,
        url: str,
        database: str,
        key: str,
        *,
        warehouse: str = "WH",
        timeout_s: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._rest = TrytonRest(url, database, key, timeout_s=timeout_s, transport=transport)
        masters = Masters(self._rest, warehouse)
        self._reader = Reader(self._rest, masters)
        self._orders = Orders(self._rest, masters)
        self._issues = Issues(self._rest, masters)
        self._cancelling = Cancelling(self._rest, masters)
        self._reversing = Reversing(self._rest, masters)
        self._tracing = Tracing(self._rest, masters)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._rest.aclose()

    async def sourcing(self, request: Requisition, on: date) -> Sourcing:
        """Read stock, supplier, contract price, budget position and period."""
        return await self._reader.sourcing(request, on)

    async def order(self, draft: OrderDraft, *, key: str) -> ErpDocument:
        """Place the order; the same key again returns the order already there."""
        placed = await self._orders.place(draft, key)
        return order_document(placed, key)

    async def find_order(self, key: str) -> ErpDocument | None:
        """Find a placed order by key: confirmed, processing or done."""
        found = await self._orders.find(key)
        return order_document(found, key) if found else None

    async def issue(self, draft: IssueDraft, *, key: str) -> ErpDocument:
        """Reserve goods in the store for a department; the same key again returns that issue."""
        made = await self._issues.make(draft, key)
        return issue_document(made, key)

    async def find_issue(self, key: str) -> ErpDocument | None:
        """Find an issue by key whose goods are reserved or gone."""
        found = await self._issues.find(key)
        return issue_document(found, key) if found else None

    async def cancel(self, draft: CancelDraft, *, key: str) -> ErpDocument:  # noqa: ARG002  its state is its key
        """Take an order or an issue back, before goods came or went."""
        return await (self._cancelling.order if draft.kind == "purchase order" else self._cancelling.issue)(draft)

    async def reverse(self, draft: ReverseDraft, *, key: str) -> ErpDocument:  # noqa: ARG002  its state is its key
        """Cancel the bill that an entry books, which posts the entry's mirror."""
        return await self._reversing.entry(draft)

    async def trace(self, number: str) -> tuple[Trace, ...]:
        """Follow an invoice, or the journal entry of one, back to orders of ours."""
        return await self._tracing.trace(number)
