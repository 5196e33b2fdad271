"""Reversing the journal entry of a bill in Tryton: the bill is cancelled, which posts the entry's mirror.

A bill that is posted has one entry, and a bill that is cancelled one that reverses it: so the bill's state is the key.
The mirror is dated like the entry, or today where the period of that is closed: Tryton asks before it does so, and
we say yes beforehand, as those who agree are told. To Tryton a bill that was reversed is settled: an order of which all
was billed, and all has come, is done and commits no more.
"""

from typing import Final

from blocks.errors import RefusedError, UnreadableError
from blocks.records.money import Money
from blocks.records.purchasing import ErpDocument, ReverseDraft
from blocks.tryton.http import SYSTEM, Found, TrytonRest, Values
from blocks.tryton.masters import Masters
from blocks.tryton.orders import ORDERS
from blocks.tryton.tracing import BILLED
from blocks.wire.names import reference

BILLS: Final = "account.invoice"
FIELDS: Final = (
    *("id", "number", "state", "total_amount", "currency.code", "move.number"),
    *("cancel_move.number", "cancel_move.state"),
)
CANCELLED: Final = "cancelled"
NO_BUTTON: Final = "Calling button"
"""How Tryton begins to say that somebody may not press one, or not now."""
UNASKED: Final = {"_skip_warnings": True}
"""What keeps Tryton from asking back."""


class Reversing:
    """Cancels bills for orders of ours."""

    def __init__(self, rest: TrytonRest, masters: Masters) -> None:
        self._rest = rest
        self._masters = masters

    async def entry(self, draft: ReverseDraft) -> ErpDocument:
        """Reverse an entry; `RefusedError` where it is of another order, or its bill has been paid."""
        context = (await self._masters.site()).context
        bill = await self._bill(draft, context)
        if bill["state"] == "paid":
            raise RefusedError(SYSTEM, f"{bill['number']} has been paid: settle it with the supplier first")
        if bill["state"] != CANCELLED:
            bill = await self._cancelled(bill, context)
        return _document(bill, draft)

    async def _cancelled(self, bill: Found, context: Values) -> Found:
        """Press the button; where that is refused, and somebody else had pressed it, it is cancelled all the same."""
        try:
            return await self._rest.act(BILLS, bill["id"], "cancel", FIELDS, {**context, **UNASKED})
        except RefusedError as refusal:
            left = await self._rest.read(BILLS, bill["id"], FIELDS, context)
            if left["state"] == CANCELLED:
                return left
            if NO_BUTTON in refusal.detail and left["state"] == "posted":
                why = "our user may not cancel a bill: have an administrator give its group that button"
                raise UnreadableError(SYSTEM, why) from refusal
            raise

    async def _bill(self, draft: ReverseDraft, context: Values) -> Found:
        """Find the bill that an entry books, among those for the order."""
        read = tuple(f"{BILLED}.{name}" for name in FIELDS)
        orders = await self._rest.search(ORDERS.model, [["reference", "=", reference(draft.of)]], read, context)
        for line in (line for order in orders for line in order["lines"]):
            for bill in (x["invoice"] for x in line["invoice_lines"] if x["invoice"]):
                if (bill["move"] or {}).get("number") == draft.entry:
                    found: Found = bill
                    return found
        raise RefusedError(SYSTEM, f"no bill for order {draft.number} is booked as journal entry {draft.entry}")


def _document(bill: Found, draft: ReverseDraft) -> ErpDocument:
    mirror = bill["cancel_move"]
    if not mirror:
        raise RefusedError(SYSTEM, f"{bill['number']} was cancelled before it was booked: there is nothing to reverse")
    amount = Money(amount=bill["total_amount"], currency=bill["currency"]["code"])
    told = {"number": mirror["number"], "state": mirror["state"], "key": draft.of, "amount": amount}
    return ErpDocument(kind="journal entry", **told)
