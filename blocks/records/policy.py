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
from blocks.records.emergency import EmergencyRules
from blocks.records.money import Currency
from blocks.records.passkeys import Passkeys
from blocks.records.people import EVERYWHERE, Capacity, Directory, Duties, Role
from blocks.records.purchasing import Category, Code
from blocks.records.retention import KEEPING, Keeping, Kept
from blocks.records.routes import EVERYTHING, Also, Band, Tier, Weighs

__all__ = ["Band", "Conflict", "Duty", "Matrix", "Policy", "Rulebook", "Tier"]

SESSION_HOURS = 8
POLICY_APPROVERS: tuple[Role, ...] = ("finance-director", "chief-financial-officer")


OnACase = Literal["approver", "settler"]
Duty = Literal["requester"] | Role | OnACase
"""What somebody may do on a case: ask, decide in a role, decide in whichever, say what became of an effect in doubt."""
ON_A_CASE: tuple[OnACase, ...] = get_args(OnACase)
"""The duties that nobody holds beforehand: they are looked for in a case's own history."""


class Conflict(Record):
    """Two duties that nobody holds in one place, nor does on one case, and why."""

    one: Duty
    other: Duty
    reason: str


class Matrix(Record):
    """The tiers of one category of spend; for some cost centres, or for emergencies, in place of the general ones."""

    category: Category
    tiers: tuple[Tier, ...] = Field(min_length=1)
    cost_centres: tuple[Code, ...] = Field(
        default=(), exclude_if=lambda x: not x, description="None named: every cost centre that has none of its own"
    )
    emergency: bool = Field(default=False, exclude_if=lambda x: not x, description="Whether it is for emergencies only")

    @model_validator(mode="after")
    def _every_amount_has_one_tier(self) -> Self:
        bands = [tier.band for tier in self.tiers]
        first, last = bands[0], bands[-1]
        if first.lower != 0 or not first.lower_included or last.upper is not None:
            message = f"{self.name}: the bands must reach from 0, included, to no upper bound"
            raise ValueError(message)
        for one, following in pairwise(bands):
            if not one.meets(following):
                message = f"{self.name}: between {one.upper} and {following.lower} is a gap or an overlap"
                raise ValueError(message)
        return self

    @property
    def name(self) -> str:
        """Say what it is for.

        >>> from decimal import Decimal
        >>> tier = Tier(band=Band(lower=Decimal(0)))
        >>> Matrix(category="capital", tiers=(tier,), cost_centres=("OR", "ICU"), emergency=True).name
        'capital of OR, ICU, emergency'
        """
        of = f" of {', '.join(self.cost_centres)}" if self.cost_centres else ""
        return f"{self.category}{of}{', emergency' * self.emergency}"


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
    also: tuple[Also, ...] = Field(
        default=(), exclude_if=lambda x: not x, description="Whose approval other conditions take besides, in order"
    )
    material: tuple[Weighs, ...] = Field(
        default=(),
        exclude_if=lambda x: not x,
        description="Which changes of terms have whom asked again; nothing said: every change, everybody",
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
    emergency_access: EmergencyRules | None = Field(
        default=None,
        exclude_if=lambda x: x is None,
        description="What may be lent when nobody who holds a role can be reached; None: nothing",
    )
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
    hold_keepers: tuple[Role, ...] = Field(
        default=POLICY_APPROVERS,
        exclude_if=lambda x: x == POLICY_APPROVERS,
        description="Who may put a legal hold on a case or a subject, and lift it",
    )
    retention: tuple[Keeping, ...] = Field(
        default=KEEPING,
        exclude_if=lambda x: x == KEEPING,
        description="How long records of each kind are kept, by whose rule; of several rules the longest holds",
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
    def _every_request_has_one_matrix(self) -> Self:
        general = [one.category for one in self.matrices if not one.cost_centres and not one.emergency]
        if sorted(general) != sorted(get_args(Category)):
            message = f"each of {', '.join(get_args(Category))} needs exactly one matrix for all; found {general}"
            raise ValueError(message)
        places = [
            (one.category, one.emergency, centre)
            for one in self.matrices
            for centre in one.cost_centres or (EVERYWHERE,)
        ]
        for category, emergency, centre in places:
            if places.count((category, emergency, centre)) > 1:
                where = "all" if centre == EVERYWHERE else centre
                message = f"{category}: two matrices are for {where}{', emergency' * emergency}"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _every_kind_is_kept(self) -> Self:
        unsaid = sorted(set(get_args(Kept)) - {rule.kind for rule in self.retention})
        if unsaid:
            message = f"retention: no rule says how long {', '.join(unsaid)} is kept"
            raise ValueError(message)
        return self

    @property
    def vouchers(self) -> tuple[Role, ...]:
        """The roles that vouch for people: they put the next directory in force, and invite people to a passkey."""
        return self.directory_approvers or self.policy_approvers

    def steps_up(self, counted: Decimal) -> bool:
        """Say whether approving an amount takes a passkey."""
        return self.step_up_from is not None and counted >= self.step_up_from

    def matrix(self, category: Category, cost_centre: str = "", *, emergency: bool = False) -> Matrix:
        """Find the matrix for a request: for emergencies before the others, of its cost centre before that of all."""
        fit = (one for one in self.matrices if one.category == category and one.emergency in (False, emergency))
        here = (one for one in fit if not one.cost_centres or cost_centre in one.cost_centres)
        return max(here, key=lambda one: (one.emergency, bool(one.cost_centres)))

    def tier(self, category: Category, amount: Decimal, cost_centre: str = "", *, emergency: bool = False) -> Tier:
        """Find the one tier that an amount falls into."""
        matrix = self.matrix(category, cost_centre, emergency=emergency)
        return next(tier for tier in matrix.tiers if tier.band.holds(amount))

    def weighs(self, capacity: Capacity) -> Weighs:
        """Say what somebody weighs who decides in a capacity."""
        named = (one for one in self.material if capacity in one.who)
        return next(named, next((one for one in self.material if not one.who), EVERYTHING))


class Rulebook(Record):
    """What was in force at one moment: policy and directory, each with the digest it is kept under."""

    policy: Policy
    policy_version: str
    directory: Directory
    directory_version: str
    duties: Duties = Field(default=Duties(), description="Who stands in for whom just now, and who is away")
    passkeys: Passkeys = Field(default=Passkeys(), description="Read only where somebody confirms with one")
