"""Routes: every way a policy may send a request, each with the amounts from which it does."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise, product
from typing import NamedTuple, get_args

from blocks.records.money import Money
from blocks.records.people import ByPlace, Directory
from blocks.records.policy import Matrix, Policy
from blocks.records.purchasing import Category
from blocks.records.routes import Band, Step
from tasks.rules.plan import Situation, planned, wanted

CENT = Decimal("0.01")


class Route(NamedTuple):
    """One way through the steps of a policy, at one amount: what sends a request there, and from where on it does."""

    steps: tuple[Step, ...]
    on: Situation
    """At that amount, whoever asks, in one of its centres."""
    centres: tuple[str, ...]
    reach: int
    """How many limits of the directory lie below the amount: as long as that is the same, so are the people."""
    beyond: bool
    """Only with earlier orders counted: more than one requisition may be."""
    since: str
    because: str
    field: str

    @property
    def amount(self) -> Decimal:
        """The least amount that takes it."""
        return self.on.counted.amount

    @property
    def goes_by_requester(self) -> bool:
        """Whether who is asked depends on who asks."""
        return any(one.who in ("management", *get_args(ByPlace)) for step in self.steps for one in step.approvers)


def limits_of(directory: Directory) -> list[Decimal]:
    """List the limits that people have, each once, in order."""
    granted = {grant.limit.amount for who in directory.people for grant in who.grants if grant.limit}
    return sorted(granted | {who.manager_limit.amount for who in directory.people if who.manager_limit})


def amounts_to_try(matrix: Matrix, turns: Iterable[Decimal], amount_max: Decimal) -> list[Decimal]:
    """List a cent below, at and above each bound of a matrix and each other turn, and one amount between any two.

    Between two neighbours nothing changes, so that these stand for every amount there is.
    """
    bounds = {bound for tier in matrix.tiers for bound in _bounds(tier.band)}
    places = sorted({Decimal(0), amount_max, *bounds, *turns})
    near = {turn + step for turn in places for step in (-CENT, Decimal(0), CENT)}
    between = {(low + high) / 2 for low, high in pairwise(places)}
    return sorted(amount for amount in near | between | {places[-1] + 1} if amount >= 0)


def turns_of(policy: Policy, directory: Directory) -> list[Decimal]:
    """List the amounts, beside the bounds of a matrix, from which on something may change."""
    bands = (bound for also in policy.also if also.band for bound in _bounds(also.band))
    return sorted({*limits_of(directory), *bands})


def routes(policy: Policy, directory: Directory, centres: Iterable[str]) -> tuple[Route, ...]:
    """List the routes of a policy: for the same steps, people and centres one, at the least amount that takes it."""
    found: dict[tuple[object, ...], Route] = {}
    limits, turns = limits_of(directory), turns_of(policy, directory)
    for alike in _alike(policy, centres):
        for route in _every_route(policy, alike, limits, turns):
            same: object = route.steps
            if not route.goes_by_requester:
                same = frozenset(step[:2] for step in planned(policy, route.on, directory))
            key = (alike, same, route.reach, route.beyond)
            if key not in found or route.amount < found[key].amount:
                found[key] = route
    return tuple(sorted(found.values(), key=lambda route: route.amount))


def _alike(policy: Policy, centres: Iterable[str]) -> list[tuple[str, ...]]:
    """Put together the cost centres for which policy makes no difference."""
    named = [*(one.cost_centres for one in policy.matrices), *(one.cost_centres for one in policy.also)]
    groups: dict[tuple[bool, ...], list[str]] = {}
    for centre in centres:
        groups.setdefault(tuple(centre in of for of in named), []).append(centre)
    return [tuple(group) for group in groups.values()]


def _every_route(
    policy: Policy, centres: tuple[str, ...], limits: list[Decimal], turns: list[Decimal]
) -> Iterator[Route]:
    hurried = any(one.emergency for one in policy.matrices) or any(one.emergency for one in policy.also)
    categories: tuple[Category, ...] = get_args(Category)
    for category, emergency in product(categories, (False, True) if hurried else (False,)):
        matrix = policy.matrix(category, centres[0], emergency=emergency)
        place = policy.matrices.index(matrix)
        for amount in amounts_to_try(matrix, turns, policy.amount_max):
            row = next((n for n, tier in enumerate(matrix.tiers) if tier.band.holds(amount)), None)
            if row is None:
                continue  # told by itself, of the amount
            tier, reach = matrix.tiers[row], bisect_left(limits, amount)
            for off_contract, low_budget in product((False, True), repeat=2):
                counted = Money(amount=amount, currency=policy.currency)
                on = Situation(category, centres[0], "", counted, off_contract, low_budget, emergency)
                if steps := tuple(step for step, _ in wanted(policy, on)):
                    yield Route(
                        steps=steps,
                        on=on,
                        centres=centres,
                        reach=reach,
                        beyond=amount > policy.amount_max,
                        since=_since(tier.band, turns, amount, policy),
                        because=_because(on),
                        field=f"policy.matrices.{place}.tiers.{row}.{'steps' if tier.steps else 'roles'}",
                    )


def _because(on: Situation) -> str:
    more = ", emergency" * on.emergency + ", off contract" * on.off_contract + ", little budget left" * on.low_budget
    return on.category + more


def _bounds(band: Band) -> list[Decimal]:
    return [bound for bound in (band.lower, band.upper) if bound is not None]


def _since(band: Band, turns: list[Decimal], amount: Decimal, policy: Policy) -> str:
    """Say from which amount on a route is taken by these people, as the band or the last turn below it bounds it."""
    below = turns[: bisect_left(turns, amount)]
    if below and below[-1] >= band.lower:
        return f"above {Money.of(below[-1], policy.currency)}"
    if not band.lower:
        return "at any amount"
    return f"{'from' if band.lower_included else 'above'} {Money.of(band.lower, policy.currency)}"
