"""How a requisition ended, and what was known of it on the way."""

from datetime import date
from typing import Literal

from pydantic import Field

from blocks.records.base import Record, Words
from blocks.records.money import Money
from blocks.records.purchasing import Sourcing

Ended = Literal["filled", "ordered", "refused", "rejected", "withdrawn", "expired", "cancelled"]


class Hold(Record):
    """Money set aside in a cost centre's book of funds, for one case, until its order stands in the ERP."""

    case: str
    amount: Money
    order_key: str = Field(description="Under which the order will be found in the ERP")


class Facts(Record):
    """What is known at one look: the ERP's word, and our own books'."""

    sourcing: Sourcing
    left: Money = Field(description="Budget - posted - open commitments, before this one")
    funds_seq: int = Field(description="How far the book of funds went before the ERP was read")
    recent: Money | None = Field(
        default=None, description="Earlier orders of the requester with the supplier in policy's window"
    )
    looked_on: date | None = Field(
        default=None,
        exclude_if=lambda x: x is None,  # so that what was seen before it was noted keeps its digest
        description="The hospital's day on which it was looked: funds of that year are held, so that is charged",
    )


class Outcome(Record):
    """The end of a case."""

    ended: Ended
    because: Words
    document: str | None = Field(default=None, description="Number of the order or issue in the ERP")
    amount: Money | None = None
    quantity: int | None = Field(default=None, description="How many were ordered or issued")
