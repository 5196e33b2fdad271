"""Who may answer an ask: one rule behind every door, judged again on the way out."""

from collections.abc import Collection, Mapping
from itertools import combinations

from blocks.records.approval import Ask, Decision
from blocks.records.money import Money
from blocks.records.people import EVERYWHERE, Directory, Grant, Person, Role


def reason_to_void(ask: Ask, by: Person | None, earlier: tuple[Decision, ...] = ()) -> str | None:
    """Say why an answer from *by* would not count, or None where it would.

    Segregation of duties: nobody approves what they asked for, and nobody decides one case in two roles. When its
    terms change, those who agreed to the old ones are asked again: each may answer again in the role they had.
    """
    if by is None:
        return "You are not in the hospital's directory, so you cannot decide this."
    if not by.active:
        return "Your account is no longer active, so you cannot decide this."
    if by.id == ask.requester:
        return "You asked for this yourself. Somebody else has to decide it."
    if any(decision.by == by.id and decision.role != ask.role for decision in earlier):
        return "You have already decided an earlier step of this case. A second person has to decide this one."
    return _reason_out_of_reach(ask, by)


def _reason_out_of_reach(ask: Ask, by: Person) -> str | None:
    held = [grant for grant in by.grants if grant.role == ask.role and _covers(grant, ask.cost_centre)]
    if not held:
        article = "an" if ask.role[0] in "aeiou" else "a"
        return f"This waits for {article} {ask.role} of {ask.cost_centre}, a role you do not hold."
    if not any(_within(grant, ask.counted) for grant in held):
        limit = max(grant.limit.amount for grant in held if grant.limit)
        return f"{ask.counted} is above your limit of {Money.of(limit, ask.counted.currency)}."
    return None


def who_may(directory: Directory, role: Role, cost_centre: str, amount: Money, *, requester: str) -> tuple[Person, ...]:
    """List who may decide for one role: active, holding it there, within their limit, not the requester."""
    return tuple(
        person
        for person in directory.people
        if person.active
        and person.id != requester
        and any(
            grant.role == role and _covers(grant, cost_centre) and _within(grant, amount) for grant in person.grants
        )
    )


def too_few_for(holders: Mapping[Role, Collection[str]]) -> tuple[Role, ...]:
    """Name the fewest roles that cannot each have a person of its own; empty where all can.

    That is so exactly where some of the roles are held, together, by fewer people than there are roles (Hall).
    """
    for count in range(1, len(holders) + 1):
        for roles in combinations(holders, count):
            if len({person for role in roles for person in holders[role]}) < count:
                return roles
    return ()


def _covers(grant: Grant, cost_centre: str) -> bool:
    return EVERYWHERE in grant.cost_centres or cost_centre in grant.cost_centres


def _within(grant: Grant, amount: Money) -> bool:
    return grant.limit is None or not amount > grant.limit
