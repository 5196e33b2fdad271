"""An ERP that remembers, in memory: the `Erp` port over the same hospital that the real one is seeded with.

It answers at once and keeps exact books, so that thousands of cases can be carried through it. Its faults are
asked for: `lose` answers after the work is done, `fail` calls before it is begun, `lag_s` until a document can
be found, `refused` suppliers.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from time import monotonic
from typing import Literal, NamedTuple, TypeVar

from blocks.errors import MismatchError, RefusedError, UnavailableError, UnknownError
from blocks.ports import Personality
from blocks.records.money import Money
from blocks.records.purchasing import (
    Budget,
    CancelDraft,
    ErpDocument,
    IssueDraft,
    OpenOrder,
    OrderDraft,
    Requisition,
    ReverseDraft,
    Sourcing,
    Trace,
)
from blocks.wire.names import reference
from infrastructure.local.erp.hospital import CostCentre, Hospital, Item, Supplier, hospital
from tests.fakes.erp_bills import Bill, Bills, Books, Reversed

SYSTEM = "FakeErp"
Kind = Literal["purchase order", "stock issue"]
Known = TypeVar("Known")


@dataclass(frozen=True)
class Placed:
    """A document with what it was made from, and since when it exists."""

    draft: OrderDraft | IssueDraft
    document: ErpDocument
    since: float


class Booked(NamedTuple):
    """A document in an ERP's own books, with what it was made from."""

    document: ErpDocument
    draft: OrderDraft | IssueDraft
    live: bool = True
    """Whether it binds: not cancelled since."""


class FakeErp:
    """The `Erp` port in memory. *year* and the next are open, the year before is closed."""

    def __init__(
        self,
        *,
        year: int = 2026,
        lag_s: float = 0.0,
        refused: Collection[str] = (),
        personality: Personality | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._hospital = _seed()
        self._items = {item.code: item for item in self._hospital.items}
        self._centres = {centre.code: centre for centre in self._hospital.cost_centres}
        self._suppliers = {supplier.code: supplier for supplier in self._hospital.suppliers}
        self._years = (year, year + 1)
        self._clock = clock
        self._lag_s = lag_s
        self._made: dict[tuple[str, str], Placed] = {}
        self._numbers: dict[str, int] = defaultdict(int)
        self._books: dict[str, Books] = defaultdict(Books)
        self.personality = personality or Personality(key_kept_s=None, finds=True, lag_s=lag_s)
        self.stock = {item.code: item.on_hand for item in self._hospital.items}
        self.prices = {item.code: item.price for item in self._hospital.items}
        self.refused = {*refused, *(code for code, s in self._suppliers.items() if s.invoice_address is None)}
        self.lose = 0
        """How many coming changes are made and their answers lost."""
        self.fail = 0
        """How many coming calls do not reach it."""
        self.calls: dict[str, int] = defaultdict(int)
        self.arrived: set[str] = set()
        """Keys of orders for which goods have arrived, and of issues that have left."""
        self._cancelled: set[tuple[str, str]] = set()
        self.bills = Bills()

    async def sourcing(self, request: Requisition, on: date) -> Sourcing:
        self._arrive("sourcing")
        currency, day = self._hospital.company.currency, request.charge_on or on
        if request.currency != currency:
            raise RefusedError(SYSTEM, f"currency: the books are in {currency}; give the amount in {currency}")
        item, centre = self._item(request.item), self._centre(request.cost_centre)
        return Sourcing(
            item=item.code,
            description=item.description,
            category=item.category,
            unit="u",
            on_hand=Decimal(self.stock[item.code]),
            supplier=item.supplier,
            supplier_name=self._suppliers[item.supplier].name,
            contract=item.contract,
            unit_price=self._money(self.prices[item.code]),
            budget=self._budget(centre, day),
            period_open=day.year in self._years,
        )

    async def order(self, draft: OrderDraft, *, key: str) -> ErpDocument:
        self._arrive("order")
        if placed := self._made.get(("purchase order", key)):
            return self._same(placed, draft)
        self._supplier(draft.supplier)
        self._item(draft.item)
        centre = self._centre(draft.cost_centre)
        if draft.supplier in self.refused:
            raise RefusedError(SYSTEM, f"{draft.supplier} has no address for invoices: an order needs one")
        amount = draft.unit_price * draft.quantity
        charged = draft.charge_on or draft.order_on
        open_order = OpenOrder(reference=reference(key), open=amount)
        self._books[centre.code].open[key] = (charged, open_order)
        return self._keep("purchase order", "processing", key, draft, amount)

    async def find_order(self, key: str) -> ErpDocument | None:
        self._arrive("find_order")
        return self._visible("purchase order", key)

    async def issue(self, draft: IssueDraft, *, key: str) -> ErpDocument:
        self._arrive("issue")
        if placed := self._made.get(("stock issue", key)):
            return self._same(placed, draft)
        self._item(draft.item)
        self._centre(draft.cost_centre)
        if self.stock[draft.item] < draft.quantity:
            raise RefusedError(SYSTEM, "the store cannot promise that many; read its stock again")
        self.stock[draft.item] -= draft.quantity
        return self._keep("stock issue", "assigned", key, draft, None)

    async def find_issue(self, key: str) -> ErpDocument | None:
        self._arrive("find_issue")
        return self._visible("stock issue", key)

    async def cancel(self, draft: CancelDraft, *, key: str) -> ErpDocument:  # noqa: ARG002  its state is its key
        self._arrive("cancel")
        what = (draft.kind, draft.of)
        if what not in self._made:
            raise RefusedError(SYSTEM, f"the ERP holds no {draft.kind} {draft.number} under our key")
        made = self._made[what]
        if what not in self._cancelled:
            self._take_back(made, draft.of)
            self._cancelled.add(what)
        self._answer()
        return made.document.model_copy(update={"state": "cancelled"})

    async def reverse(self, draft: ReverseDraft, *, key: str) -> ErpDocument:
        self._arrive("reverse")
        bill = self.bills.to_reverse(draft, SYSTEM)
        if bill.entry not in self.bills.mirrors:
            for part in (x for x in self.bills.posted if x.entry == bill.entry):
                books = self._books[part.centre]
                books.posted[part.dated.year] -= part.amount.amount
                books.open[part.key] = (part.dated, OpenOrder(reference=reference(part.key), open=part.amount))
            self.bills.reverse(bill, draft, key)
        self._answer()
        return self.bills.mirrors[bill.entry].document

    async def trace(self, number: str) -> tuple[Trace, ...]:
        self._arrive("trace")
        return self.bills.trace(number)

    def _take_back(self, made: Placed, key: str) -> None:
        opened = self._books[made.draft.cost_centre].open
        if key in self.arrived or (isinstance(made.draft, OrderDraft) and key not in opened):
            raise RefusedError(SYSTEM, f"goods have arrived for {made.document.number}, or have left the store")
        opened.pop(key, None)
        if isinstance(made.draft, IssueDraft):
            self.stock[made.draft.item] += made.draft.quantity

    def orders(self) -> list[ErpDocument]:
        """List the orders, first come first."""
        return [placed.document for (kind, _), placed in self._made.items() if kind == "purchase order"]

    def issues(self) -> list[ErpDocument]:
        """List the issues from stock, first come first."""
        return [placed.document for (kind, _), placed in self._made.items() if kind == "stock issue"]

    def booked(self) -> list[Booked]:
        """List every document with what it was made from, first come first."""
        return [Booked(made.document, made.draft, what not in self._cancelled) for what, made in self._made.items()]

    def is_open(self, key: str) -> bool:
        """Say whether an order under a key is still to be billed."""
        return any(key in books.open for books in self._books.values())

    def reversed(self) -> list[Reversed]:
        """List what reverses a journal entry, first come first."""
        return [*self.bills.mirrors.values()]

    def bill(self, key: str, *, number: str = "", theirs: str = "") -> str:
        """Let the supplier's bill for an order be posted: what was open is spent. Return the invoice's number.

        *number*: of one that bills other orders too; *theirs*: its number with the supplier.
        """
        placed = self._made["purchase order", key]
        books = self._books[placed.draft.cost_centre]
        charged, open_order = books.open.pop(key)
        books.posted[charged.year] += open_order.open.amount
        if not number:
            self._numbers["supplier invoice"] += 1
            number = f"INV-{self._numbers['supplier invoice']}"
        of, centre = placed.document.number, placed.draft.cost_centre
        self.bills.posted.append(Bill(number, theirs, f"J-{number}", key, of, centre, charged, open_order.open))
        return number

    def post(self, cost_centre: str, amount: Decimal | str | int, year: int | None = None) -> None:
        """Post a cost that no order of ours is behind."""
        self._books[self._centre(cost_centre).code].posted[year or self._years[0]] += Decimal(amount)

    def _arrive(self, call: str) -> None:
        self.calls[call] += 1
        if self.fail:
            self.fail -= 1
            raise UnavailableError(SYSTEM, "it cannot be reached")

    def _keep(
        self, kind: Kind, state: str, key: str, draft: OrderDraft | IssueDraft, amount: Money | None
    ) -> ErpDocument:
        self._numbers[kind] += 1
        number = str(self._numbers[kind])
        document = ErpDocument(kind=kind, number=number, state=state, key=key, amount=amount)
        self._made[kind, key] = Placed(draft, document, self._clock())
        self._answer()
        return document

    def _answer(self) -> None:
        if self.lose:
            self.lose -= 1
            raise UnknownError(SYSTEM, "its answer was lost: it may or may not have acted")

    def _same(self, placed: Placed, draft: OrderDraft | IssueDraft) -> ErpDocument:
        """Answer a repeated key; with another order behind it, refuse."""
        if _content(placed.draft) != _content(draft):
            number = placed.document.number
            raise MismatchError(SYSTEM, f"{number} already has this key, with other contents")
        return placed.document

    def _visible(self, kind: str, key: str) -> ErpDocument | None:
        placed = self._made.get((kind, key))
        if placed is None or self._clock() < placed.since + self._lag_s:
            return None
        return placed.document

    def _budget(self, centre: CostCentre, day: date) -> Budget:
        known, books = day.year in self._years, self._books[centre.code]
        end = date(day.year, 12, 31)
        return Budget(
            cost_centre=centre.code,
            year=day.year,
            budget=self._money(centre.yearly_budget if known else Decimal(0)),
            posted=self._money(books.posted[day.year] if known else Decimal(0)),
            ordered=tuple(order for charged, order in books.open.values() if charged <= end),
        )

    def _money(self, amount: Decimal) -> Money:
        return Money(amount=amount, currency=self._hospital.company.currency)

    def _item(self, code: str) -> Item:
        return _known(self._items.get(code), "item", code)

    def _centre(self, code: str) -> CostCentre:
        return _known(self._centres.get(code), "cost_centre", code)

    def _supplier(self, code: str) -> Supplier:
        return _known(self._suppliers.get(code), "supplier", code)


@cache
def _seed() -> Hospital:
    return hospital()


def _known(found: Known | None, field: str, code: str) -> Known:
    if found is None:
        thing = field.replace("_", " ")
        raise RefusedError(SYSTEM, f"{field}: the ERP knows no {thing} {code}; correct it, or have it set up there")
    return found


def _content(draft: OrderDraft | IssueDraft) -> tuple[object, ...]:
    """Say what makes an order that order: not when and by whom it was asked."""
    if isinstance(draft, OrderDraft):
        return (draft.supplier, draft.item, draft.quantity, draft.unit_price)
    return (draft.cost_centre, draft.item, draft.quantity)
