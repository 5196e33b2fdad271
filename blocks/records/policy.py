"""Policy as data: what is refused, and whose approval an amount needs.

A policy is checked when it is loaded: for each category the bands follow one another from zero upwards,
without gap or overlap, so that every amount reaches a decision.
"""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from blocks.records.base import Record
from blocks.records.clock import Clock
from blocks.records.money import Currency
from blocks.records.passkeys import Passkeys
from blocks.records.people import Directory, Duties, Role
from blocks.records.purchasing import Category, Code

SESSION_HOURS = 8
POLICY_APPROVERS: tuple[Role, ...] = ("finance-director", "chief-financial-officer")


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


class Tier(Record):
    """Who must approve what falls into a band, in order; nobody: it goes straight through."""

    band: Band
    roles: tuple[Role, ...]


Duty = Literal["requester"] | Role
"""What somebody may do on a case: ask, or decide in a role."""


class Conflict(Record):
    """Two duties that nobody holds in one place, and why."""

    one: Duty
    other: Duty
    reason: str


class Matrix(Record):
    """The tiers of one category of spend."""

    category: Category
    tiers: tuple[Tier, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _every_amount_has_one_tier(self) -> Self:
        bands = [tier.band for tier in self.tiers]
        first, last = bands[0], bands[-1]
        if first.lower != 0 or not first.lower_included or last.upper is not None:
            message = f"{self.category}: the bands must reach from 0, included, to no upper bound"
            raise ValueError(message)
        for one, following in pairwise(bands):
            if not one.meets(following):
                message = f"{self.category}: between {one.upper} and {following.lower} is a gap or an overlap"
                raise ValueError(message)
        return self


class Policy(Record):
    """Purchasing policy of one entity, from a day on."""

    entity: Code
    effective_from: date
    currency: Currency
    matrices: tuple[Matrix, ...]
    off_contract: tuple[Role, ...] = Field(
        default=(), description="Who must approve as well when no contract fixes the price"
    )
    low_budget: tuple[Role, ...] = Field(
        default=(), description="Who must approve as well when little of the budget would be left"
    )
    low_budget_share: Decimal = Field(
        default=Decimal(0), ge=0, le=1, description="Below this share of the yearly budget left, it is low"
    )
    split_window_days: int = Field(
        default=30, ge=1, description="Orders of one requester with one supplier are summed over so many days"
    )
    routine_max: Decimal | None = Field(
        default=None,
        ge=0,
        exclude_if=lambda x: x is None,
        description="Up to this amount a request under contract is routine: many may be approved at once",
    )
    delegation_days_max: int = Field(default=30, ge=1, description="Nobody stands in for anybody longer than this")
    conflicts: tuple[Conflict, ...] = Field(
        default=(), exclude_if=lambda x: not x, description="Duties that no one person may hold in one place"
    )
    policy_approvers: tuple[Role, ...] = Field(
        default=POLICY_APPROVERS,
        exclude_if=lambda x: x == POLICY_APPROVERS,  # what is not said leaves the version as it was
        description="Who may put the next policy in force; never its author",
    )
    vault_keepers: tuple[Role, ...] = Field(
        default=POLICY_APPROVERS,
        exclude_if=lambda x: x == POLICY_APPROVERS,
        description="Who may read raw messages, and have a subject forgotten",
    )
    directory_approvers: tuple[Role, ...] = Field(
        default=(),
        exclude_if=lambda x: not x,
        description="Who vouches for people: puts the next directory in force, invites to a passkey; "
        "nobody named: policy_approvers",
    )
    session_hours: int = Field(
        default=SESSION_HOURS,
        ge=1,
        le=24,
        exclude_if=lambda x: x == SESSION_HOURS,
        description="How long a log-in at the command line holds",
    )
    clock: Clock | None = Field(
        default=None,
        exclude_if=lambda x: x is None,
        description="How long an answer may take; None: as long as it does",
    )
    amount_max: Decimal = Field(gt=0, description="Beyond it a requisition is refused: it needs a project")
    approve_fewer: bool = Field(
        default=True, exclude_if=lambda x: x, description="Whether who decides may approve fewer than was asked for"
    )
    step_up_from: Decimal | None = Field(
        default=None,
        ge=0,
        exclude_if=lambda x: x is None,  # so that a policy from before there were any keeps its version
        description="From this amount on, who approves confirms it with a passkey; None: nobody",
    )

    @model_validator(mode="after")
    def _every_category_has_one_matrix(self) -> Self:
        named = [matrix.category for matrix in self.matrices]
        if sorted(named) != sorted(get_args(Category)):
            message = f"each of {', '.join(get_args(Category))} needs exactly one matrix; found {named}"
            raise ValueError(message)
        return self

    @property
    def vouchers(self) -> tuple[Role, ...]:
        """The roles that vouch for people: they put the next directory in force, and invite people to a passkey."""
        return self.directory_approvers or self.policy_approvers

    def steps_up(self, counted: Decimal) -> bool:
        """Say whether approving an amount takes a passkey."""
        return self.step_up_from is not None and counted >= self.step_up_from

    def tier(self, category: Category, amount: Decimal) -> Tier:
        """Find the one tier that an amount of a category falls into."""
        matrix = next(one for one in self.matrices if one.category == category)
        return next(tier for tier in matrix.tiers if tier.band.holds(amount))


class Rulebook(Record):
    """What was in force at one moment: policy and directory, each with the digest it is kept under."""

    policy: Policy
    policy_version: str
    directory: Directory
    directory_version: str
    duties: Duties = Field(default=Duties(), description="Who stands in for whom just now, and who is away")
    passkeys: Passkeys = Field(default=Passkeys(), description="Read only where somebody confirms with one")
