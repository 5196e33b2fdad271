"""Reach: who is left to decide on each route, whoever asks, is away, or stands in for somebody."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

from blocks.records.money import Money
from blocks.records.people import EVERYWHERE, Directory, Duties, Person, Role
from tasks.rules.authority import too_few_for, who_may
from tasks.rules.routes import Route

Rule = Literal["nobody", "too few", "requester", "stand-in", "reports", "away"]
NOBODY = frozenset[str]()


class Gap(NamedTuple):
    """Roles that cannot be filled on a route, in some cost centres, and on whose account."""

    rule: Rule
    route: Route
    roles: tuple[Role, ...]
    centres: tuple[str, ...]
    person: str = ""
    holders: frozenset[str] = NOBODY


@dataclass
class Reach:
    """A directory, asked again and again who may decide."""

    directory: Directory
    currency: str
    duties: Duties
    at: datetime
    _holders: dict[tuple[Role, str, int], frozenset[str]] = field(default_factory=dict)
    _short: dict[tuple[tuple[frozenset[str], ...], tuple[Role, ...]], tuple[Role, ...]] = field(default_factory=dict)

    @cached_property
    def centres(self) -> tuple[str, ...]:
        """Every cost centre that the directory names."""
        named = {centre for who in self.directory.people for centre in who.cost_centres}
        named |= {centre for who in self.directory.people for grant in who.grants for centre in grant.cost_centres}
        return tuple(sorted(named - {EVERYWHERE})) or (EVERYWHERE,)

    def holders(self, role: Role, centre: str, route: Route) -> frozenset[str]:
        """Name who may decide in a role, but for what the requester and the case's history say."""
        key = (role, centre, route.reach)
        if key not in self._holders:
            amount = Money(amount=route.amount, currency=self.currency)
            able = who_may(self._with_grants, role, centre, amount, requester="")
            self._holders[key] = frozenset(one.id for one in able)
        return self._holders[key]

    def short(self, route: Route, centre: str, without: frozenset[str] = NOBODY) -> tuple[Role, ...]:
        """Name the roles that cannot each be filled by a person of its own, *without* some people."""
        held = tuple(self.holders(role, centre, route) - without for role in route.roles)
        key = (held, route.roles)
        if key not in self._short:
            self._short[key] = too_few_for(dict(zip(route.roles, held, strict=True)))
        return self._short[key]

    def askers(self, centre: str) -> tuple[Person, ...]:
        """List who may ask for a cost centre."""
        return tuple(x for x in self._askers if not x.cost_centres or centre in x.cost_centres)

    def stand_ins(self, person: str) -> frozenset[str]:
        """Name who stands in for somebody just now."""
        return frozenset(one.to for one in self.duties.delegations if one.of == person and one.holds(self.at))

    def reports(self, person: str) -> frozenset[str]:
        """Name who reports to somebody, directly."""
        return self._reports.get(person, NOBODY)

    def names(self, people: frozenset[str]) -> frozenset[str]:
        """Name people as people do."""
        return frozenset(one.name for one in self._with_grants.people if one.id in people)

    @cached_property
    def _with_grants(self) -> Directory:
        return self.directory.model_copy(update={"people": tuple(x for x in self.directory.people if x.grants)})

    @cached_property
    def _askers(self) -> tuple[Person, ...]:
        return tuple(one for one in self.directory.people if one.active and one.asks)

    @cached_property
    def _reports(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for one in self.directory.people:
            if one.manager:
                found.setdefault(one.manager, set()).add(one.id)
        return {manager: frozenset(people) for manager, people in found.items()}


def gaps(reach: Reach, ways: tuple[Route, ...]) -> list[Gap]:
    """Find every gap, at the least amount that meets it; the same in several cost centres is told once."""
    least: dict[tuple[object, ...], Gap] = {}
    for centre in reach.centres:
        askers = reach.askers(centre)
        for route in ways:
            for gap in _gaps_at(reach, route, centre, askers):
                key = (centre, gap.rule, gap.roles, gap.person, gap.holders, route.beyond)
                if key not in least or route.amount < least[key].route.amount:
                    least[key] = gap
    together: dict[tuple[object, ...], Gap] = {}
    for (*same_case, beyond), gap in least.items():
        if beyond and (*same_case, False) in least:
            continue  # told already, of amounts that may be asked for
        same = (*same_case[1:], beyond, gap.route.since)
        known = together.setdefault(same, gap)
        together[same] = known._replace(centres=tuple(dict.fromkeys(known.centres + gap.centres)))
    return list(together.values())


def _gaps_at(reach: Reach, route: Route, centre: str, askers: tuple[Person, ...]) -> Iterator[Gap]:
    if short := reach.short(route, centre):
        held = frozenset[str]().union(*(reach.holders(role, centre, route) for role in short))
        yield Gap("too few" if held else "nobody", route, short, (centre,), holders=reach.names(held))
        return
    if route.beyond:
        return
    holders = frozenset[str]().union(*(reach.holders(role, centre, route) for role in route.roles))
    for asker in askers:
        yield from _gaps_for(reach, route, centre, asker.id, holders)
    for person in holders:
        if short := reach.short(route, centre, frozenset({person})):
            yield Gap("away", route, short, (centre,), person)


def _gaps_for(reach: Reach, route: Route, centre: str, asker: str, holders: frozenset[str]) -> Iterator[Gap]:
    """See who is left when one person asks: not they, and nobody who stands in for them; nor only who reports to them.

    The last two are warnings, told only where the first is no gap.
    """
    alone: frozenset[str] = frozenset({asker})
    without: tuple[tuple[Rule, frozenset[str]], ...] = (
        ("requester", alone),
        ("stand-in", alone | reach.stand_ins(asker)),
        ("reports", alone | reach.reports(asker)),
    )
    for rule, gone in without:
        if gone & holders and (short := reach.short(route, centre, gone)):
            yield Gap(rule, route, short, (centre,), asker)
            return
