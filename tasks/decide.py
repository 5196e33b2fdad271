"""Deciding: the one function behind every door. It judges, appends at most one decision, and says what happened.

Knows no Prefect. Slack's door, the command line and automation all call `decide`; nothing else writes `decided`.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from blocks.errors import ConflictError
from blocks.ledger import Chain, Ledger
from blocks.proofs import reason_unproven
from blocks.records.approval import Ask, Decision, Posted, Verdict
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Proof
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from blocks.wire.canonical import canonical, digest
from tasks.rules.authority import acting_for
from tasks.rules.standing import counts_as

RACES_MAX = 50
TO_CONFIRM = timedelta(minutes=10)


class Answer(NamedTuple):
    """What somebody answers: which ask of which case, what, and the digest of what they saw."""

    case: str
    ask: str
    verdict: Verdict
    shown: str
    note: str = ""
    proof: Proof | None = None


Taken = Literal["counted", "confirm", "late", "void", "changed", "unknown"]


class Verdicts(NamedTuple):
    """What became of an answer, in words for the one who gave it, and what the card should now show."""

    taken: Taken
    text: str
    ask: Ask | None = None
    decision: Decision | None = None
    posted: Posted | None = None
    request: Confirmation | None = None


async def decide(
    answer: Answer, by: Person | None, door: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> Verdicts:
    """Take an answer. Whoever appends first decides; everybody else is told who did, and when.

    Raises `UnavailableError` when the ledger cannot be read or written: then nothing was decided.
    """
    chain = await ledger.read(answer.case)
    for _ in range(RACES_MAX):
        verdict = judge(answer, by, chain, rulebook, at)
        if verdict.taken == "confirm" and by:
            verdict = verdict._replace(request=to_confirm(answer, by, at))
        line = _line(answer, by, door, verdict, at)
        if line is None:
            return verdict
        try:
            await ledger.append(chain, [line])
        except ConflictError:
            chain = await ledger.read(answer.case, known=chain)
        else:
            return verdict
    message = f"{answer.case}: {RACES_MAX} lost races in a row"
    raise ConflictError(message)


def judge(answer: Answer, by: Person | None, chain: Chain, rulebook: Rulebook, at: datetime) -> Verdicts:
    """Judge an answer against the case as it stands: pure, the same for every door."""
    asked = chain.last("asked", answer.ask)
    if asked is None:
        return Verdicts("unknown", "This request is not in the ledger. Ask the requester to submit it again.")
    ask = Ask.model_validate(asked.body["ask"])
    posted = posted_of(chain, ask.key)
    if decision := decision_of(chain, ask.key):
        return Verdicts("late", _too_late(decision), ask, decision, posted)
    if chain.last("ended"):
        return Verdicts("late", f"{chain.case} has already ended.", ask, None, posted)
    if answer.shown != asked.seen:
        text = "This request has changed since the card you saw. Please decide on the newest card."
        return Verdicts("changed", text, ask, None, posted)
    acting = acting_for(ask, by, decisions_of(chain), rulebook.directory, rulebook.duties, at)
    if isinstance(acting, str):
        return Verdicts("void", acting, ask, None, posted)
    if answer.verdict == "reject" and not answer.note.strip():
        return Verdicts("void", "Please say why: the requester will read it.", ask, None, posted)
    decision = Decision(
        ask=ask.key,
        verdict=answer.verdict,
        by=acting.by.id,
        name=acting.by.name,
        role=ask.role,
        at=at,
        shown=answer.shown,
        directory=rulebook.directory_version,
        note=answer.note.strip(),
        on_behalf_of=acting.of.id if acting.of else "",
        counts_as=tuple(sorted(counts_as(acting.by.id, rulebook.duties, at) - {acting.by.id})),
        duties=rulebook.duties.seq,
        proof=answer.proof,
        passkeys=rulebook.passkeys.seq,
    )
    if reason := reason_unproven(ask, decision, rulebook.passkeys):
        return Verdicts("void" if answer.proof else "confirm", reason, ask, None, posted)
    done = "approved" if decision.verdict == "approve" else "rejected"
    name = f" for {acting.of.name}" if acting.of else ""
    return Verdicts("counted", f"You {done} {chain.case}{name}.", ask, decision, posted)


def to_confirm(answer: Answer, by: Person, at: datetime) -> Confirmation:
    """Draw up what somebody has to confirm with their passkey before their answer counts."""
    said = answer._asdict() | {"note": answer.note.strip()}
    del said["proof"]
    return Confirmation(**said, by=by.id, until=at + TO_CONFIRM, nonce=secrets.token_urlsafe(24))


def decision_of(chain: Chain, ask: str) -> Decision | None:
    """Read the one decision on an ask: the first, and there is no second."""
    found = chain.having("decided", ask)
    return Decision.model_validate(found[0].body["decision"]) if found else None


def decisions_of(chain: Chain) -> tuple[Decision, ...]:
    """Read every decision of a case, oldest first."""
    return tuple(Decision.model_validate(line.body["decision"]) for line in chain.having("decided"))


def posted_of(chain: Chain, ask: str) -> Posted | None:
    """Read where the card of an ask stands."""
    line = chain.last("posted", ask)
    return Posted.model_validate(line.body) if line else None


def waits_for(chain: Chain) -> str | None:
    """Say whom a case waits for: who may answer its newest ask, if that stands posted and unanswered."""
    asked = chain.last("asked")
    if asked is None or posted_of(chain, asked.key) is None or decision_of(chain, asked.key):
        return None
    ask = Ask.model_validate(asked.body["ask"])
    return f"{ask.role} of {ask.cost_centre}"


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
        body = {"verdict": answer.verdict, "because": verdict.text}
        act = "late" if verdict.taken == "late" else "refused-click"
    seen: str | None = answer.shown
    if seen != shown_of(verdict.ask):  # a claim: nobody knows whether there ever was such a document
        body, seen = {**body, "claims": answer.shown}, None
    return Line(act=act, key=answer.ask, actor=actor, at=at, seen=seen, source=door, body=body)


def _too_late(decision: Decision) -> str:
    done = "approved" if decision.verdict == "approve" else "rejected"
    return f"Already {done} by {decision.name} at {decision.at:%H:%M} UTC on {decision.at:%d %b}."
