"""Segregation of duties: which of them nobody may hold together.

Pure. The directory is looked at before it takes effect, a case whenever somebody does something with it (see
`blocks.proofs.segregation`): people change roles, and what they did stays done. The pairs are policy's.
"""

from datetime import datetime

from blocks.records.people import EVERYWHERE, Directory, Duties, Grant, Person
from blocks.records.policy import ON_A_CASE, Duty, Policy
from tasks.rules.findings import Finding, Level, finding
from tasks.rules.standing import rights


def conflicts(policy: Policy, directory: Directory, duties: Duties, at: datetime) -> list[Finding]:
    """Look for one person with two duties that conflict, in one place; what is lent just now is a warning."""
    found, pairs = [], [x for x in policy.conflicts if not {x.one, x.other} & set(ON_A_CASE)]
    for who in (one for one in directory.people if one.active):
        lent = tuple(grant for acting in rights(who, directory, duties, at) for grant in acting.grants)
        for conflict in pairs:
            own = _common(_scope(who, conflict.one, who.grants), _scope(who, conflict.other, who.grants))
            where = own or _common(_scope(who, conflict.one, lent), _scope(who, conflict.other, lent))
            if not where:
                continue
            places = "everywhere" if EVERYWHERE in where else ", ".join(sorted(where))
            what = f"{who.name} is {conflict.one} and {conflict.other} ({places}): {conflict.reason}"
            remedy = f"take one of the two from {who.name}"
            if conflict.one == "requester" or conflict.other == "requester":
                remedy += ", or set `asks` to false"
            level: Level = "violation" if own else "warning"
            if not own:
                remedy = f"let somebody else stand in instead of {who.name}"
            found.append(finding("conflict", f"directory.people.{who.id}", what, remedy, level))
    return found


def machines(directory: Directory) -> list[Finding]:
    """See that no service account could decide anything, were it somebody: what asks does not approve."""
    found = []
    for who in (one for one in directory.people if one.active and one.service):
        for field in [f"grants.{place}" for place in range(len(who.grants))] + ["owns"] * bool(who.owns):
            what = f"{who.name} is a service account, and no machine approves anything"
            remedy = "grant it to a person; the account may ask without it"
            found.append(finding("service account", f"directory.people.{who.id}.{field}", what, remedy))
    for who in (one for one in directory.people if one.active and one.manager):
        above = directory.person(who.manager or "")
        if above and above.service:
            what = f"{who.name} reports to {above.name}, a service account"
            field, remedy = f"directory.people.{who.id}.manager", "name the person who answers for it"
            found.append(finding("service account", field, what, remedy))
    return found


def _scope(who: Person, duty: Duty, grants: tuple[Grant, ...]) -> frozenset[str]:
    if duty == "requester":
        return frozenset(who.cost_centres or {EVERYWHERE}) if who.asks else frozenset()
    return frozenset(centre for grant in grants if grant.role == duty for centre in grant.cost_centres)


def _common(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    if EVERYWHERE in one:
        return other
    return one if EVERYWHERE in other else one & other
