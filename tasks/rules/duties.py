"""Duties: who may lend what they hold to whom, and say that they are away."""

from datetime import datetime

from blocks.records.people import Absence, Delegation, Directory, Person
from blocks.records.policy import Policy
from tasks.rules.standing import narrowed


def reason_not_to_delegate(
    delegation: Delegation, by: Person | None, directory: Directory, policy: Policy, at: datetime
) -> str | None:
    """Say why a delegation does not take effect, or None: bounded in time and scope, lent by its owner alone."""
    of, to = directory.person(delegation.of), directory.person(delegation.to)
    if of is None or not of.active:
        return f"of: {delegation.of} is not an active person of the directory"
    if to is None or not to.active:
        return f"to: {delegation.to} is not an active person of the directory"
    if to.service:
        return f"to: {to.name} is a service account, and decides nothing"
    if by is None or not by.active or by.id != of.id:
        return f"of: only {of.name} can lend what they hold"
    if of.id == to.id:
        return "to: nobody stands in for themselves"
    if delegation.until <= at:
        return f"until: {delegation.until:%Y-%m-%d %H:%M} has passed"
    days = (delegation.until - delegation.start).total_seconds() / 86400
    if days > policy.delegation_days_max:
        return f"until: {days:.0f} days are too long, policy allows {policy.delegation_days_max}"
    if not narrowed(of.grants, delegation):
        return f"roles: {of.name} holds no role there that could be lent"
    return None


def reason_not_to_be_away(absence: Absence, by: Person | None, directory: Directory, at: datetime) -> str | None:
    """Say why an absence is not taken, or None: one's own, or, of somebody one manages."""
    person = directory.person(absence.person)
    if person is None or not person.active:
        return f"person: {absence.person} is not an active person of the directory"
    if by is None or not by.active or by.id not in (person.id, person.manager):
        return f"person: only {person.name} or their manager can say so"
    if absence.until <= at:
        return f"until: {absence.until:%Y-%m-%d %H:%M} has passed"
    return None
