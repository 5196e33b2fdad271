"""Proof: what is wrong with a policy and the people it is for, said before it takes effect.

Every route of the policy is tried for every cost centre and requester, by the same rule that says who may decide a
case; what a delegation lends comes and goes, so it is never counted on.
"""

from datetime import datetime
from typing import Literal

from blocks.records.base import Record
from blocks.records.people import Directory, Duties, Grant, Person
from blocks.records.policy import Matrix, Policy, Rulebook
from tasks.rules.emergency import lending_gaps
from tasks.rules.findings import Finding, finding
from tasks.rules.reach import Gap, Reach, gaps
from tasks.rules.routes import amounts_to_try, routes, turns_of
from tasks.rules.segregation import conflicts, machines


class Proof(Record):
    """What was tried, and what was found."""

    findings: tuple[Finding, ...]
    amounts: int
    routes: int
    cost_centres: int
    people: int

    @property
    def violations(self) -> tuple[Finding, ...]:
        """What keeps the policy from taking effect."""
        return tuple(one for one in self.findings if one.level == "violation")


def prove(policy: Policy, directory: Directory, duties: Duties, at: datetime) -> Proof:
    """Try every amount, route, cost centre and requester; tell all that is wrong, violations first."""
    found = [*_amounts(policy), *_terms(policy, directory), *_hierarchy(directory)]
    found += [*conflicts(policy, directory, duties, at), *machines(directory)]
    found += lending_gaps(policy, directory)
    found += [*_approvers_of(policy, directory, "policy"), *_clock(policy, directory)]
    found += _approvers_of(policy, directory, "directory") if policy.directory_approvers else []
    usable = _in_currency(policy, directory)
    reach = Reach(policy, usable, duties, at)
    turns, ways = turns_of(policy, usable), routes(policy, usable, reach.centres)
    found += [_told(gap, policy, directory) for gap in gaps(reach, ways)]
    return Proof(
        findings=tuple(sorted(found, key=lambda one: one.level != "violation")),
        amounts=sum(len(amounts_to_try(matrix, turns, policy.amount_max)) for matrix in policy.matrices),
        routes=len(ways),
        cost_centres=len(reach.centres),
        people=len(directory.people),
    )


def new_gaps(rulebook: Rulebook, people: Directory, at: datetime) -> tuple[Finding, ...]:
    """Tell what the policy in force would lack with other people that it does not lack with those there are."""
    before = {one.what for one in prove(rulebook.policy, rulebook.directory, rulebook.duties, at).violations}
    after = prove(rulebook.policy, people, rulebook.duties, at).violations
    return tuple(one for one in after if one.what not in before)


def _amounts(policy: Policy) -> list[Finding]:
    """Try a cent below, at and above each bound: each amount lies in exactly one band."""
    return [finding for matrix in policy.matrices for finding in _amounts_of(matrix, policy)]


def _amounts_of(matrix: Matrix, policy: Policy) -> list[Finding]:
    remedy = "let each band begin where the one before it ends, and let one of the two include the bound"
    return [
        finding("amounts", f"policy.matrices.{matrix.name}", f"{amount} lies in {count} bands", remedy)
        for amount in amounts_to_try(matrix, (), policy.amount_max)
        if (count := sum(tier.band.holds(amount) for tier in matrix.tiers)) != 1
    ]


def _terms(policy: Policy, directory: Directory) -> list[Finding]:
    found = []
    if policy.entity != directory.entity:
        what = f"the policy is for {policy.entity}, the directory for {directory.entity}"
        found.append(finding("entity", "policy.entity", what, "use the policy and the directory of one entity"))
    for who in directory.people:
        for place, grant in enumerate(who.grants):
            if grant.limit and grant.limit.currency != policy.currency:
                what = f"the limit of {who.name} is in {grant.limit.currency}, the policy in {policy.currency}"
                field = f"directory.people.{who.id}.grants.{place}.limit"
                found.append(finding("currency", field, what, f"give the limit in {policy.currency}"))
        if who.manager_limit and who.manager_limit.currency != policy.currency:
            what = f"the limit of {who.name} as a manager is in {who.manager_limit.currency}, not {policy.currency}"
            field = f"directory.people.{who.id}.manager_limit"
            found.append(finding("currency", field, what, f"give the limit in {policy.currency}"))
    return found


def _in_currency(policy: Policy, directory: Directory) -> Directory:
    """Leave out the grants whose limit cannot be compared with any amount."""

    def usable(grant: Grant) -> bool:
        return grant.limit is None or grant.limit.currency == policy.currency

    def comparable(who: Person) -> Person:
        foreign = who.manager_limit is not None and who.manager_limit.currency != policy.currency
        left: dict[str, object] = {"owns": (), "manager_limit": None} if foreign else {}
        return who.model_copy(update={"grants": tuple(filter(usable, who.grants)), **left})

    people = map(comparable, directory.people)
    return directory.model_copy(update={"people": tuple(people)})


def _hierarchy(directory: Directory) -> list[Finding]:
    """Follow everybody's managers: the way ends, and nobody is on it twice."""
    managers = {who.id: who.manager for who in directory.people}
    found, seen = [], set[str]()
    for who in directory.people:
        way: list[str] = []
        now: str | None = who.id
        while now in managers and now not in seen and now not in way:
            way.append(now)
            now = managers[now]
        seen.update(way)
        if now in way:
            circle = " → ".join([*way[way.index(now) :], now])
            remedy = "let the topmost of them have no manager"
            found.append(finding("hierarchy", f"directory.people.{now}.manager", f"a circle: {circle}", remedy))
        elif now is not None and now not in managers:
            what = f"{way[-1]} reports to {now}, who is not in the directory"
            remedy = "name a manager of the directory, or none"
            found.append(finding("hierarchy", f"directory.people.{way[-1]}.manager", what, remedy, "warning"))
    return found


def _approvers_of(policy: Policy, directory: Directory, what: Literal["policy", "directory"]) -> list[Finding]:
    """See that somebody is left to approve the next policy, or directory, whoever writes it."""
    named = policy.policy_approvers if what == "policy" else policy.vouchers
    able, rule, field = directory.holding(named), f"approvers of {what}", f"policy.{what}_approvers"
    roles = " or ".join(named) or "nobody"
    if not able:
        nobody = f"no active person is {roles}: no {what} could follow this one"
        return [finding(rule, field, nobody, "name roles that somebody active holds")]
    if len(able) == 1:
        one = f"only {able[0].name} is {roles}: what they write themselves nobody can approve"
        return [finding(rule, field, one, "name a second person or role", "warning")]
    return []


def _clock(policy: Policy, directory: Directory) -> list[Finding]:
    """See that the holidays are known, and that whom it escalates to is there."""
    clock, found = policy.clock, []
    if clock is None:
        return []
    if reason := clock.calendar.reason_unknown():
        remedy = "give codes as ISO 3166 has them, such as US and IL"
        found.append(finding("clock", "policy.clock.calendar", reason, remedy))
    held = {grant.role for who in directory.people if who.may_decide for grant in who.grants}
    if clock.escalate_to not in {"manager", "nobody", *held}:
        what = f"nobody active is {clock.escalate_to}, to whom it escalates"
        found.append(finding("clock", "policy.clock.escalate_to", what, "name a role that somebody active holds"))
    return found


def _told(gap: Gap, policy: Policy, directory: Directory) -> Finding:
    """Put a gap into words."""
    route, roles, where = gap.route, " and ".join(gap.seats), ", ".join(gap.centres)
    at = f"{where}, {route.since} ({route.because})"
    largest = f"{policy.amount_max:,.2f} {policy.currency}"
    person = directory.person(gap.person)
    name, who_field = person.name if person else gap.person, f"directory.people.{gap.person}"
    if gap.rule == "nobody" and route.beyond:
        what = f"where earlier orders count too, nobody is {roles} for {where} {route.since}: such a case is refused"
        remedy = f"give one {roles} a higher limit, or none"
        return finding("approvers", route.field, what, remedy, "warning")
    if gap.rule == "nobody":
        what, remedy = f"nobody active may decide as {roles} for {at}", f"name one there with a limit of {largest}"
        return finding("approvers", route.field, what, remedy)
    if gap.rule == "too few":
        names = " and ".join(sorted(gap.holders))
        what = f"only {names} may decide as {roles} for {at}, and nobody decides one case in two roles"
        remedy = f"name somebody else for one of the roles, with a limit of {largest}"
        return finding("distinct", route.field, what, remedy, "warning" if route.beyond else "violation")
    if gap.rule == "requester":
        what = f"{name} may ask there, and nobody else is left to decide as {roles} for {at}"
        return finding("requester", who_field, what, f"name a second {roles}, or set `asks` to false for {name}")
    if gap.rule == "stand-in":
        what = f"while others stand in for {name}, nobody is left to decide as {roles} what {name} asks for {at}"
        return finding("stand-in", who_field, what, f"let somebody else stand in for {name}", "warning")
    if gap.rule == "reports":
        what = f"what {name} asks, only those who report to {name} decide as {roles} for {at}"
        remedy = f"name a second {roles} who does not report to {name}"
        return finding("reports", who_field, what, remedy, "warning")
    what = f"while {name} is away, nobody is left to decide as {roles} for {where}"
    return finding("away", who_field, what, f"name a second {roles}, or a stand-in in time", "warning")
