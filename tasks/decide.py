"""Deciding: the one function behind every door. It judges, appends at most one decision, and says what happened.

Knows no Prefect. Slack's door, the command line and automation all call `decide`; nothing else writes `decided`.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from blocks.ledger import Chain, Ledger
from blocks.proofs.acts import reason_unproven
from blocks.proofs.segregation import reason_in_history
from blocks.records.approval import Ask, Decision, Posted, Settled, Verdict
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Proof
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from blocks.wire.canonical import canonical, digest
from blocks.wire.patients import reason_to_leave_out
from tasks.rules.authority import acting_for, by_emergency
from tasks.rules.changes import differences
from tasks.rules.requisition import reason_not_so_many
from tasks.rules.scarce import reason_needed_elsewhere
from tasks.rules.standing import above_of, counts_as

TO_CONFIRM = timedelta(minutes=10)


class Answer(NamedTuple):
    """What somebody answers: which ask of which case, what, and the digest of what they saw."""

    case: str
    ask: str
    verdict: Verdict
    shown: str
    note: str = ""
    proof: Proof | None = None
    quantity: int | None = None


Taken = Literal["counted", "confirm", "late", "void", "changed", "unknown"]


class Verdicts(NamedTuple):
    """What became of an answer, in words for the one who gave it, and what the card should now show."""

    taken: Taken
    text: str
    ask: Ask | None = None
    decision: Decision | None = None
    posted: Posted | None = None
    request: Confirmation | None = None
    chain: Chain | None = None


async def decide(
    answer: Answer, by: Person | None, door: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> Verdicts:
    """Take an answer. Whoever appends first decides; everybody else is told who did, and when.

    Raises `UnavailableError` when the ledger cannot be read or written: then nothing was decided.
    """

    def judged(chain: Chain) -> tuple[Verdicts, Line | None]:
        verdict = judge(answer, by, chain, rulebook, at)
        if verdict.taken == "confirm" and by:
            verdict = verdict._replace(request=to_confirm(answer, by.id, at))
        return verdict, _line(answer, by, door, verdict, at)

    return await append_judged(answer.case, judged, ledger)


async def append_judged(case: str, judged: Callable[[Chain], tuple[Verdicts, Line | None]], ledger: Ledger) -> Verdicts:
    """Judge, and append the line that comes of it; judge again where somebody else was first."""
    verdict: Verdicts

    def line(chain: Chain) -> Line | None:
        nonlocal verdict
        verdict, made = judged(chain)
        return made

    chain = await ledger.enter(case, line)
    return verdict._replace(chain=chain)


def judge(answer: Answer, by: Person | None, chain: Chain, rulebook: Rulebook, at: datetime) -> Verdicts:
    """Judge an answer against the case as it stands: pure, the same for every door."""
    asked = chain.last("asked", answer.ask)
    if asked is None:
        return Verdicts("unknown", "This request is not in the ledger. Ask the requester to submit it again.")
    ask = asked.record(Ask, "ask")
    posted = posted_of(chain, ask.key)
    if over := reason_over(chain, ask):
        return Verdicts("late", over, ask, decision_of(chain, ask.key), posted)
    if answer.shown != asked.seen:
        return Verdicts("changed", has_changed(chain, answer.shown, ask), ask, None, posted)
    above = above_of(chain.lines, ask.key)
    acting = acting_for(ask, by, decisions_of(chain), rulebook.directory, rulebook.duties, at, above=above)
    if isinstance(acting, str):
        return Verdicts("void", acting, ask, None, posted)
    if (held := held_of(chain, ask.key)) or (answer.quantity is not None and answer.verdict != "approve"):
        return Verdicts("void", on_hold(held) if held else "Only an approval names how many.", ask, None, posted)
    persons = counts_as(acting.by.id, rulebook.duties, at)
    apart = reason_in_history("approver", persons, chain.lines, rulebook.policy)
    if answer.verdict == "approve":
        apart = apart or reason_needed_elsewhere(ask, acting, rulebook, decisions_of(chain), at, above)
    if reason := apart or reason_not_so_many(ask, answer.quantity, rulebook.policy):
        return Verdicts("void", reason, ask, None, posted)
    if reason := _reason_in_words(answer):
        return Verdicts("void", reason, ask, None, posted)
    decision = Decision(
        ask=ask.key,
        verdict=answer.verdict,
        by=acting.by.id,
        name=acting.by.name,
        role=ask.role,
        place=ask.place,
        at=at,
        shown=answer.shown,
        directory=rulebook.directory_version,
        note=answer.note.strip(),
        on_behalf_of=acting.of.id if acting.of else "",
        counts_as=tuple(sorted(persons - {acting.by.id})),
        duties=rulebook.duties.seq,
        proof=answer.proof,
        passkeys=rulebook.passkeys.seq,
        quantity=answer.quantity,
        added=ask.added is not None,
        emergency=by_emergency(acting),
    )
    if reason := reason_unproven(ask, decision, rulebook.passkeys):
        return Verdicts("void" if answer.proof else "confirm", reason, ask, None, posted)
    name = f" for {acting.of.name}" if acting.of else ""
    return Verdicts("counted", f"You {decision.done} {chain.case}{name}{_fewer(decision, ask)}.", ask, decision, posted)


def _reason_in_words(answer: Answer) -> str | None:
    if answer.verdict == "reject" and not answer.note.strip():
        return "Please say why: the requester will read it."
    why = reason_to_leave_out(answer.note)
    return f"Your note {why}." if why else None


def reason_over(chain: Chain, ask: Ask) -> str | None:
    """Say why nothing is to be said about an ask any more: who decided it, and when; None where it is open."""
    if decision := decision_of(chain, ask.key):
        by = f"{decision.name}{_fewer(decision, ask)}"
        return f"Already {decision.done} by {by} {_when(decision.at)}.{_asked_again(chain, ask)}"
    if settled := ask.settled(decisions_of(chain)):
        return _settled_by_others(chain, ask, settled)
    if gone := chain.last("withdrawn"):
        return f"Withdrawn by {gone.body['name']} {_when(gone.at)}."
    return f"{chain.case} has already ended." if chain.last("ended") else None


def _settled_by_others(chain: Chain, ask: Ask, settled: Settled) -> str:
    """Tell that an ask needs no answer any more, since the others of its step have given theirs."""
    others = [one for one in decisions_of(chain) if one.ask in ask.beside]
    said = [one for one in others if (one.verdict == "approve") == (settled == "approved")]
    names = " and ".join(one.name for one in said)
    done = "which is enough" if settled == "approved" else "so that not enough can approve it any more"
    return f"Already {said[0].done} by {names} {_when(said[-1].at)}, {done}."


def held_of(chain: Chain, ask: str) -> Line | None:
    """Read who put an ask on hold, and why; None where it is not on hold."""
    last = next((x for x in reversed(chain.lines) if x.key == ask and x.act in ("held-ask", "resumed")), None)
    return last if last and last.act == "held-ask" else None


def on_hold(held: Line) -> str:
    """Tell who wants to decide it that an ask is on hold."""
    since = f"On hold by {held.body['name']} {_when(held.at)}: {held.body['because']}"
    return f"{since.removesuffix('.')}. Please press Resume first, then decide."


def to_confirm(answer: Answer, by: str, at: datetime) -> Confirmation:
    """Draw up what somebody has to confirm with their passkey before their answer counts."""
    said = answer._asdict() | {"note": answer.note.strip()}
    del said["proof"]
    return Confirmation(**said, by=by, until=at + TO_CONFIRM, nonce=secrets.token_urlsafe(24))


def decision_of(chain: Chain, ask: str) -> Decision | None:
    """Read the one decision on an ask: the first, and there is no second."""
    found = chain.having("decided", ask)
    return found[0].record(Decision, "decision") if found else None


def decisions_of(chain: Chain) -> tuple[Decision, ...]:
    """Read every decision of a case, oldest first."""
    return tuple(line.record(Decision, "decision") for line in chain.having("decided"))


def posted_of(chain: Chain, ask: str) -> Posted | None:
    """Read where the card of an ask stands."""
    line = chain.last("posted", ask)
    return Posted.model_validate(line.body) if line else None


def open_asks(chain: Chain) -> tuple[Ask, ...]:
    """Read the asks of a case that wait for an answer, oldest first."""
    if chain.last("ended") or chain.last("withdrawn"):
        return ()
    decided = {line.key for line in chain.having("decided")}
    asked = {line.key: line for line in chain.having("asked") if line.key not in decided}
    asks = (line.record(Ask, "ask") for line in asked.values())
    return tuple(ask for ask in asks if not ask.settled(decisions_of(chain)))


def waits_for(chain: Chain) -> str | None:
    """Say whom a case waits for: who may answer its open asks, if each of them stands posted."""
    asks = open_asks(chain)
    if not asks or not all(posted_of(chain, ask.key) for ask in asks):
        return None
    return "; ".join(on_whom(chain, ask) for ask in asks)


def on_whom(chain: Chain, ask: Ask) -> str:
    """Say on whom an open ask waits; where policy has a clock, since when, and when an answer is due."""
    asked, raised = chain.last("asked", ask.key), chain.last("escalated", ask.key)
    if asked is None or (due := due_in(asked)) is None:
        return ask.whom
    zone = ZoneInfo(asked.body["zone"])
    also = "".join(f" or {name}" for name in raised.body["names"]) if raised else ""
    since = asked.at.astimezone(zone)
    return f"{ask.whom}{also}, since {since:%a %d %b %H:%M}, due {due.astimezone(zone):%a %d %b %H:%M}"


def due_in(asked: Line) -> datetime | None:
    """Read when an answer was due as it was asked; None where policy had no clock."""
    return datetime.fromisoformat(asked.body["due"]) if "due" in asked.body else None


def shown_of(ask: Ask) -> str:
    """Name what an ask shows."""
    return digest(canonical(ask))


def _line(answer: Answer, by: Person | None, door: str, verdict: Verdicts, at: datetime) -> Line | None:
    """Print what the ledger should hold of an answer: a decision, or an attempt that did not count."""
    if verdict.ask is None:
        return None
    actor = f"person:{by.id}" if by else f"door:{door}"
    if verdict.decision and verdict.taken == "counted":
        body: dict[str, Any] = {"decision": verdict.decision.model_dump(mode="json")}
        act = "decided"
    elif verdict.request:
        body, act = {"request": verdict.request.model_dump(mode="json")}, "confirming"
    else:
        return attempted(verdict, answer.verdict, answer.shown, actor, door, at)
    return Line(act=act, key=answer.ask, actor=actor, at=at, seen=answer.shown, source=door, body=body)


def attempted(verdict: Verdicts, what: str, shown: str, actor: str, door: str, at: datetime) -> Line | None:
    """Print an attempt that did not count; None where it was about nothing."""
    if verdict.ask is None:
        return None
    body: dict[str, Any] = {"verdict": what, "because": verdict.text}
    seen: str | None = shown
    if seen != shown_of(verdict.ask):  # a claim: nobody knows whether there ever was such a document
        body, seen = {**body, "claims": shown}, None
    act = "late" if verdict.taken == "late" else "refused-click"
    return Line(act=act, key=verdict.ask.key, actor=actor, at=at, seen=seen, source=door, body=body)


def _fewer(decision: Decision, ask: Ask) -> str:
    return f" ({decision.quantity:,} of {ask.quantity:,})" if decision.quantity else ""


def _when(at: datetime) -> str:
    return f"at {at:%H:%M} UTC on {at:%d %b}"


def has_changed(chain: Chain, shown: str, now: Ask) -> str:
    """Tell what is different from the document somebody saw, where it was one of the case."""
    was = next((line.record(Ask, "ask") for line in chain.having("asked") if line.seen == shown), None)
    what = differences(was, now) if was else ""
    colon = f": {what}" if what else ""
    return f"This request has changed since the card you saw{colon}. Please decide on the newest card."


def _asked_again(chain: Chain, was: Ask) -> str:
    """Tell that the same role has been asked anew since, and what is different."""
    newest = chain.last("asked")
    now = newest.record(Ask, "ask") if newest else was
    same = (now.role, now.place, now.added) == (was.role, was.place, was.added)
    if now.key == was.key or not same or not (what := differences(was, now)):
        return ""
    return f" It has changed since: {what}. The newest card asks about that."
