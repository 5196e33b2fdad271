"""Asking people, and what they answer."""

from collections.abc import Iterable
from typing import Literal

from pydantic import AwareDatetime, Field

from blocks.records.base import Record, Words
from blocks.records.money import Money
from blocks.records.passkeys import Proof
from blocks.records.people import Capacity
from blocks.records.purchasing import Category

Verdict = Literal["approve", "reject"]
Ending = Verdict | Literal["expire"]
"""How an ask ends: by a person's answer, or, as not approved, because nobody gave one in time."""
Settled = Literal["approved", "refused"]
"""How a step ends: enough have approved, or so many have not that not enough are left."""


class Added(Record):
    """Somebody whose approval one of those who may decide wants as well, beyond what policy asks."""

    person: str
    name: str
    by: str = Field(description="Name of who added them")
    role: Capacity = Field(description="In which role that one was asked")
    by_id: str = Field(default="", exclude_if=lambda x: not x, description="That one, by id")


class Ask(Record):
    """One question, put to whoever holds one role: everything the card shows, and what its digest covers."""

    key: str = Field(description="Unique within the case, e.g. 1-department-manager: the look and the role")
    case: str
    role: Capacity
    requester: str
    requester_name: str
    cost_centre: str
    category: Category
    item: str
    description: str
    quantity: int
    unit: str
    unit_price: Money
    amount: Money
    counted: Money = Field(description="The amount with recent orders of the same requester and supplier")
    supplier: str
    supplier_name: str
    contract: str | None
    budget: Money
    budget_left: Money = Field(description="Left before this one: budget - posted - open commitments")
    needed_by: str = ""
    reason: Words = ""
    why: str = Field(description="Why policy asks this role")
    after: str = Field(description="What happens once it is approved")
    policy: str = Field(description="SHA-256 of the policy that asks")
    asked_for: int | None = Field(
        default=None, exclude_if=lambda x: x is None, description="How many were asked for, where fewer were approved"
    )
    added: Added | None = Field(
        default=None, exclude_if=lambda x: x is None, description="Who alone may answer: they were added"
    )
    passkey: bool = Field(
        default=False,
        exclude_if=lambda x: not x,  # so that what was asked before there were any keeps its digest
        description="Approving it takes a passkey: the amount that counts has reached policy's threshold",
    )
    place: int = Field(
        default=1,
        ge=1,
        exclude_if=lambda x: x == 1,
        description="Which of several who decide in this capacity; of line managers, how far above the requester",
    )
    within_limit: bool = Field(
        default=True,
        exclude_if=lambda x: x,
        description="Whether a limit must cover the amount; not so of a manager on the way up to one whose does",
    )
    beside: tuple[str, ...] = Field(
        default=(), exclude_if=lambda x: not x, description="Keys of all asks of a step that is put to several at once"
    )
    enough: int = Field(
        default=1, ge=1, exclude_if=lambda x: x == 1, description="How many approvals of that step are enough"
    )
    emergency: bool = Field(default=False, exclude_if=lambda x: not x)

    def settled(self, decisions: Iterable["Decision"]) -> Settled | None:
        """Say how the step that this is part of has ended by a case's decisions, or None while it is open."""
        keys = self.beside or (self.key,)
        said = [one.verdict == "approve" for one in decisions if one.ask in keys]
        if sum(said) >= self.enough:
            return "approved"
        return "refused" if said.count(False) > len(keys) - self.enough else None

    @property
    def whom(self) -> str:
        """Say who is asked, as people say it."""
        if self.added:
            return self.added.name
        if self.role == "line-manager":
            return f"line manager of {self.requester_name}" + f", {self.place} levels up" * (self.place > 1)
        return f"{self.role} of {self.cost_centre}"


class ByEmergency(Record):
    """By which emergency access a decision counted, who had agreed to it, and until when it held."""

    key: str
    granted_by: tuple[str, ...] = Field(description="Their names")
    until: AwareDatetime

    @property
    def words(self) -> str:
        """Say it, but for its end, which is told in each reader's own zone."""
        return f"by emergency access, granted by {' and '.join(self.granted_by)}"


class Decision(Record):
    """One person's answer to one ask, as the ledger holds it."""

    ask: str
    verdict: Ending
    by: str
    name: str
    role: Capacity
    at: AwareDatetime
    shown: str = Field(description="SHA-256 of the ask they saw")
    directory: str = Field(description="SHA-256 of the directory by which they were judged")
    note: Words = ""
    on_behalf_of: str = Field(default="", description="Whom they stood in for; empty: they decided in their own right")
    counts_as: tuple[str, ...] = Field(default=(), description="Everybody they stood in for just then, used or not")
    quantity: int | None = Field(default=None, description="How many they approve, where they say so")
    place: int = Field(default=1, ge=1, exclude_if=lambda x: x == 1, description="Which of several in this capacity")
    added: bool = Field(default=False, description="They were added beyond policy: it fills none of policy's roles")
    duties: int = Field(default=0, description="How far the book of duties was read when they were judged")
    proof: Proof | None = Field(default=None, description="What they signed with their passkey, where it took one")
    passkeys: int = Field(default=0, description="How far the book of passkeys was read when the proof was checked")
    emergency: ByEmergency | None = Field(
        default=None, exclude_if=lambda x: x is None, description="By which emergency access, where by no other right"
    )

    @property
    def done(self) -> str:
        """Say what was done, as people say it."""
        return {"approve": "approved", "reject": "rejected", "expire": "ended as not approved"}[self.verdict]


class Posted(Record):
    """Where a card stands."""

    channel: str
    ts: str
