"""What one can do with a request besides deciding it: hand it over, add an approver, hold, resume, withdraw.

As with decisions, whoever appends first has done it, everybody is told, and nothing of it decides. Knows no Prefect.
"""

from datetime import datetime
from typing import Any, Literal, NamedTuple

from blocks.ledger import Chain, Ledger
from blocks.records.approval import Added, Ask
from blocks.records.ledger import Line
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from blocks.wire.patients import reason_to_leave_out
from tasks.decide import (
    Verdicts,
    append_judged,
    attempted,
    decisions_of,
    has_changed,
    held_of,
    on_hold,
    open_asks,
    posted_of,
    reason_over,
)
from tasks.rules.authority import acting_for
from tasks.rules.standing import above_of
from tasks.showing import added_to

Deed = Literal["hand-over", "add", "hold", "resume", "withdraw"]


class Wish(NamedTuple):
    """What somebody wants done with an ask, having seen its card; *whom* is a person's id, *note* says why."""

    case: str
    ask: str
    deed: Deed
    shown: str
    whom: str = ""
    note: str = ""


class _Done(NamedTuple):
    """The line that a wish comes to, and what to tell who wished."""

    act: str
    text: str
    body: dict[str, Any]


async def carry_out(
    wish: Wish, by: Person | None, door: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> Verdicts:
    """Do what somebody wishes, if they may; what they may not do is told them, and noted."""

    def judged(chain: Chain) -> tuple[Verdicts, Line | None]:
        return judge(wish, by, chain, rulebook, at, door)

    return await append_judged(wish.case, judged, ledger)


def judge(
    wish: Wish, by: Person | None, chain: Chain, rulebook: Rulebook, at: datetime, door: str
) -> tuple[Verdicts, Line | None]:
    """Judge a wish against the case as it stands; return what to tell, and the line to append."""
    asked = _open(chain) if wish.deed == "withdraw" else chain.last("asked", wish.ask)
    if asked is None:
        text = "Nobody is asked about this yet: please try again in a moment."
        return Verdicts("unknown", text if chain.seq else "This request is not in the ledger."), None
    ask = asked.record(Ask, "ask")
    told = Verdicts("void", "", ask, None, posted_of(chain, ask.key))
    actor = f"person:{by.id}" if by else f"door:{door}"
    if over := reason_over(chain, ask):
        told = told._replace(taken="late", text=over + _too_late_to_withdraw(wish, chain))
    elif wish.deed != "withdraw" and wish.shown != asked.seen:
        told = told._replace(taken="changed", text=has_changed(chain, wish.shown, ask))
    elif isinstance(done := _judged(wish, by, ask, chain, rulebook, at), str):
        told = told._replace(text=done)
    else:
        key = "" if wish.deed == "withdraw" else ask.key
        line = Line(act=done.act, key=key, actor=actor, at=at, seen=asked.seen, source=door, body=done.body)
        return told._replace(taken="counted", text=done.text), line
    return told, attempted(told, wish.deed, wish.shown, actor, door, at)


def _open(chain: Chain) -> Line | None:
    """Read what is asked just now, or was last: a request is withdrawn as a whole."""
    asks = open_asks(chain)
    return chain.last("asked", asks[0].key if asks else None)


def _judged(wish: Wish, by: Person | None, ask: Ask, chain: Chain, rulebook: Rulebook, at: datetime) -> _Done | str:
    if wish.deed == "withdraw":
        return _withdraw(by, ask, rulebook)
    above = above_of(chain.lines, ask.key)
    acting = acting_for(ask, by, decisions_of(chain), rulebook.directory, rulebook.duties, at, above=above)
    if isinstance(acting, str):
        return acting
    if wish.deed == "hand-over":
        return _hand_over(wish, acting.by, ask, chain, rulebook, at)
    if wish.deed == "add":
        return _add(wish, acting.by, ask, chain, rulebook)
    return _hold(wish, acting.by, ask, chain) if wish.deed == "hold" else _resume(acting.by, ask, chain)


def _withdraw(by: Person | None, ask: Ask, rulebook: Rulebook) -> _Done | str:
    requester = rulebook.directory.person(ask.requester)
    if by is None or not by.active:
        return "You are not in the hospital's directory, so you cannot withdraw this."
    if by.id not in {ask.requester, requester.manager if requester else ask.requester}:
        return f"Only {ask.requester_name} or their manager can withdraw this."
    return _Done("withdrawn", f"You withdrew {ask.case}. Nothing is ordered.", {"by": by.id, "name": by.name})


def _hand_over(wish: Wish, by: Person, ask: Ask, chain: Chain, rulebook: Rulebook, at: datetime) -> _Done | str:
    to = rulebook.directory.person(wish.whom)
    if to is None:
        return "Please choose somebody of the hospital's directory."
    if to.id == by.id:
        return "Please choose somebody else: you have it already."
    above = above_of(chain.lines, ask.key)
    if isinstance(acting_for(ask, to, decisions_of(chain), rulebook.directory, rulebook.duties, at, above=above), str):
        return f"{to.name} may not decide this, so it cannot go to them. Please choose somebody who may."
    if rulebook.duties.away(to.id, at):
        return f"{to.name} is away just now. Please choose somebody who is here."
    body = {"to": to.id, "name": to.name, "by": by.name}
    return _Done("handed", f"You handed {ask.case} over to {to.name}.", body)


def _add(wish: Wish, by: Person, ask: Ask, chain: Chain, rulebook: Rulebook) -> _Done | str:
    who = rulebook.directory.person(wish.whom)
    if who is None or not who.active:
        return "Please choose somebody who works here and is in the hospital's directory."
    if who.id in {by.id, ask.requester}:
        return f"{who.name} cannot be added: {'you decide it already' if who.id == by.id else 'it is their request'}."
    if who.id in {one.person for one in added_to(chain)}:
        return f"{who.name} has been added already."
    if who.service:
        return f"{who.name} is a service account, and decides nothing. Please choose a person."
    if who.id in {decision.by for decision in decisions_of(chain)}:
        return f"{who.name} has approved this already."
    added = Added(person=who.id, name=who.name, by=by.name, role=ask.role, by_id=by.id)
    text = f"{who.name} is asked as well, after everybody whom policy names."
    return _Done("added", text, {"added": added.model_dump(mode="json"), "by": by.name, "name": who.name})


def _hold(wish: Wish, by: Person, ask: Ask, chain: Chain) -> _Done | str:
    if held := held_of(chain, ask.key):
        return on_hold(held)
    if not wish.note.strip():
        return "Please say what you wait for: the others will read it."
    if why := reason_to_leave_out(wish.note):
        return f"What you wrote {why}."
    return _Done("held-ask", f"You put {ask.case} on hold.", {"name": by.name, "because": wish.note.strip()})


def _resume(by: Person, ask: Ask, chain: Chain) -> _Done | str:
    if held_of(chain, ask.key) is None:
        return "This is not on hold any more: it waits for an answer."
    return _Done("resumed", f"{ask.case} waits for an answer again.", {"name": by.name})


def _too_late_to_withdraw(wish: Wish, chain: Chain) -> str:
    if wish.deed != "withdraw" or chain.last("ended") or chain.last("withdrawn"):
        return ""
    return " If somebody else is asked next, you can withdraw it then."
