"""Routes: every way a policy may send a case, each with the amounts from which it does."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise, product
from typing import NamedTuple

from blocks.records.money import Money
from blocks.records.people import Directory, Role
from blocks.records.policy import Band, Matrix, Policy

CENT = Decimal("0.01")


class Route(NamedTuple):
    """Roles that one case may need, at one amount: what sends it there, and from where on it holds."""

    roles: tuple[Role, ...]
    amount: Decimal
    reach: int
    """How many limits of the directory lie below the amount: as long as that is the same, so are the people."""
    beyond: bool
    """Only with earlier orders counted: more than one requisition may be."""
    since: str
    because: str
    field: str


def limits_of(directory: Directory) -> list[Decimal]:
    """List the limits that people have, each once, in order."""
    return sorted({grant.limit.amount for who in directory.people for grant in who.grants if grant.limit})


def amounts_to_try(matrix: Matrix, limits: Iterable[Decimal], amount_max: Decimal) -> list[Decimal]:
    """List a cent below, at and above each bound and limit, and one amount between any two.

    Between two neighbours nothing changes, so that these stand for every amount there is.
    """
    bounds = {bound for tier in matrix.tiers for bound in (tier.band.lower, tier.band.upper) if bound is not None}
    turns = sorted({Decimal(0), amount_max, *bounds, *limits})
    near = {turn + step for turn in turns for step in (-CENT, Decimal(0), CENT)}
    between = {(low + high) / 2 for low, high in pairwise(turns)}
    return sorted(amount for amount in near | between | {turns[-1] + 1} if amount >= 0)


def routes(policy: Policy, limits: list[Decimal]) -> tuple[Route, ...]:
    """List the routes of a policy: for the same roles and people one, at the least amount that takes it."""
    found: dict[tuple[frozenset[Role], int, bool], Route] = {}
    for route in _every_route(policy, limits):
        key = (frozenset(route.roles), route.reach, route.beyond)
        if key not in found or route.amount < found[key].amount:
            found[key] = route
    return tuple(sorted(found.values(), key=lambda route: route.amount))


def _every_route(policy: Policy, limits: list[Decimal]) -> Iterator[Route]:
    for place, matrix in enumerate(policy.matrices):
        amounts = amounts_to_try(matrix, limits, policy.amount_max)
        for row, tier in enumerate(matrix.tiers):
            field = f"policy.matrices.{place}.tiers.{row}.roles"
            held = [amount for amount in amounts if tier.band.holds(amount)]
            for off_contract, low_budget in product((False, True), repeat=2):
                roles = roles_of(tier.roles, policy, off_contract=off_contract, low_budget=low_budget)
                why = matrix.category + ", off contract" * off_contract + ", little budget left" * low_budget
                for amount in held if roles else ():
                    reach = bisect_left(limits, amount)
                    since = _since(tier.band, limits[reach - 1] if reach else None, policy)
                    yield Route(roles, amount, reach, amount > policy.amount_max, since, why, field)


def roles_of(tier: tuple[Role, ...], policy: Policy, *, off_contract: bool, low_budget: bool) -> tuple[Role, ...]:
    """Name the roles that a tier, the contract and the budget ask for, in order, each once."""
    more = policy.off_contract * off_contract + policy.low_budget * low_budget
    return tuple(dict.fromkeys((*tier, *more)))


def _since(band: Band, limit: Decimal | None, policy: Policy) -> str:
    """Say from which amount on a route is taken by these people, as the band or the last limit below it bounds it."""
    if limit is not None and limit >= band.lower:
        return f"above {Money.of(limit, policy.currency)}"
    if not band.lower:
        return "at any amount"
    return f"{'from' if band.lower_included else 'above'} {Money.of(band.lower, policy.currency)}"
