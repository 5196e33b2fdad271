"""Standing: in whose name somebody acts at a moment.

Segregation of duties is judged over effective persons: who stands in for somebody counts as themselves *and* as
the one they stand in for, whether they make use of it or not. What was lent is not lent on.
"""

from datetime import datetime
from typing import NamedTuple

from blocks.records.money import Money
from blocks.records.people import EVERYWHERE, Delegation, Directory, Duties, Grant, Person


class Acting(NamedTuple):
    """Somebody in their own right, or in the name of somebody else, with the grants that gives them."""

    by: Person
    grants: tuple[Grant, ...]
    of: Person | None = None


def counts_as(person: str, duties: Duties, at: datetime) -> frozenset[str]:
    """Name everybody whom one person counts as at a moment, themselves included."""
    return frozenset({person, *(one.of for one in duties.held_by(person, at))})


def rights(person: Person, directory: Directory, duties: Duties, at: datetime) -> tuple[Acting, ...]:
    """List in whose name a person may act at a moment: their own first, then of each they stand in for."""
    lent = []
    for delegation in duties.held_by(person.id, at):
        of = directory.person(delegation.of)
        if of is not None and of.active:
            lent.append(Acting(person, narrowed(of.grants, delegation), of))
    return (Acting(person, person.grants), *lent)


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
