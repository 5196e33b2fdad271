"""Buying: what is asked for, what is known about it, what comes of it."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from blocks.records.base import Record, Words
from blocks.records.money import Currency, Money

Category = Literal["supplies", "implants", "capital", "services"]
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
"""A business code: letters, digits, `.`, `_`, `-`; at most 40 characters."""

QUANTITY_MAX = 100_000
"""More than any department needs of anything: beyond it, a slip of the finger."""


class Requisition(Record):
    """What a department asks to buy: one item, for one cost centre."""

    requester: Code = Field(description="Who asks: their id in the directory, e.g. rita.okafor")
    cost_centre: Code = Field(description="Who pays: a cost centre of the ERP, e.g. OR")
    item: Code = Field(description="What: an item number of the ERP's catalogue, e.g. HIP-STEM-12")
    quantity: int = Field(gt=0, le=QUANTITY_MAX, description="How many, in the item's unit")
    currency: Currency = Field(default="USD", description="ISO 4217 code of the entity's books")
    needed_by: date | None = Field(default=None, description="When it must be there")
    reason: Annotated[Words, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        default="", description="Why, in a line, for the approver. Never a patient's name or number."
    )
    charge_on: date | None = Field(
        default=None, description="Day the cost belongs to; its period must be open. Left out: today"
    )
    emergency: bool = Field(
        default=False,
        exclude_if=lambda x: not x,
        description="Whether it cannot wait for the usual way. Needs a reason; policy says who is asked then.",
    )

    @field_validator("emergency")
    @classmethod
    def _says_why_it_cannot_wait(cls, emergency: bool, info: ValidationInfo) -> bool:
        if emergency and not info.data.get("reason"):
            raise PydanticCustomError("emergency_without_reason", "an emergency needs a reason")
        return emergency


class Budget(Record):
    """A cost centre's budget for the fiscal year, as the ERP reports it.

    `ordered` lists the open purchase orders, each under its external reference
    (ours begin with the effect's key), with what is not yet invoiced.
    """

    cost_centre: str
    year: int = Field(description="In which the fiscal year ends: that of the day of charge, or the next")
    budget: Money
    posted: Money
    ordered: tuple["OpenOrder", ...] = ()


class OpenOrder(Record):
    """An order placed and not yet invoiced in full: a commitment."""

    reference: str
    open: Money


class Sourcing(Record):
    """What stock, supplier, contract, budget and calendar say about a requisition at one moment."""

    item: str
    description: str
    category: Category
    unit: str
    on_hand: Decimal = Field(description="In the store, not yet promised to anybody")
    supplier: str | None
    supplier_name: str = ""
    contract: str | None = Field(description="The contract that fixes the price, if one does")
    unit_price: Money | None
    budget: Budget
    period_open: bool = Field(description="Whether the books are open on the day of charge")


class OrderDraft(Record):
    """The purchase order that we want the ERP to hold."""

    requester: str
    cost_centre: str
    item: str
    quantity: int
    supplier: str
    unit_price: Money
    order_on: date
    charge_on: date | None = Field(default=None, description="Day the cost belongs to; None: order_on")
    needed_by: date | None = None
    note: Words = ""


class IssueDraft(Record):
    """The issue from stock that we want the ERP to hold: from the store to a department."""

    requester: str
    cost_centre: str
    item: str
    quantity: int
    issue_on: date
    note: Words = ""


class CancelDraft(Record):
    """What we want the ERP to take back: a document of ours, before anything came or went for it."""

    kind: Literal["purchase order", "stock issue"]
    of: str = Field(description="The key under which it was made")
    number: str
    because: Words = ""


class ReverseDraft(Record):
    """The journal entry that we want the ERP to reverse: that of a bill for an order of ours."""

    entry: str = Field(description="Its number in the ERP")
    of: str = Field(description="The key under which the order was made that it came of")
    number: str = Field(description="The number of that order")
    because: Words = ""


class ErpDocument(Record):
    """A document as the ERP holds it, under our key; of an entry that reverses another, the key of the order."""

    kind: Literal["purchase order", "stock issue", "journal entry"]
    number: str
    state: str
    key: str
    amount: Money | None = None
    url: str = ""


class Trace(Record):
    """An invoice or a journal entry that somebody made in the ERP, and the document of ours that it came of.

    It is what the ERP says when it is asked, and no part of the ledger.
    """

    kind: Literal["supplier invoice", "journal entry"]
    number: str
    state: str
    key: str = Field(description="Our key, under which the ERP holds what it came of")
    of: str = Field(description="The number of that document in the ERP")
    supplier_number: str = Field(default="", description="The invoice's number with the supplier")
    reverses: str = Field(default="", description="The number of the journal entry that it reverses")
    dated: date | None = None
    amount: Money | None = Field(default=None, description="What the invoice is for, or books, tax included")

    @property
    def words(self) -> str:
        """Say it in a line."""
        named = f" ({self.supplier_number} with the supplier)" if self.supplier_number else ""
        parts = [f"{self.kind} {self.number or 'without a number'}{named} is {self.state}"]
        parts += [f"dated {self.dated}"] if self.dated else []
        parts += [f"for {self.amount}"] if self.amount else []
        parts += [f"reverses {self.reverses}"] if self.reverses else []
        return f"{', '.join(parts)}; the ERP says that it came of order {self.of}"
