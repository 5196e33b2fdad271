"""Reach: who is left to decide on each route, whoever asks, is away, or stands in for somebody."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

from blocks.records.people import EVERYWHERE, Directory, Duties, Person
from blocks.records.policy import Policy
from tasks.rules.plan import Planned, Seat, goes_by_requester, planned, short_of, who_sits
from tasks.rules.routes import Route

Rule = Literal["nobody", "too few", "requester", "stand-in", "reports", "away"]
NOBODY = frozenset[str]()


class Gap(NamedTuple):
    """Seats that cannot be filled on a route, in some cost centres, and on whose account."""

    rule: Rule
    route: Route
    seats: tuple[str, ...]
    centres: tuple[str, ...]
    person: str = ""
    holders: frozenset[str] = NOBODY


@dataclass
class Reach:
    """A directory, asked again and again who may decide by a policy."""

    policy: Policy
    directory: Directory
    duties: Duties
    at: datetime
    _sitting: dict[tuple[Seat, str, int, str], frozenset[str]] = field(default_factory=dict)
    _plans: dict[tuple[int, str], tuple[Planned, ...]] = field(default_factory=dict)
    _short: dict[tuple[tuple[Planned, ...], tuple[frozenset[str], ...]], tuple[Seat, ...]] = field(default_factory=dict)

    @cached_property
    def centres(self) -> tuple[str, ...]:
        """Every cost centre that the directory or the policy names."""
        named = {centre for who in self.directory.people for centre in (*who.cost_centres, *who.owns)}
        named |= {centre for who in self.directory.people for grant in who.grants for centre in grant.cost_centres}
        named |= {x for one in self.policy.matrices for x in one.cost_centres}
        named |= {x for one in self.policy.also for x in one.cost_centres}
        return tuple(sorted(named - {EVERYWHERE})) or (EVERYWHERE,)

    def plan(self, route: Route, asker: str = "") -> tuple[Planned, ...]:
        """List the steps of a route; *asker*: whoever asks, where who is asked depends on it."""
        key = (id(route), asker)
        if key not in self._plans:
            on = route.on._replace(requester=asker)
            self._plans[key] = planned(self.policy, on, self.directory)
        return self._plans[key]

    def holders(self, seat: Seat, centre: str, route: Route, asker: str = "") -> frozenset[str]:
        """Name who may fill a seat, but for what the case's history says."""
        key = (seat, centre, route.reach, asker if seat.capacity == "line-manager" else "")
        if key not in self._sitting:
            able = who_sits(self._able, seat, centre, route.on.counted, key[-1])
            self._sitting[key] = frozenset(one.id for one in able)
        return self._sitting[key]

    def everybody(self, route: Route, centre: str, asker: str = "") -> frozenset[str]:
        """Name everybody who may fill any seat of a route."""
        seats = (seat for step in self.plan(route, asker) for seat in step.seats)
        return frozenset[str]().union(*(self.holders(seat, centre, route, asker) for seat in seats))

    def short(self, route: Route, centre: str, without: frozenset[str] = NOBODY, asker: str = "") -> tuple[Seat, ...]:
        """Name the seats that cannot each be filled by a person of its own, *without* some people."""
        plan = self.plan(route, asker)
        seats = [seat for step in plan for seat in step.seats]
        held = tuple(self.holders(seat, centre, route, asker) - without for seat in seats)
        key = (plan, held)
        if key not in self._short:
            self._short[key] = short_of(plan, dict(zip(seats, held, strict=True)))
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
        return frozenset(one.name for one in self.directory.people if one.id in people)

    @cached_property
    def _able(self) -> Directory:
        """Leave out who holds nothing and stands above nobody, to look through fewer."""
        above = {one.manager for one in self.directory.people}
        some = tuple(x for x in self.directory.people if x.grants or x.owns or x.manager or x.id in above)
        few = tuple(x for x in some if x.grants or x.owns)
        return self.directory.model_copy(update={"people": some if goes_by_requester(self.policy) else few})

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
    askers = {centre: reach.askers(centre) for centre in reach.centres}
    for route in ways:
        for centre in route.centres:
            for gap in _gaps_at(reach, route, centre, askers[centre]):
                key = (centre, gap.rule, gap.seats, gap.person, gap.holders, route.beyond)
                if key not in least or route.amount < least[key].route.amount:
                    least[key] = gap
    together: dict[tuple[object, ...], Gap] = {}
    for (*same_case, beyond), gap in sorted(least.items(), key=lambda one: reach.centres.index(one[0][0])):
        if beyond and (*same_case, False) in least:
            continue  # told already, of amounts that may be asked for
        same = (*same_case[1:], beyond, gap.route.since)
        known = together.setdefault(same, gap)
        together[same] = known._replace(centres=tuple(dict.fromkeys(known.centres + gap.centres)))
    return list(together.values())


def _gaps_at(reach: Reach, route: Route, centre: str, askers: tuple[Person, ...]) -> Iterator[Gap]:
    if route.goes_by_requester:
        for asker in askers:
            yield from _gaps_by(reach, route, centre, asker.id)
        return
    if short := reach.short(route, centre):
        held = frozenset[str]().union(*(reach.holders(seat, centre, route) for seat in short))
        yield Gap("too few" if held else "nobody", route, _keys(short), (centre,), holders=reach.names(held))
        return
    if route.beyond:
        return
    holders = reach.everybody(route, centre)
    for asker in askers:
        yield from _gaps_for(reach, route, centre, asker.id, holders)
    for person in holders:
        if short := reach.short(route, centre, frozenset({person})):
            yield Gap("away", route, _keys(short), (centre,), person)


def _gaps_by(reach: Reach, route: Route, centre: str, asker: str) -> Iterator[Gap]:
    """See who is left where who is asked goes by who asks: everything is tried for each of them."""
    if short := reach.short(route, centre, frozenset({asker}), asker):
        yield Gap("requester", route, _keys(short), (centre,), asker)
        return
    if route.beyond:
        return
    holders = reach.everybody(route, centre, asker)
    for gap in _gaps_for(reach, route, centre, asker, holders, by_line=True):
        if gap.rule != "reports":  # that the line goes up from who asks is the meaning of it
            yield gap
    for person in holders - {asker}:
        if short := reach.short(route, centre, frozenset({asker, person}), asker):
            yield Gap("away", route, _keys(short), (centre,), person)


def _gaps_for(
    reach: Reach, route: Route, centre: str, asker: str, holders: frozenset[str], *, by_line: bool = False
) -> Iterator[Gap]:
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
        if gone & holders and (short := reach.short(route, centre, gone, asker if by_line else "")):
            yield Gap(rule, route, _keys(short), (centre,), asker)
            return


def _keys(seats: tuple[Seat, ...]) -> tuple[str, ...]:
    return tuple(seat.key for seat in seats)
