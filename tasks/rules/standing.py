"""Standing: in whose name somebody acts at a moment.

Segregation of duties is judged over effective persons: who stands in for somebody counts as themselves *and* as
the one they stand in for, whether they make use of it or not. What was lent is not lent on.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, get_args

from blocks.records.approval import Ask
from blocks.records.ledger import Line
from blocks.records.money import Money
from blocks.records.people import (
    EVERYWHERE,
    ByPlace,
    Capacity,
    Delegation,
    Directory,
    Duties,
    EmergencyAccess,
    Grant,
    Person,
    Role,
)


class Acting(NamedTuple):
    """Somebody in their own right, or in the name of somebody else, with the grants that gives them."""

    by: Person
    grants: tuple[Grant, ...]
    of: Person | None = None
    access: EmergencyAccess | None = None
    """The emergency access by which alone they hold that."""


class Above(NamedTuple):
    """Who may decide an ask as well, since it was escalated: by any role they hold, or by *role* alone."""

    people: frozenset[str] = frozenset()
    role: Role | None = None

    def lends(self, acting: Acting, capacity: Capacity) -> tuple[Grant, ...]:
        """List by what somebody decides in a capacity: what they hold and, where it was escalated to them, it as well.

        Where and up to how much stays as they hold it: who is above may do no more than they may.
        """
        whose = acting.of or acting.by
        if whose.id not in self.people or acting.access:
            return acting.grants
        theirs = [grant for grant in acting.grants if self.role in (None, grant.role)]
        if self.role is None and capacity in get_args(ByPlace):
            theirs = [Grant(role=capacity, limit=whose.manager_limit)]
        return (*acting.grants, *(grant.model_copy(update={"role": capacity}) for grant in theirs))


NOBODY_ABOVE = Above()


def above_of(lines: Sequence[Line], ask: str) -> Above:
    """Read from a case's lines to whom an ask was escalated."""
    line = next((one for one in lines if one.act == "escalated" and one.key == ask), None)
    return Above(frozenset(line.body["people"]), line.body["role"]) if line else NOBODY_ABOVE


def counts_as(person: str, duties: Duties, at: datetime) -> frozenset[str]:
    """Name everybody whom one person counts as at a moment, themselves included."""
    return frozenset({person, *(one.of for one in duties.held_by(person, at))})


def rights(
    person: Person, directory: Directory, duties: Duties, at: datetime, ask: Ask | None = None
) -> tuple[Acting, ...]:
    """List in whose name a person may act at a moment, on an *ask*: their own first, then of each they stand in for.

    Last comes what they hold by emergency access alone, so that it is used where nothing else would do.
    """
    lent = []
    for delegation in duties.held_by(person.id, at):
        of = directory.person(delegation.of)
        if of is not None and of.active:
            lent.append(Acting(person, narrowed(held_by(of, directory, ask), delegation), of))
    needed = (Acting(person, (one.asked.grant,), access=one) for one in duties.lent_in_emergency(person.id, at))
    return (Acting(person, held_by(person, directory, ask)), *lent, *needed)


def held_by(person: Person, directory: Directory, ask: Ask | None = None) -> tuple[Grant, ...]:
    """List what somebody holds: the roles they are granted and, on an *ask*, what follows from where they stand."""
    if ask is None or ask.role not in get_args(ByPlace):
        return person.grants
    if ask.role == "cost-centre-owner":
        return (*person.grants, Grant(role=ask.role, cost_centres=person.owns, limit=person.manager_limit))
    line = directory.line_above(ask.requester)[ask.place - 1 : ask.place]
    above = [Grant(role=ask.role, limit=person.manager_limit)] if person in line else []
    return (*person.grants, *above)


def narrowed(grants: tuple[Grant, ...], delegation: Delegation) -> tuple[Grant, ...]:
    """Cut grants down to what a delegation passes on."""
    found = []
    for grant in grants:
        if delegation.roles and grant.role not in delegation.roles:
            continue
        if centres := _common(grant.cost_centres, delegation.cost_centres):
            limit = _lower(grant.limit, delegation.limit)
            found.append(Grant(role=grant.role, cost_centres=centres, limit=limit))
    return tuple(found)


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if EVERYWHERE in one:
        return other
    return one if EVERYWHERE in other else tuple(centre for centre in one if centre in other)


def _lower(one: Money | None, other: Money | None) -> Money | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
