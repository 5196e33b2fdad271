"""Who may answer an ask: one rule behind every door, judged again on the way out."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from datetime import datetime
from itertools import combinations
from typing import TypeVar, get_args

from blocks.records.approval import Added, Ask, ByEmergency, Decision
from blocks.records.money import Money
from blocks.records.people import EVERYWHERE, ByPlace, Delegation, Directory, Duties, Grant, Person
from tasks.rules.standing import NOBODY_ABOVE, Above, Acting, counts_as, rights

S = TypeVar("S", bound=Hashable)


def acting_for(  # noqa: PLR0913  to whom it was escalated counts beside who holds the role
    ask: Ask,
    by: Person | None,
    earlier: tuple[Decision, ...],
    directory: Directory,
    duties: Duties,
    at: datetime,
    *,
    above: Above = NOBODY_ABOVE,
) -> Acting | str:
    """Say in whose name an answer from *by* would count, their own where it can be; or why it would not.

    Segregation of duties: nobody approves what they asked for, and nobody fills two seats of one case, be it as
    themselves or as somebody they stand in for. When its terms change, those who agreed to the old ones are asked
    again: each may answer again in the seat they had. Who was added beyond policy fills none of its roles: they, or
    somebody who stands in for them in everything and has not decided yet, answer alone; where they have left, who added
    them or their manager.
    """
    if by is None:
        return "You are not in the hospital's directory, so you cannot decide this."
    if not by.active:
        return "Your account is no longer active, so you cannot decide this."
    if by.service:
        return f"{by.name} is a service account: it may ask, and a person has to decide."
    if reason := _reason_in_conflict(ask, by, earlier, counts_as(by.id, duties, at), directory):
        return reason
    if ask.added:
        return _acting_as_added(ask, ask.added, by, earlier, directory, duties.held_by(by.id, at))
    reasons = []
    for acting in rights(by, directory, duties, at, ask):
        reason = _reason_out_of_reach(ask, above.lends(acting, ask.role)) or _reason_let_by_requester(ask, acting)
        if not reason:
            return acting
        reasons.append(reason)
    return next((x for x in reasons if "limit" in x or "emergency" in x), reasons[0])


def by_emergency(acting: Acting) -> ByEmergency | None:
    """Say by which emergency access somebody acts, where they do."""
    if acting.access is None:
        return None
    names = tuple(one.name for one in acting.access.granted)
    return ByEmergency(key=acting.access.asked.key, granted_by=names, until=acting.access.over)


def who_can(
    ask: Ask,
    directory: Directory,
    duties: Duties,
    at: datetime,
    *,
    above: Above = NOBODY_ABOVE,
    earlier: tuple[Decision, ...] = (),
) -> tuple[Acting, ...]:
    """List who may answer an ask at a moment; those who are away are left out while somebody else may."""
    found = (acting_for(ask, person, earlier, directory, duties, at, above=above) for person in directory.people)
    able = tuple(one for one in found if isinstance(one, Acting))
    return tuple(one for one in able if not duties.away(one.by.id, at)) or able


def whom_it_lacks(
    ask: Ask,
    directory: Directory,
    duties: Duties,
    at: datetime,
    *,
    above: Above = NOBODY_ABOVE,
    earlier: tuple[Decision, ...] = (),
) -> str:
    """Say what an ask that nobody may answer lacks: somebody else than who holds it and decided elsewhere."""
    held = who_can(ask, directory, duties, at, above=above)
    spent = [one.by.name for one in held if one.by.id in {x.by for x in earlier}]
    if not spent:
        return "the directory must name somebody"
    done = "has decided another step" if len(spent) == 1 else "have decided other steps"
    return f"{' and '.join(spent)} {done}: the directory must name somebody else"


def _acting_as_added(
    ask: Ask, added: Added, by: Person, earlier: tuple[Decision, ...], directory: Directory, held: Iterable[Delegation]
) -> Acting | str:
    if by.id == added.person:
        return Acting(by, by.grants)
    mine = ask.key.partition("-")[2]
    spent = {one.by for one in earlier if not one.added or one.ask.partition("-")[2] != mine}
    of = directory.person(added.person)
    for lent in held:
        reach = Grant(role=ask.role, cost_centres=lent.cost_centres, limit=lent.limit)
        in_full = not lent.roles and covers(reach, ask.cost_centre) and within(reach, ask.counted)
        if of and of.active and lent.of == of.id and in_full and by.id not in spent:
            return Acting(by, by.grants, of)
    instead = _in_place_of(added, directory)
    if instead and by.id in (instead - spent or {added.by_id}):  # who added them may say that it needs no more
        return Acting(by, by.grants, of)
    return f"This waits for {added.name}, whom {added.by} added."


def _in_place_of(added: Added, directory: Directory) -> frozenset[str]:
    """Name who answers where the one who was added has left: who added them, or the nearest manager who is there."""
    left = directory.person(added.person)
    if left and left.active:
        return frozenset()
    seen = {added.person}
    above = directory.person(left.manager) if left and left.manager else None
    while above and not above.active and above.id not in seen:
        seen.add(above.id)
        above = directory.person(above.manager) if above.manager else None
    return frozenset({added.by_id, above.id} if above else {added.by_id})


def _reason_in_conflict(
    ask: Ask, by: Person, earlier: tuple[Decision, ...], persons: Collection[str], directory: Directory
) -> str | None:
    if by.id == ask.requester:
        return "You asked for this yourself. Somebody else has to decide it."
    if ask.requester in persons:
        return f"You stand in for {ask.requester_name}, who asked for this. Somebody else has to decide it."
    for decision in earlier:
        if ask.added or decision.added or (decision.role, decision.place) == (ask.role, ask.place):
            continue
        if not (both := {decision.by, *decision.counts_as} & set(persons)):
            continue
        if decision.by == by.id:
            return "You have already decided an earlier step of this case. A second person has to decide this one."
        person = directory.person(min(both))
        name = person.name if person else min(both)
        return f"An earlier step of this case was decided by or for {name}, as whom you count. A second person has to."
    return None


def _reason_let_by_requester(ask: Ask, acting: Acting) -> str | None:
    """Say why an emergency access is of no use here: nobody lets others decide what they ask for themselves."""
    if acting.access and ask.requester in acting.access.concerned:
        return f"{ask.requester_name}, who asked for this, had a part in your emergency access. Somebody else has to."
    return None


def _reason_out_of_reach(ask: Ask, grants: tuple[Grant, ...]) -> str | None:
    held = [grant for grant in grants if grant.role == ask.role and covers(grant, ask.cost_centre)]
    if not held and ask.role in get_args(ByPlace):
        return f"This waits for the {ask.whom}, which you are not."
    if not held:
        article = "an" if ask.role[0] in "aeiou" else "a"
        return f"This waits for {article} {ask.role} of {ask.cost_centre}, a role you do not hold."
    if ask.within_limit and not any(within(grant, ask.counted) for grant in held):
        limit = max(grant.limit.amount for grant in held if grant.limit)
        return f"{ask.counted} is above your limit of {Money.of(limit, ask.counted.currency)}."
    return None


def too_few_for(holders: Mapping[S, Collection[str]]) -> tuple[S, ...]:
    """Name the fewest seats that cannot each have a person of its own; empty where all can.

    That is so exactly where some of the seats are held, together, by fewer people than there are seats (Hall).
    """
    for count in range(1, len(holders) + 1):
        for seats in combinations(holders, count):
            if len({person for seat in seats for person in holders[seat]}) < count:
                return seats
    return ()


def covers(grant: Grant, cost_centre: str) -> bool:
    """Say whether a grant holds in a cost centre."""
    return EVERYWHERE in grant.cost_centres or cost_centre in grant.cost_centres


def within(grant: Grant, amount: Money) -> bool:
    """Say whether a grant reaches up to an amount."""
    return grant.limit is None or not amount > grant.limit
