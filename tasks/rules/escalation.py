"""Escalation: who above those asked may decide as well, when nobody has answered in time. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from blocks.records.approval import Ask, Decision
from blocks.records.people import Person, Role
from blocks.records.policy import Policy, Rulebook
from tasks.rules.authority import acting_for, too_few_for, who_can, who_may
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
        lines = (_managers(one, rulebook) for one in asked.values())

    def may(person: Person) -> bool:
        above = Above(frozenset({person.id}), role)
        acting = acting_for(ask, person, earlier, directory, rulebook.duties, at, above=above)
        there = not rulebook.duties.away(person.id, at)
        return isinstance(acting, Acting) and there and not _is_last_for_another(ask, person, rulebook, earlier)

    nearest = (next((one for one in line if one.id not in asked and may(one)), None) for line in lines)
    return Above(frozenset(one.id for one in nearest if one), role)


def _managers(person: Person, rulebook: Rulebook) -> Iterator[Person]:
    """List who is above somebody, the nearest first; a line that bites its tail ends."""
    seen = {person.id}
    while person.manager and person.manager not in seen and (above := rulebook.directory.person(person.manager)):
        seen.add(above.id)
        yield above
        person = above


def _is_last_for_another(ask: Ask, person: Person, rulebook: Rulebook, earlier: tuple[Decision, ...]) -> bool:
    """Say whether another step of the case would be left without anybody, if somebody decided this one."""
    decided = {one.by for one in earlier}
    rest = _roles_of(ask, rulebook.policy) - {ask.role} - {one.role for one in earlier}
    centre, asker = ask.cost_centre, ask.requester
    everybody = {role: who_may(rulebook.directory, role, centre, ask.counted, requester=asker) for role in sorted(rest)}
    holders = {role: {one.id for one in who} - decided for role, who in everybody.items()}
    filled = {role: who for role, who in holders.items() if who}
    return not too_few_for(filled) and bool(too_few_for({role: who - {person.id} for role, who in filled.items()}))


def _roles_of(ask: Ask, policy: Policy) -> set[Role]:
    """Name the roles that a case needs by what its ask shows."""
    roles = {*policy.tier(ask.category, ask.counted.amount).roles}
    if ask.contract is None:
        roles |= {*policy.off_contract}
    if (ask.budget_left - ask.amount).amount < ask.budget.amount * policy.low_budget_share:
        roles |= {*policy.low_budget}
    return roles
