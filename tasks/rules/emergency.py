"""Emergency access: what may be lent, on whose word, and who looks at it afterwards. Pure."""

from datetime import datetime, timedelta

from blocks.records.emergency import EmergencyRules
from blocks.records.people import AGREE, EVERYWHERE, Directory, EmergencyAccess, EmergencyAsk, Person, Role
from blocks.records.policy import Policy, Rulebook
from blocks.wire.patients import reason_to_leave_out
from tasks.rules.findings import Finding, finding
from tasks.rules.standing import counts_as

HOUR = timedelta(hours=1)
NONE = "policy knows no emergency access: nobody may hold a role by it"
NOBODY = "only an active person of the directory can do this"


def reason_not_to_ask(asked: EmergencyAsk, by: Person | None, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why a role cannot be asked for in an emergency, or None: bounded in time, place and amount, and argued."""
    rules, directory = rulebook.policy.emergency_access, rulebook.directory
    who = directory.person(asked.person)
    if rules is None:
        return NONE
    if by is None or not by.may_decide or by.id != asked.asked_by:
        return f"asked_by: {NOBODY}"
    if who is None or not who.may_decide:
        return f"person: {asked.person} is not an active person of the directory"
    if asked.role not in rules.roles:
        return f"role: {asked.role} is not lent in an emergency; policy lends {', '.join(rules.roles)}"
    if unknown := [x for x in asked.cost_centres if x not in {EVERYWHERE, *_centres(directory)}]:
        return f"cost_centres: nobody works for {', '.join(unknown)}"
    if reason := _reason_too_long(asked, rules, at) or _reason_too_much(asked, rules, rulebook.policy):
        return reason
    why = reason_to_leave_out(asked.reason) if asked.reason.strip() else "is empty: who agrees and who reviews reads it"
    return f"why: it {why}" if why else None


def reason_not_to_agree(access: EmergencyAccess, by: Person | None, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why somebody's word does not count, or None: a second person's, who gains nothing by it themselves."""
    asked, rules = access.asked, rulebook.policy.emergency_access
    if rules is None:
        return NONE
    if by is None or not by.may_decide:
        return NOBODY
    if over := reason_over(access, rulebook, at):
        return over
    if access.since is not None:
        return f"{names(access)} have agreed already: it is in force"
    persons = counts_as(by.id, rulebook.duties, at)
    if by.id == asked.person:
        return "nobody lets themselves decide: two others have to agree"
    if persons & counts_as(asked.person, rulebook.duties, at):
        return (
            f"you and {_name(asked.person, rulebook)} stand in for one another, or for the same person: others have to"
        )
    if theirs := next((one for one in access.agreed if one.persons & persons), None):
        return (
            f"{'you have' if theirs.by == by.id else f'{theirs.name}, as whom you count, has'} agreed: a second has to"
        )
    if not may_grant(by, asked, rules):
        return f"only {_or(rules.granters)} of {', '.join(asked.cost_centres)} can agree to it"
    return None


def reason_not_to_end(access: EmergencyAccess, by: Person | None, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why somebody cannot end it, or None: whoever it is about can, and whoever could have agreed to it."""
    rules = rulebook.policy.emergency_access
    if by is None or not by.may_decide:
        return NOBODY
    if over := reason_over(access, rulebook, at):
        return over
    if by.id in access.concerned or (rules and may_grant(by, access.asked, rules)):
        return None
    return f"only {' or '.join(sorted(access.concerned))}, or who may agree to it, can end it"


def reason_not_to_review(access: EmergencyAccess, by: Person | None, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why somebody cannot review it, or None: it is over, and they are none of those it is about."""
    rules = rulebook.policy.emergency_access
    if by is None or not by.may_decide:
        return NOBODY
    if access.since is None:
        return "it was never in force: there is nothing to review"
    if access.review:
        return f"{access.review.name} has {access.review.done} it"
    if not access.to_review(at):
        return "it is still in force: it is reviewed once it is over"
    if counts_as(by.id, rulebook.duties, at) & access.concerned:
        return "you were part of it, or count as somebody who was: a third person reviews it"
    reviewers = rules.reviewers if rules else rulebook.policy.policy_approvers
    if by not in rulebook.directory.holding(reviewers):
        return f"only {_or(reviewers)} reviews it"
    return None


def reason_over(access: EmergencyAccess, rulebook: Rulebook, at: datetime) -> str | None:
    """Say that it is over, or None."""
    if access.ended:
        return "it has been ended"
    return f"its time is over, for {_name(access.asked.person, rulebook)}" if at >= access.over else None


def may_grant(by: Person, asked: EmergencyAsk, rules: EmergencyRules) -> bool:
    """Say whether somebody holds, in their own right, what policy asks of who agrees, in all of the cost centres."""
    return any(
        grant.role in rules.granters
        and (EVERYWHERE in grant.cost_centres or set(asked.cost_centres) <= set(grant.cost_centres))
        for grant in by.grants
    )


def who_may_agree(access: EmergencyAccess, rulebook: Rulebook, at: datetime) -> tuple[Person, ...]:
    """List whose word would count."""
    people = rulebook.directory.people
    return tuple(one for one in people if reason_not_to_agree(access, one, rulebook, at) is None)


def who_could_agree(asked: EmergencyAsk, rulebook: Rulebook) -> tuple[Person, ...]:
    """List whose word would have counted when it was asked for."""
    return who_may_agree(EmergencyAccess(asked=asked), rulebook, asked.start)


def who_may_review(access: EmergencyAccess, rulebook: Rulebook, at: datetime) -> tuple[Person, ...]:
    """List who may review it."""
    people = rulebook.directory.people
    return tuple(one for one in people if reason_not_to_review(access, one, rulebook, at) is None)


def review_due(access: EmergencyAccess, policy: Policy) -> datetime:
    """Say until when it is to be reviewed."""
    rules = policy.emergency_access
    return access.over + timedelta(days=rules.review_days if rules else 1)


def names(access: EmergencyAccess) -> str:
    """Name the two who agreed."""
    return " and ".join(one.name for one in access.granted)


def lending_gaps(policy: Policy, directory: Directory) -> list[Finding]:
    """See that two are left to agree to an emergency, and a third to review it, whoever they are."""
    rules = policy.emergency_access
    if rules is None:
        return []
    field, found = "policy.emergency_access", list[Finding]()
    granters = {one.id for one in directory.holding(rules.granters)}
    reviewers = {one.id for one in directory.holding(rules.reviewers)}
    roles, lookers = _or(rules.granters), _or(rules.reviewers)
    if len(granters) < AGREE:
        what = f"{len(granters) or 'nobody'} active is {roles}, and two have to agree to emergency access"
        found.append(finding("emergency", f"{field}.granters", what, "name roles that two people hold, better three"))
    elif len(granters) == AGREE:
        what = f"only two are {roles}: what one of them needs in an emergency nobody can agree to"
        found.append(finding("emergency", f"{field}.granters", what, "name a third person or role", "warning"))
    if not reviewers:
        what = f"nobody active is {lookers}, who would review emergency access"
        found.append(finding("emergency", f"{field}.reviewers", what, "name roles that somebody holds"))
    elif len(reviewers - granters) == 0 and len(granters) <= AGREE:
        what = f"whoever is {lookers} has agreed to it themselves: nobody is left to review emergency access"
        found.append(finding("emergency", f"{field}.reviewers", what, "name somebody else as well"))
    elif len(reviewers) - min(AGREE, len(reviewers & granters)) - 1 < 1:
        what = f"where others who are {lookers} agree to it, or get it, nobody may be left to review emergency access"
        found.append(finding("emergency", f"{field}.reviewers", what, "name more people or roles", "warning"))
    return found


def _reason_too_long(asked: EmergencyAsk, rules: EmergencyRules, at: datetime) -> str | None:
    if asked.until <= at:
        return f"until: {asked.until:%Y-%m-%d %H:%M} has passed"
    hours = (asked.until - min(at, asked.start)) / HOUR
    return (
        f"until: {hours:.4g} hours are too long, policy allows {rules.hours_max}" if hours > rules.hours_max else None
    )


def _reason_too_much(asked: EmergencyAsk, rules: EmergencyRules, policy: Policy) -> str | None:
    if asked.limit and asked.limit.currency != policy.currency:
        return f"limit: give it in {policy.currency}"
    if rules.amount_max is not None and (asked.limit is None or asked.limit.amount > rules.amount_max):
        return f"limit: policy lends up to {rules.amount_max:,} {policy.currency} in an emergency; ask for no more"
    return None


def _centres(directory: Directory) -> set[str]:
    known = {centre for who in directory.people for centre in (*who.cost_centres, *who.owns)}
    return known | {centre for who in directory.people for grant in who.grants for centre in grant.cost_centres}


def _name(person: str, rulebook: Rulebook) -> str:
    found = rulebook.directory.person(person)
    return found.name if found else person


def _or(roles: tuple[Role, ...]) -> str:
    return " or ".join(roles)
