"""Routes as data: the steps that a request takes through the hospital, and what sends it there."""

from decimal import Decimal
from functools import cache, cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from blocks.records.base import Record
from blocks.records.people import Capacity, Role
from blocks.records.purchasing import Category

Who = Capacity | Literal["management"]
SEATS_MAX = 6
"""So many approvals one step takes at most: a committee larger than that meets."""


class Band(Record):
    """A range of amounts; each bound says whether it belongs to it."""

    lower: Decimal = Field(ge=0)
    lower_included: bool = True
    upper: Decimal | None = Field(default=None, description="None: no upper bound")
    upper_included: bool = False

    def holds(self, amount: Decimal) -> bool:
        """Say whether *amount* lies within."""
        above = amount >= self.lower if self.lower_included else amount > self.lower
        if self.upper is None:
            return above
        return above and (amount <= self.upper if self.upper_included else amount < self.upper)

    def meets(self, following: "Band") -> bool:
        """Say whether *following* begins exactly where this one ends."""
        return self.upper == following.lower and self.upper_included != following.lower_included


class Approver(Record):
    """Whose approval a step takes."""

    who: Who = Field(
        description="A role; line-manager, the requester's; management, each of their managers up to the first whose "
        "limit covers the amount; cost-centre-owner, whoever answers for who pays"
    )
    seats: int = Field(
        default=1,
        ge=1,
        le=SEATS_MAX,
        exclude_if=lambda x: x == 1,
        description="How many of them are asked, each another person",
    )


class Step(Record):
    """One step of a route. All its approvers are asked at the same time; no two of them are the same person."""

    approvers: tuple[Approver, ...] = Field(min_length=1)
    quorum: int | None = Field(
        default=None, ge=1, exclude_if=lambda x: x is None, description="How many approvals are enough; None: all"
    )

    @model_validator(mode="after")
    def _can_be_taken(self) -> Self:
        named = [one.who for one in self.approvers]
        if len(set(named)) < len(named):
            message = "approvers: each stands in a step once; give it more seats instead"
            raise ValueError(message)
        if self.seats > SEATS_MAX or (self.quorum or 1) > self.seats:
            message = f"quorum: {self.quorum or 'all'} of {self.seats}, where {SEATS_MAX} are asked at most"
            raise ValueError(message)
        if "management" in named and (len(named) > 1 or self.quorum):
            message = "approvers: management goes up the line one by one, so it is a step of its own, without a quorum"
            raise ValueError(message)
        if any(one.seats > 1 for one in self.approvers if one.who in ("management", "line-manager")):
            message = "seats: one person has one line manager"
            raise ValueError(message)
        return self

    @property
    def seats(self) -> int:
        """How many are asked."""
        return sum(one.seats for one in self.approvers)


class Tier(Record):
    """Who must approve what falls into a band, step by step; nobody: it goes straight through."""

    band: Band
    roles: tuple[Role, ...] = Field(default=(), description="One after the other: short for steps of one approver each")
    steps: tuple[Step, ...] = Field(
        default=(), exclude_if=lambda x: not x, description="In order; instead of `roles`, where roles are not enough"
    )

    @model_validator(mode="after")
    def _says_it_once(self) -> Self:
        if self.roles and self.steps:
            message = "steps: a tier has either roles or steps"
            raise ValueError(message)
        return self

    @cached_property
    def in_order(self) -> tuple[Step, ...]:
        """Its steps, however they are written."""
        return self.steps or each_alone(self.roles)


@cache
def each_alone(roles: tuple[Role, ...]) -> tuple[Step, ...]:
    """Make of each role a step of its own."""
    return tuple(Step(approvers=(Approver(who=role),)) for role in roles)


class Also(Record):
    """More steps, after those of the tier, for whatever all of its conditions hold of; what is not said matters not."""

    why: str = Field(min_length=3, max_length=120, description="Told to whoever is asked for it")
    steps: tuple[Step, ...] = Field(min_length=1)
    categories: tuple[Category, ...] = ()
    cost_centres: tuple[str, ...] = ()
    band: Band | None = None
    off_contract: bool | None = Field(default=None, description="Whether no contract fixes the price")
    low_budget: bool | None = Field(default=None, description="Whether little of the budget would be left")
    emergency: bool | None = None


Term = Literal["supplier", "contract", "unit_price", "amount"]
TERMS: tuple[Term, ...] = ("supplier", "contract", "unit_price", "amount")


class Weighs(Record):
    """What some approvers weigh: where nothing of it has changed, what they said holds."""

    who: tuple[Capacity, ...] = Field(default=(), description="None named: everybody who is named nowhere else")
    terms: tuple[Term, ...] = Field(default=TERMS, min_length=1)
    tolerance: Decimal = Field(
        default=Decimal(0), ge=0, le=1, description="By what share price and amount may have risen, or the price fallen"
    )


EVERYTHING = Weighs()
