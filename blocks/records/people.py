"""People: who works here, what they may decide, who stands in for whom, how Slack knows them."""

from collections.abc import Collection
from datetime import date, datetime
from functools import cached_property
from typing import Literal, Self, get_args

from pydantic import AwareDatetime, Field, model_validator

from blocks.records.base import Record, Words
from blocks.records.money import Money
from blocks.records.purchasing import Code

EVERYWHERE = "*"
AGREE = 2
"""So many people agree to emergency access."""

Role = Literal[
    "department-manager",
    "implant-coordinator",
    "procurement-lead",
    "finance-director",
    "chief-financial-officer",
]
ByPlace = Literal["line-manager", "cost-centre-owner"]
"""Who decides by where they stand, and holds no role for it: above the requester, or answering for who pays."""
Capacity = Role | ByPlace
"""In what somebody decides."""


class Grant(Record):
    """A role that somebody holds, where, and up to how much."""

    role: Capacity
    cost_centres: tuple[str, ...] = (EVERYWHERE,)
    limit: Money | None = Field(default=None, description="Largest amount they may approve; None: any")


class Person(Record):
    """One person of the directory."""

    id: Code
    name: str
    email: str = ""
    title: str = ""
    slack_team: str = ""
    slack_user: str = ""
    active: bool = True
    service: bool = Field(
        default=False,
        exclude_if=lambda x: not x,
        description="Whether it is a system's account and nobody's own: it may ask, and never decides",
    )
    manager: str | None = None
    cost_centres: tuple[str, ...] = Field(default=(), description="Where they may ask for things")
    asks: bool = Field(
        default=True, exclude_if=lambda x: x, description="Whether they may ask at all; who approves is better kept out"
    )
    grants: tuple[Grant, ...] = ()
    owns: tuple[str, ...] = Field(
        default=(), exclude_if=lambda x: not x, description="Cost centres they answer for, as their owner"
    )
    manager_limit: Money | None = Field(
        default=None,
        exclude_if=lambda x: x is None,
        description="Largest amount they may approve as a manager or an owner; None: any",
    )

    @property
    def may_decide(self) -> bool:
        """Whether it is somebody who works here, and no machine."""
        return self.active and not self.service

    @model_validator(mode="after")
    def _is_granted_roles_alone(self) -> Self:
        if placed := next((one.role for one in self.grants if one.role in get_args(ByPlace)), None):
            message = f"grants: nobody is granted {placed}: it follows from `manager` and `owns`"
            raise ValueError(message)
        return self


class Directory(Record):
    """Everybody, as of one day."""

    entity: Code
    zone: str = Field(description="IANA time zone of the hospital, e.g. America/Chicago")
    effective_from: date
    people: tuple[Person, ...]

    def person(self, person_id: str) -> Person | None:
        """Find somebody by id."""
        return self._by_id.get(person_id)

    def line_above(self, person_id: str) -> tuple[Person, ...]:
        """List who is above somebody and may decide, the nearest first; a line that bites its tail ends."""
        above, seen, now = [], {person_id}, self.person(person_id)
        while now and now.manager and now.manager not in seen:
            seen.add(now.manager)
            now = self.person(now.manager)
            above += [now] if now and now.may_decide else []
        return tuple(above)

    @cached_property
    def _by_id(self) -> dict[str, Person]:
        return {one.id: one for one in reversed(self.people)}

    def holding(self, roles: Collection[Role]) -> "tuple[Person, ...]":
        """List who is active and holds one of some roles in their own right, wherever and up to however much."""
        wanted = set(roles)
        return tuple(who for who in self.people if who.may_decide and wanted & {grant.role for grant in who.grants})

    def by_slack(self, team: str, user: str) -> Person | None:
        """Find whom a Slack user is; the team counts, so that a guest of another workspace is nobody."""
        return next((x for x in self.people if (x.slack_team, x.slack_user) == (team, user)), None)


class Span(Record):
    """A stretch of time: from `start` on, and not at `until` any more."""

    start: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.until <= self.start:
            message = f"until: {self.until:%Y-%m-%d %H:%M} is not after the start, {self.start:%Y-%m-%d %H:%M}"
            raise ValueError(message)
        return self

    def holds(self, at: datetime) -> bool:
        """Say whether a moment lies within."""
        return self.start <= at < self.until


class Delegation(Span):
    """Somebody stands in for somebody else: in which roles, where, up to how much, from when until when.

    It passes on what `of` holds by themselves, never what they hold for a third person.
    """

    key: Code
    of: Code = Field(description="Who is stood in for")
    to: Code = Field(description="Who stands in")
    roles: tuple[Role, ...] = Field(default=(), description="None named: every role they hold")
    cost_centres: tuple[str, ...] = (EVERYWHERE,)
    limit: Money | None = Field(default=None, description="None: as much as who is stood in for")


class Absence(Span):
    """Somebody is away: they are not asked while they are."""

    key: Code
    person: Code


class EmergencyAsk(Span):
    """Somebody asks to hold a role for some hours, since nobody who holds it can be reached: what others agree to."""

    key: Code
    person: Code = Field(description="Who would hold it")
    role: Role
    cost_centres: tuple[str, ...] = Field(min_length=1)
    limit: Money | None = Field(default=None, description="Largest amount they may approve by it; None: any")
    reason: Words = Field(default="", description="Why nobody who holds it can be waited for")
    asked_by: Code

    @property
    def grant(self) -> Grant:
        """What it would let them do."""
        return Grant(role=self.role, cost_centres=self.cost_centres, limit=self.limit)


class Agreement(Record):
    """Somebody's word that an emergency is one."""

    by: Code
    name: str
    at: AwareDatetime
    counts_as: tuple[str, ...] = Field(default=(), description="Everybody they stood in for just then")

    @property
    def persons(self) -> frozenset[str]:
        """Everybody whose word it is."""
        return frozenset({self.by, *self.counts_as})


class Review(Record):
    """What somebody says afterwards of what was done in an emergency."""

    by: Code
    name: str
    at: AwareDatetime
    verdict: Literal["accepted", "objected"]
    words: Words

    @property
    def done(self) -> str:
        """Say what they did to it."""
        return "accepted" if self.verdict == "accepted" else "objected to"


class EmergencyAccess(Record):
    """A role lent in an emergency: asked for, agreed to by two, over, reviewed."""

    asked: EmergencyAsk
    agreed: tuple[Agreement, ...] = ()
    ended: AwareDatetime | None = Field(default=None, description="When somebody ended it before its time")
    review: Review | None = None

    @property
    def granted(self) -> tuple[Agreement, ...]:
        """The first two agreements that count: of two people, neither of whom gets it or counts as the other."""
        taken, counted = frozenset({self.asked.person}), list[Agreement]()
        for one in self.agreed:
            if len(counted) < AGREE and not one.persons & taken:
                counted.append(one)
                taken |= one.persons
        return tuple(counted)

    @property
    def since(self) -> datetime | None:
        """When it came into force; None where two have not agreed."""
        return self.granted[-1].at if len(self.granted) == AGREE else None

    @property
    def over(self) -> datetime:
        """When it is over: at its end, or when somebody ended it."""
        return min(self.ended or self.asked.until, self.asked.until)

    def holds(self, at: datetime) -> bool:
        """Say whether it is in force at a moment, for who has read the book so far.

        An end that they have read is one, whatever their clock says of it; who judges a decision reads the book as far
        as it was read for that.
        """
        return self.since is not None and self.ended is None and self.since <= at < self.asked.until

    def to_review(self, at: datetime) -> bool:
        """Say whether it was in force, is over, and nobody has reviewed it."""
        return self.since is not None and self.since < self.over <= at and self.review is None

    @property
    def concerned(self) -> frozenset[str]:
        """Everybody it is about: who got it, who asked for it, who agreed, and whom those counted as."""
        return frozenset({self.asked.person, self.asked.asked_by}).union(*(one.persons for one in self.agreed))


class Duties(Record):
    """Who stands in for whom and who is away, as the book of duties says after its entry `seq`."""

    seq: int = 0
    delegations: tuple[Delegation, ...] = ()
    absences: tuple[Absence, ...] = ()
    emergencies: tuple[EmergencyAccess, ...] = ()
    void: frozenset[tuple[int, int]] = Field(
        default=frozenset(), description="Lines that lend without the passkey they take, by entry and place"
    )

    def away(self, person: str, at: datetime) -> bool:
        """Say whether somebody is away at a moment."""
        return any(one.person == person and one.holds(at) for one in self.absences)

    def held_by(self, person: str, at: datetime) -> tuple[Delegation, ...]:
        """List for whom somebody stands in at a moment."""
        return tuple(one for one in self.delegations if one.to == person and one.holds(at))

    def lent_in_emergency(self, person: str, at: datetime) -> tuple[EmergencyAccess, ...]:
        """List what somebody holds at a moment by emergency access."""
        return tuple(one for one in self.emergencies if one.asked.person == person and one.holds(at))
