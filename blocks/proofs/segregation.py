"""Segregation of duties on a case, by its own history: what somebody did on it stays done, whatever they hold by now.

The door asks before it takes a word, the process before it goes by it, the audit ever after: all of them here.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, get_args

from blocks.records.approval import Ask, Decision
from blocks.records.ledger import Line
from blocks.records.people import Role
from blocks.records.policy import Duty, Policy

REVERSED = frozenset({"reversal-asked", "reversing"})
"""Lines by which somebody asks for a journal entry to be reversed, and another agrees."""
VOUCHED = frozenset({"settled", *REVERSED})
"""Lines by which somebody says what became of an order: who settles a doubt, or has the books put right."""


class Done(NamedTuple):
    """What somebody did on a case: in which duties, who, and everybody whom they counted as then."""

    duties: frozenset[Duty]
    name: str
    persons: frozenset[str]


def reason_in_history(duty: Duty, persons: Collection[str], lines: Iterable[Line], policy: Policy) -> str | None:
    """Say why nobody of *persons* may take on a duty of a case after what was done on it, by policy's pairs; or None.

    That nobody approves what they asked for, nor fills two seats of one case, holds whatever policy says.
    """
    if not policy.conflicts:
        return None
    done = tuple(done_on(lines))
    for conflict in policy.conflicts:
        other = {conflict.one: conflict.other, conflict.other: conflict.one}.get(duty)
        if clash := next((x for x in done if other in x.duties and x.persons & set(persons)), None):
            return f"{clash.name} has been {other} of this case, and {conflict.reason}: somebody else must do it."
    return None


def reason_kept_apart(line: Line, before: Sequence[Line], policies: Collection[Policy]) -> str | None:
    """Say why somebody should not have decided or vouched as *line* says, after the lines *before* it; or None.

    *policies* are those by which it may have been judged: one that allows it is enough.
    """
    duty: Duty = "approver" if line.act == "decided" else "settler"
    reasons = [reason_in_history(duty, persons_of(line), before, policy) for policy in policies]
    return reasons[0] if reasons and all(reasons) else None


def done_on(lines: Iterable[Line]) -> Iterator[Done]:
    """List who asked, decided, settled, and had an entry reversed."""
    for line in lines:
        if line.act == "received":
            requester = str(line.body.get("request", {}).get("requester", ""))
            yield Done(frozenset({"requester"}), requester, frozenset({requester}))
        elif line.act == "decided":
            one = line.record(Decision, "decision")
            held: frozenset[Duty] = frozenset({role for role in get_args(Role) if role == one.role and not one.added})
            yield Done(held | {"approver"}, one.name, persons_of(line))
        elif line.act in VOUCHED:
            yield Done(frozenset({"settler"}), line.body["name"], persons_of(line))


def requesters_of(lines: Iterable[Line]) -> frozenset[str]:
    """Name who asked for what was bought."""
    return frozenset(person for one in done_on(lines) if "requester" in one.duties for person in one.persons)


def persons_of(line: Line) -> frozenset[str]:
    """Name everybody whose word a decision is, or a word on an effect in doubt or on a journal entry."""
    if line.act == "decided":
        one = line.record(Decision, "decision")
        return frozenset({one.by, *one.counts_as})
    return frozenset({line.actor.partition(":")[2], *line.body.get("counts_as", ())})


def reason_not_apart(ask: Ask, decision: Decision, earlier: Iterable[Decision]) -> str | None:
    """Say why somebody should not have decided, by what was done on the case before, or None where they could."""
    persons = {decision.by, *decision.counts_as}
    if ask.requester in persons:
        return "who asked for it, or counts as who did, has decided it"
    for one in earlier:
        same = (one.role, one.place) == (decision.role, decision.place)
        if not (same or one.added or decision.added) and persons & {one.by, *one.counts_as}:
            return f"who has decided as {one.role}, or counts as who did, has decided this as well"
    return None


def reason_not_to_have_settled(line: Line, requesters: Collection[str]) -> str | None:
    """Say why somebody's word on an effect should not have been taken, or None where it could."""
    asked = persons_of(line) & set(requesters)
    return "who asked for it, or counts as who did, has said what became of it" if asked else None


def reason_not_reversed_by_two(line: Line, before: Sequence[Line]) -> str | None:
    """Say why somebody's word that an entry be reversed should not have been taken, or None where it could.

    One asks, another agrees, and neither asked for what was bought, by this case or by another on the same bill.
    """
    persons = persons_of(line)
    if line.actor != f"person:{line.body.get('by')}":
        return "it is the word of no person, or of another than it says"
    asks = line.act == "reversal-asked"
    asked = line if asks else next((x for x in reversed(before) if x.key == line.key and x.act in REVERSED), None)
    if asked is None or asked.act != "reversal-asked":
        return "nobody had asked for it"
    if persons & requesters_of(before).union(asked.body.get("also_by", ())):
        return "who asked for what was bought, or counts as who did, has said that its entry be reversed"
    if asks:
        return None
    return "who asked for it, or counts as who did, has agreed to it" if persons_of(asked) & persons else None
