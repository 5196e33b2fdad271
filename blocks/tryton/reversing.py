"""Reversing the journal entry of a bill in Tryton: the bill is cancelled, which posts the entry's mirror.

A bill that is posted has one entry, and a bill that is cancelled one that reverses it: so the bill's state is the key.
The mirror is dated like the entry, or today where the period of that is closed: Tryton asks before it does so, and
we say yes beforehand, as those who agree are told. In a period that is locked, which is for good, it reverses nothing.
To Tryton a bill that was reversed is settled: an order of which all was billed, and all has come, is done and commits
no more.
"""

from typing import Final

from blocks.errors import RefusedError
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
    *("move.period.name", "move.period.state", "cancel_move.number", "cancel_move.state"),
)
CANCELLED: Final = "cancelled"
UNASKED: Final = {"_skip_warnings": True}
"""What keeps Tryton from asking back."""


class Reversing:
    """Cancels bills for orders of ours."""

    def __init__(self, rest: TrytonRest, masters: Masters) -> None:
        self._rest = rest
        self._masters = masters

    async def entry(self, draft: ReverseDraft) -> ErpDocument:
        """Reverse an entry; `RefusedError` where it is of another order, its bill is settled, or its period locked."""
        context = (await self._masters.site()).context
        bill = await self._bill(draft, context)
        if bill["state"] != CANCELLED:
            if reason := _reason_not_to_cancel(bill):
                raise RefusedError(SYSTEM, reason)
            bill = await self._cancelled(bill, context)
        return _document(bill, draft)

    async def _cancelled(self, bill: Found, context: Values) -> Found:
        """Press the button; where that is refused, and somebody else had pressed it, it is cancelled all the same."""
        try:
            return await self._rest.act(BILLS, bill["id"], "cancel", FIELDS, {**context, **UNASKED})
        except RefusedError:
            left = await self._rest.read(BILLS, bill["id"], FIELDS, context)
            if left["state"] != CANCELLED:
                raise
            return left

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


def _reason_not_to_cancel(bill: Found) -> str | None:
    """Say why a bill cannot be cancelled, and what to do; or None. To Tryton a bill is paid once its entry balances."""
    if bill["state"] == "paid":
        return (
            f"{bill['number']} is settled: it was paid, or its entry was reversed by hand. "
            "See in the ERP what it is reconciled with, and take that back first if it is wrong"
        )
    period = bill["move"]["period"]
    if period["state"] == "locked":
        return f"the period {period['name']} is locked for good: correct it by an entry in a period that is open"
    return None


def _document(bill: Found, draft: ReverseDraft) -> ErpDocument:
    mirror = bill["cancel_move"]
    if not mirror:
        raise RefusedError(SYSTEM, f"{bill['number']} was cancelled before it was booked: there is nothing to reverse")
    amount = Money(amount=bill["total_amount"], currency=bill["currency"]["code"])
    told = {"number": mirror["number"], "state": mirror["state"], "key": draft.of, "amount": amount}
    return ErpDocument(kind="journal entry", **told)
