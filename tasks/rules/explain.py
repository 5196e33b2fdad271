"""Explaining: who is asked, why, in what order, until when; who could decide and why they, who could not and why."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from blocks.records.approval import Ask, Decision, Ending
from blocks.records.base import Record
from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.people import EVERYWHERE, Capacity, Duties, Grant, Person
from blocks.records.policy import Rulebook
from blocks.records.purchasing import Requisition
from tasks.rules.asking import NobodyMayError, approvals_needed
from tasks.rules.authority import acting_for, by_emergency
from tasks.rules.clock import due_at
from tasks.rules.requisition import amount_of, can_fill_from_stock, reason_to_refuse
from tasks.rules.standing import NOBODY_ABOVE, Above, Acting, counts_as, rights

State = Ending | Literal["asked", "to ask"]


class Somebody(Record):
    """One person, and why they could decide, or what they would be told if they tried."""

    person: str
    name: str
    because: str
    away: bool = False


class Step(Record):
    """One ask, and everybody it concerns."""

    role: Capacity
    with_others: int = Field(default=0, description="How many others are asked at the same time")
    enough: int = Field(default=1, description="How many approvals of them all are enough")
    why: str
    after: str
    state: State
    asked: AwareDatetime | None = None
    due: AwareDatetime | None = None
    decided: str = ""
    able: tuple[Somebody, ...]
    unable: tuple[Somebody, ...]
    others: int
    """How many more there are, none of whom holds the role anywhere."""


class Explanation(Record):
    """The way of one request through policy, as things stand."""

    case: str
    request: Requisition
    amount: Money | None = None
    counted: Money | None = None
    steps: tuple[Step, ...] = ()
    refused: str = ""
    ended: str = ""


def foreseen(request: Requisition, facts: Facts, rulebook: Rulebook, at: datetime, case: str = "new") -> Explanation:
    """Tell what would become of a request that came in now, each step due as if those before took all their time."""
    if can_fill_from_stock(request, facts.sourcing):
        return Explanation(case=case, request=request, refused="nobody is asked: the shelf holds enough")
    if reason := reason_to_refuse(request, facts, rulebook.policy):
        return Explanation(case=case, request=request, refused=reason)
    try:
        stages = approvals_needed(case, request, facts, rulebook, 1)
    except NobodyMayError as gap:
        return Explanation(case=case, request=request, refused=str(gap))
    steps, asked, clock = [], at, rulebook.policy.clock
    for stage in stages:
        due = due_at(asked, clock, rulebook.directory.zone) if clock else None
        steps += [step_of(ask, (), rulebook, at).model_copy(update={"due": due}) for ask in stage.asks]
        asked = due or asked
    amount = amount_of(request, facts.sourcing)
    counted = amount + facts.recent if facts.recent else amount
    return Explanation(case=case, request=request, amount=amount, counted=counted, steps=tuple(steps))


def step_of(
    ask: Ask, earlier: tuple[Decision, ...], rulebook: Rulebook, at: datetime, *, above: Above = NOBODY_ABOVE
) -> Step:
    """Judge everybody of the directory, as the door would, had they answered at that moment."""
    able, unable, others = [], [], 0
    directory, duties = rulebook.directory, rulebook.duties
    for person in directory.people:
        found = acting_for(ask, person, earlier, directory, duties, at, above=above)
        if isinstance(found, Acting):
            why, away = _standing(ask, found, duties, at, above), duties.away(person.id, at)
            able.append(Somebody(person=person.id, name=person.name, because=why, away=away))
        elif _concerned(ask, person, rulebook, at):
            unable.append(Somebody(person=person.id, name=person.name, because=found))
        else:
            others += 1
    return Step(
        role=ask.role,
        with_others=max(0, len(ask.beside) - 1),
        enough=ask.enough,
        why=ask.why,
        after=ask.after,
        state="to ask",
        able=tuple(able),
        unable=tuple(unable),
        others=others,
    )


def _concerned(ask: Ask, person: Person, rulebook: Rulebook, at: datetime) -> bool:
    """Say whether one would expect somebody among those who decide: by role or loan, or for having asked."""
    standing = rights(person, rulebook.directory, rulebook.duties, at, ask)
    if any(grant.role == ask.role for acting in standing for grant in acting.grants):
        return True
    return ask.requester in counts_as(person.id, rulebook.duties, at)


def _standing(ask: Ask, acting: Acting, duties: Duties, at: datetime, above: Above) -> str:
    """Say by what right somebody could decide: their own, one lent to them, or since it was escalated to them."""
    own = next((x for x in acting.grants if x.role == ask.role and _covers(x, ask)), None)
    lent = next((x for x in above.lends(acting, ask.role) if x.role == ask.role and _covers(x, ask)), None)
    right = _right(own) if own else f"escalated to them, {_reach(lent)}" if lent else ask.why
    if needed := by_emergency(acting):
        return f"{needed.words} until {needed.until:%d %b %H:%M} UTC: {right}"
    if acting.of is None:
        return right
    until = max(one.until for one in duties.held_by(acting.by.id, at) if one.of == acting.of.id)
    return f"stands in for {acting.of.name} until {until:%d %b %H:%M} UTC: {right}"


def _covers(grant: Grant, ask: Ask) -> bool:
    here = EVERYWHERE in grant.cost_centres or ask.cost_centre in grant.cost_centres
    return here and (grant.limit is None or not ask.counted > grant.limit)


def _right(grant: Grant) -> str:
    return f"{grant.role} {_reach(grant)}"


def _reach(grant: Grant) -> str:
    where = "everywhere" if EVERYWHERE in grant.cost_centres else f"of {', '.join(grant.cost_centres)}"
    return f"{where}, {f'up to {grant.limit}' if grant.limit else 'without limit'}"
