"""The plan of a request: the steps that policy takes it through, seat by seat. The one reading of the matrix.

A *seat* is one approval that is wanted: a capacity, and which of several in it. Each seat of a case is filled by a
person of its own. The process, the proof of a policy and its trial all plan by `planned`.
"""

from collections.abc import Iterator
from itertools import combinations, product
from typing import NamedTuple

from blocks.records.approval import Ask
from blocks.records.money import Money
from blocks.records.people import Capacity, Directory, Person
from blocks.records.policy import Policy
from blocks.records.purchasing import Category
from blocks.records.routes import Approver, Step, each_alone
from tasks.rules.authority import covers, too_few_for, within

OFF_CONTRACT, LOW_BUDGET = "off contract", "low budget"
TIER = "tier"


class Seat(NamedTuple):
    """One approval that is wanted: in which capacity, which of several, and whether a limit must cover the amount."""

    capacity: Capacity
    place: int = 1
    within_limit: bool = True

    @property
    def key(self) -> str:
        """Name it within a case: `finance-director`, `finance-director-2`."""
        return self.capacity if self.place == 1 else f"{self.capacity}-{self.place}"


class Planned(NamedTuple):
    """One step: who is asked at the same time, how many of them are enough, and what of policy asks for it."""

    seats: tuple[Seat, ...]
    enough: int
    source: str
    """`tier`, `off contract`, `low budget`, or the `why` of what policy asks for besides."""


class Situation(NamedTuple):
    """All of a request that policy looks at."""

    category: Category
    cost_centre: str
    requester: str
    counted: Money
    off_contract: bool = False
    low_budget: bool = False
    emergency: bool = False


def situation_of(ask: Ask, policy: Policy) -> Situation:
    """Read what policy looked at from what an ask shows."""
    return Situation(
        category=ask.category,
        cost_centre=ask.cost_centre,
        requester=ask.requester,
        counted=ask.counted,
        off_contract=ask.contract is None,
        low_budget=(ask.budget_left - ask.amount).amount < ask.budget.amount * policy.low_budget_share,
        emergency=ask.emergency,
    )


def planned(policy: Policy, on: Situation, directory: Directory) -> tuple[Planned, ...]:
    """List the steps of a request, in order. Who is asked for in one step is not asked for again in a later one.

    Of a step of which some are enough nobody is sure to be needed, so those are asked for again, as others.
    """
    plan: list[Planned] = []
    sure, taken = set[tuple[Capacity, int]](), dict[Capacity, int]()
    for step, source in wanted(policy, on):
        for seats, enough in _seated(step, on, directory):
            all_of = enough == len(seats)
            left = tuple(x for x in seats if not all_of or (x.capacity, x.place) not in sure)
            kept = tuple([_take(seat, taken) for seat in left])
            sure |= {(seat.capacity, seat.place) for seat in (*left, *kept) if all_of}
            if kept:
                plan.append(Planned(kept, len(kept) if all_of else enough, source))
    return tuple(plan)


def wanted(policy: Policy, on: Situation) -> Iterator[tuple[Step, str]]:
    """List what each part of policy asks for: the steps as they are written, and what asks for each."""
    tier = policy.tier(on.category, on.counted.amount, on.cost_centre, emergency=on.emergency)
    yield from ((step, TIER) for step in tier.in_order)
    if on.off_contract:
        yield from ((step, OFF_CONTRACT) for step in each_alone(policy.off_contract))
    if on.low_budget:
        yield from ((step, LOW_BUDGET) for step in each_alone(policy.low_budget))
    for also in policy.also:
        said = {"off_contract": on.off_contract, "low_budget": on.low_budget, "emergency": on.emergency}
        if (
            on.category in (also.categories or (on.category,))
            and on.cost_centre in (also.cost_centres or (on.cost_centre,))
            and (also.band is None or also.band.holds(on.counted.amount))
            and all(getattr(also, name) in (None, value) for name, value in said.items())
        ):
            yield from ((step, also.why) for step in also.steps)


def _seated(step: Step, on: Situation, directory: Directory) -> Iterator[tuple[tuple[Seat, ...], int]]:
    """Say which seats a step has, and how many of them are enough; the line of management is a step for each level."""
    if step.approvers[0].who == "management":
        top = levels(directory, on.requester, on.counted)
        yield from (((Seat("line-manager", level, level == top),), 1) for level in range(1, top + 1))
        return
    seats = tuple(seat for approver in step.approvers for seat in _seats(approver))
    yield seats, step.quorum or len(seats)


def _seats(approver: Approver) -> Iterator[Seat]:
    for place in range(1, approver.seats + 1):
        if approver.who != "management":
            yield Seat(approver.who, place, within_limit=approver.who != "line-manager")


def _take(seat: Seat, taken: dict[Capacity, int]) -> Seat:
    """Take the next place in a capacity, which nobody else is given; a line manager's place is where they stand."""
    before = taken.get(seat.capacity, 0)
    if seat.capacity != "line-manager":
        seat = seat._replace(place=max(seat.place, before + 1))
    taken[seat.capacity] = max(seat.place, before)
    return seat


def goes_by_requester(policy: Policy) -> bool:
    """Say whether, anywhere in a policy, who is asked depends on who asks."""
    tiers = (step for matrix in policy.matrices for tier in matrix.tiers for step in tier.steps)
    steps = (*tiers, *(step for also in policy.also for step in also.steps))
    return any(one.who in ("management", "line-manager") for step in steps for one in step.approvers)


def levels(directory: Directory, requester: str, amount: Money) -> int:
    """Say how far up the line the first manager stands whose limit covers an amount; one more than there are: none."""
    line = directory.line_above(requester)
    return next((n for n, one in enumerate(line, 1) if _reaches(one, amount)), len(line) + 1)


def who_sits(directory: Directory, seat: Seat, cost_centre: str, amount: Money, requester: str) -> tuple[Person, ...]:
    """List who may fill a seat: who works here, in that capacity there, within their limit, and not the requester."""
    if seat.capacity == "line-manager":
        line = directory.line_above(requester)[seat.place - 1 : seat.place]
        return tuple(one for one in line if not seat.within_limit or _reaches(one, amount))
    able = (one for one in directory.people if one.may_decide and one.id != requester)
    if seat.capacity == "cost-centre-owner":
        return tuple(one for one in able if cost_centre in one.owns and _reaches(one, amount))
    return tuple(
        one
        for one in able
        if any(x.role == seat.capacity and covers(x, cost_centre) and within(x, amount) for x in one.grants)
    )


def _reaches(person: Person, amount: Money) -> bool:
    return person.manager_limit is None or not amount > person.manager_limit


def short_of(plan: tuple[Planned, ...], held: dict[Seat, frozenset[str]]) -> tuple[Seat, ...]:
    """Name the seats that cannot each have a person of its own, whichever are filled where some are enough."""
    if not (short := too_few_for({seat: held[seat] for step in plan for seat in step.seats})):
        return ()
    ways = (combinations(step.seats, step.enough) for step in plan)
    for way in product(*ways):
        seats = tuple(seat for step in way for seat in step)
        if not too_few_for({seat: held[seat] for seat in seats}):
            return ()
    return short
