"""Emergency access as policy has it: what is lent when nobody who holds a role can be reached, and on whose word."""

from decimal import Decimal

from pydantic import Field

from blocks.records.base import Record
from blocks.records.people import Role


class EmergencyRules(Record):
    """Which roles may be lent for some hours, on whose word, and who reviews what was done with them."""

    roles: tuple[Role, ...] = Field(min_length=1, description="What may be lent")
    hours_max: int = Field(default=12, ge=1, le=72, description="Nobody holds it longer than this")
    amount_max: Decimal | None = Field(
        default=None, gt=0, description="Nobody decides more than this by it, in policy's currency; None: any amount"
    )
    granters: tuple[Role, ...] = Field(
        min_length=1, description="Two different people agree; each holds one of these there in their own right"
    )
    reviewers: tuple[Role, ...] = Field(
        min_length=1, description="Who reviews it afterwards: a third person, none of those it was about"
    )
    review_days: int = Field(default=3, ge=1, le=30, description="Within so many days after its end")
