"""Escalation: who above those asked may decide as well, when nobody has answered in time. Pure."""

from collections.abc import Iterable
from datetime import datetime

from blocks.records.approval import Ask, Decision
from blocks.records.people import Person, Role
from blocks.records.policy import Rulebook
from tasks.rules.authority import acting_for, who_can
from tasks.rules.scarce import is_last_for_another
from tasks.rules.standing import Above, Acting


def whom_above(ask: Ask, rulebook: Rulebook, earlier: tuple[Decision, ...], at: datetime) -> Above:
    """Say to whom policy's clock takes an ask as well; to nobody where nobody above may decide it.

    Of each of those asked it is the nearest manager up the line who is there, may decide it within their own limit,
    and is not the last one left for another step of the case. Segregation of duties holds for them as for anybody.
    """
    clock, directory = rulebook.policy.clock, rulebook.directory
    if clock is None or clock.escalate_to == "nobody":
        return Above()
    asked = {one.by.id: one.by for one in who_can(ask, directory, rulebook.duties, at)}
    role: Role | None = None if clock.escalate_to == "manager" else clock.escalate_to
    lines: Iterable[Iterable[Person]] = ((one,) for one in directory.people)
    if role is None:
        lines = (directory.line_above(one.id) for one in asked.values())

    def may(person: Person) -> bool:
        above = Above(frozenset({person.id}), role)
        acting = acting_for(ask, person, earlier, directory, rulebook.duties, at, above=above)
        there = not rulebook.duties.away(person.id, at)
        return isinstance(acting, Acting) and there and not is_last_for_another(ask, person, rulebook, earlier)

    nearest = (next((one for one in line if one.id not in asked and may(one)), None) for line in lines)
    return Above(frozenset(one.id for one in nearest if one), role)
