"""Segregation of duties on a case, by its own history: whoever asked, decided or settled did nothing else of the three.

Whatever roles people hold by now, or were written to hold: what they did on the case stands in its chain.
"""

from collections.abc import Iterable

from blocks.records.approval import Ask, Decision
from blocks.records.ledger import Line


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


def reason_not_to_have_settled(line: Line, asks: Iterable[Ask]) -> str | None:
    """Say why somebody's word on an effect should not have been taken, or None where it could."""
    persons = {line.actor.partition(":")[2], *line.body.get("counts_as", ())}
    asked = any(ask.requester in persons for ask in asks)
    return "who asked for it, or counts as who did, has said what became of it" if asked else None
