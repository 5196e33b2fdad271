"""Proof of emergency access: whether what counted by it was in force, on the word of two, by the ledger alone."""

from typing import get_args

from blocks.books import DUTIES
from blocks.duties import Proven, duties_of
from blocks.history import History
from blocks.records.approval import Ask, Decision
from blocks.records.emergency import EmergencyRules
from blocks.records.people import EVERYWHERE, Agreement, Duties, EmergencyAccess, Review, Role


async def reason_not_lent(
    ask: Ask, decision: Decision, past: History, proven: Proven, *, escalated: bool
) -> str | None:
    """Say why a decision that counted by emergency access, or could only have, should not have; None where it may.

    *escalated*: the ask was taken to somebody above, who may decide it without holding its role.
    """
    book = await past.book(DUTIES, decision.duties)
    duties = duties_of(book, decision.duties, await proven.void(book))
    if decision.emergency is None:
        return None if escalated else await _reason_hidden(decision, duties, past)
    access = next((one for one in duties.emergencies if one.asked.key == decision.emergency.key), None)
    if access is None:
        return "it counts by an emergency access that nobody asked for"
    if access.since is None:
        return "it counts by an emergency access that was not agreed to by two"
    if not access.holds(decision.at):
        return "it counts by an emergency access that was not in force"
    if not _covers(access, ask, decision):
        return "it counts by an emergency access that was for something else"
    if ask.requester in access.concerned:
        return "it counts by an emergency access in which the requester had a part"
    if tuple(one.name for one in access.granted) != decision.emergency.granted_by:
        return "it names others than those who agreed to the emergency access"
    reasons = [await _reason_not_theirs(one, access, past) for one in access.granted]
    return next(filter(None, reasons), None)


async def reason_not_reviewed(place: str, decision: Decision, past: History) -> str | None:
    """Say that whoever reviewed an emergency access never saw a decision by it, or None: they did, or have yet to look.

    *place*: its case and entry, as reviews list them. A door that stands still may append after all was shown.
    """
    if decision.emergency is None:
        return None
    line = next(iter((await past.book(DUTIES)).having("emergency-reviewed", decision.emergency.key)), None)
    if line is None or place in line.body["decisions"]:
        return None
    review = line.record(Review, "review")
    return f"it counts by an emergency access that {review.name} {review.done} without having seen this"


async def _reason_not_theirs(word: Agreement, access: EmergencyAccess, past: History) -> str | None:
    """Say why somebody could not agree, by the policy and the directory of that moment."""
    policy, directory = await past.policy(word.at), await past.directory(word.at)
    rules = policy.emergency_access if policy else None
    who = directory.person(word.by) if directory else None
    if rules is None or not _allows(rules, access):
        return "it counts by an emergency access that policy did not allow"
    if who is None or not who.may_decide or not any(grant.role in rules.granters for grant in who.grants):
        return f"it counts by an emergency access to which {word.name} could not agree"
    return None


def _allows(rules: EmergencyRules, access: EmergencyAccess) -> bool:
    asked = access.asked
    hours = (asked.until - asked.start).total_seconds() / 3600
    small = rules.amount_max is None or (asked.limit is not None and asked.limit.amount <= rules.amount_max)
    return asked.role in rules.roles and hours <= rules.hours_max and small


def _covers(access: EmergencyAccess, ask: Ask, decision: Decision) -> bool:
    asked = access.asked
    there = EVERYWHERE in asked.cost_centres or ask.cost_centre in asked.cost_centres
    reaches = asked.limit is None or not ask.counted > asked.limit
    return there and reaches and (asked.person, asked.role) == (decision.by, decision.role)


async def _reason_hidden(decision: Decision, duties: Duties, past: History) -> str | None:
    """Say that a decision hides by what right alone it can have counted, or None."""
    lent = [x for x in duties.lent_in_emergency(decision.by, decision.at) if x.asked.role == decision.role]
    if not lent or decision.added or decision.role not in get_args(Role):
        return None
    directory = await past.directory(decision.at)
    whose = [directory.person(one) for one in (decision.by, decision.on_behalf_of)] if directory else []
    if any(grant.role == decision.role for who in whose if who for grant in who.grants):
        return None
    return "it counts by emergency access alone, and does not say so"
