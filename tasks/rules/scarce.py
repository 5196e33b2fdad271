"""Scarce: who is the last one left for a seat of a case, and had better keep to it. Pure.

Segregation of duties lets nobody fill two seats. So whoever alone may fill one blocks the case by filling another.
"""

from datetime import datetime

from blocks.records.approval import Ask, Decision
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from tasks.rules.authority import who_can
from tasks.rules.plan import Planned, Seat, goes_by_requester, planned, short_of, situation_of, who_sits
from tasks.rules.standing import Above, Acting

NAMES_MAX = 5


def reason_needed_elsewhere(
    ask: Ask, acting: Acting, rulebook: Rulebook, earlier: tuple[Decision, ...], at: datetime, above: Above
) -> str | None:
    """Say why somebody had better leave an ask to others, or None: nobody but they may fill another seat of the case.

    Where nobody else may fill this one either it makes no difference, and nothing is said.
    """
    by = acting.by
    if (
        acting.of
        or acting.access
        or ask.added
        or ask.policy != rulebook.policy_version
        or not _in_several(by, rulebook)
    ):
        return None
    if not (seats := left_without(ask, by, rulebook, earlier)):
        return None
    able = who_can(ask, rulebook.directory, rulebook.duties, at, above=above, earlier=earlier)
    if not (others := [one.by.name for one in able if one.by.id != by.id]):
        return None
    needed = " and ".join(seat.capacity.replace("-", " ") for seat in seats)
    alone = f"Nobody but you may decide this case as {needed}, and nobody decides it twice"
    return f"{alone}: please leave this to {' or '.join(others[:NAMES_MAX])}."


def _in_several(person: Person, rulebook: Rulebook) -> bool:
    """Say whether somebody may sit in more than one seat: most cannot, and need no closer look."""
    return len({one.role for one in person.grants}) + bool(person.owns) + goes_by_requester(rulebook.policy) > 1


def is_last_for_another(ask: Ask, person: Person, rulebook: Rulebook, earlier: tuple[Decision, ...]) -> bool:
    """Say whether another seat of the case would be left without anybody, if somebody filled this one."""
    return bool(left_without(ask, person, rulebook, earlier))


def left_without(ask: Ask, person: Person, rulebook: Rulebook, earlier: tuple[Decision, ...]) -> tuple[Seat, ...]:
    """Name the seats of the case that would be left without anybody, if somebody filled this one."""
    on = situation_of(ask, rulebook.policy)
    filled = {(one.role, one.place) for one in earlier} | {(ask.role, ask.place)}
    decided = {one.by for one in earlier}
    held, rest = dict[Seat, frozenset[str]](), list[Planned]()
    for step in planned(rulebook.policy, on, rulebook.directory):
        for seat in step.seats:
            who = who_sits(rulebook.directory, seat, on.cost_centre, on.counted, on.requester)
            held[seat] = frozenset(one.id for one in who) - decided
        seats = tuple(x for x in step.seats if (x.capacity, x.place) not in filled and held[x])
        enough = min(step.enough - (len(step.seats) - len(seats)), len(seats))
        rest += [Planned(seats, enough, step.source)] if enough > 0 else []
    plan = tuple(rest)
    if not any(person.id in held[seat] for step in plan for seat in step.seats) or short_of(plan, held):
        return ()
    return short_of(plan, {seat: who - {person.id} for seat, who in held.items()})
