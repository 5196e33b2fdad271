"""Taking documents back in Tryton, before goods came or went.

An order that is being processed has no button for it: its open moves are cancelled, the order is told to expect them
no more, and processed once more. It is then *done* with nothing received and nothing to bill, and no commitment. An
issue is cancelled as such, and its goods are free again. What is already done is skipped, so that any try ends alike.
"""

import asyncio
from typing import Final

from blocks.errors import RefusedError
from blocks.records.money import Money
from blocks.records.purchasing import CancelDraft, ErpDocument
from blocks.tryton.http import SYSTEM, Found, TrytonRest, Values
from blocks.tryton.issues import ISSUES
from blocks.tryton.masters import Masters
from blocks.tryton.orders import ORDERS
from blocks.wire.names import reference

ORDER_FIELDS: Final = (
    *("state", "number", "untaxed_amount", "currency.code", "invoice_state", "moves.id", "moves.state"),
    *("lines.id", "lines.moves.id"),
)
ISSUE_FIELDS: Final = ("state", "number")
CANCELLED: Final = "cancelled"
GONE: Final = frozenset({"shipped", "done"})


class Cancelling:
    """Takes orders and issues back."""

    def __init__(self, rest: TrytonRest, masters: Masters) -> None:
        self._rest = rest
        self._masters = masters

    async def order(self, draft: CancelDraft) -> ErpDocument:
        """Take an order back; `RefusedError` once goods have arrived or a bill stands against it."""
        context = (await self._masters.site()).context
        found = await self._found(ORDERS.model, draft, ORDER_FIELDS, context)
        if found["state"] in {"draft", "quotation"}:
            await self._rest.act(ORDERS.model, found["id"], "cancel", ["state"], context)
        elif found["state"] != CANCELLED:
            await self._expect_no_more(found, context)
        amount = Money(amount=found["untaxed_amount"], currency=found["currency"]["code"])
        return _document(draft, amount)

    async def issue(self, draft: CancelDraft) -> ErpDocument:
        """Take an issue back; `RefusedError` once the goods have left."""
        context = (await self._masters.site()).context
        found = await self._found(ISSUES.model, draft, ISSUE_FIELDS, context)
        if found["state"] in GONE:
            raise RefusedError(SYSTEM, f"{draft.number} has left the store: ask the store to take it back")
        if found["state"] != CANCELLED:
            await self._rest.act(ISSUES.model, found["id"], "cancel", ["state"], context)
        return _document(draft)

    async def _expect_no_more(self, found: Found, context: Values) -> None:
        """Cancel what was to come of an order, and let the order be done without it."""
        if any(move["state"] == "done" for move in found["moves"]):
            raise RefusedError(SYSTEM, f"goods have arrived for {found['number']}: send them back instead")
        if found["invoice_state"] != "none":
            raise RefusedError(SYSTEM, f"a bill stands against {found['number']}: settle it with the supplier first")
        coming = [move["id"] for move in found["moves"] if move["state"] != CANCELLED]
        if found["state"] == "done" and not coming:
            return
        await asyncio.gather(*(self._rest.act("stock.move", one, "cancel", ["state"], context) for one in coming))
        for line in found["lines"]:
            ignored = {"moves_ignored": [["add", [move["id"] for move in line["moves"]]]]}
            await self._rest.write("purchase.line", line["id"], ignored, ["id"], context)
        await self._rest.act(ORDERS.model, found["id"], "process", ["state"], context)

    async def _found(self, model: str, draft: CancelDraft, fields: tuple[str, ...], context: Values) -> Found:
        found = await self._rest.search(model, [["reference", "=", reference(draft.of)]], fields, context)
        if not found:
            raise RefusedError(SYSTEM, f"the ERP holds no {draft.kind} {draft.number} under our key")
        return found[0]


def _document(draft: CancelDraft, amount: Money | None = None) -> ErpDocument:
    return ErpDocument(kind=draft.kind, number=draft.number, state=CANCELLED, key=draft.of, amount=amount)
