"""Claims: whoever is about to change a system for a case says so in its chain first, and may do it once, soon.

The chain's conditional append is the fence: of two who claim after the same entry one wins, and the other hears of
it before it has called. A claim is good for one call, which must begin within `CALL_WITHIN_S`; so a process that
stood still finds its claim expired when it wakes, claims again, and loses to whoever took over. See
`infrastructure/decisions/effects.md` for the moment between this check and the call.
"""

from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

from blocks.records.ledger import Line
from tasks.case import Case, Claim

CLAIMS = frozenset({"intent", "attempt", "taken"})
"""intent: the first. attempt: a person said that it was not made. taken: whoever claimed before is overtaken."""
CALL_WITHIN_S = 10.0
"""How soon after it was claimed a call must begin, by the clock of whoever claimed: none is begun by another's."""
LEASE_S = 12.0
"""How long after a claim was written, by the store's clock, others take it that no call can begin any more.

Whoever claims counts from before it is written; the store tells the time in whole seconds."""


class Moment(NamedTuple):
    """A moment by both of our clocks."""

    at: datetime
    since: float


def moment(case: Case) -> Moment:
    """Look at both clocks."""
    return Moment(case.clock(), monotonic())


def claim(case: Case, act: str, key: str, body: dict[str, Any], judged: Moment | None = None) -> None:
    """Note a claim; it counts once it is written. Its epoch is one more than that of the last.

    It is as old as what it was judged by (*judged*): whoever stood still between judging and claiming may not call.

    It names its holder: two entries of the same bytes would be one write to the store, and both would have won.
    """
    last = case.latest(key, CLAIMS)
    epoch = 1 + (last.body.get("epoch", 1) if last else 0)
    case.claims[key] = Claim(epoch, *(judged or moment(case)))
    case.note(act, key, body={**body, "epoch": epoch, "holder": case.holder})


def is_held(case: Case, key: str) -> bool:
    """Say whether we may call: nobody has claimed since, we have not called yet, and not much time has gone."""
    mine, last = case.claims.get(key), case.latest(key, CLAIMS)
    if mine is None or mine.spent or last is None:
        return False
    if (last.body.get("epoch"), last.body.get("holder")) != (mine.epoch, case.holder):
        return False
    now = moment(case)
    stood_s = max((now.at - mine.at).total_seconds(), now.since - mine.since)  # either clock may have stood still too
    return stood_s < CALL_WITHIN_S


def spend(case: Case, key: str) -> None:
    """Use the claim: the call begins."""
    case.claims[key].spent = True


def give_back(case: Case, key: str) -> None:
    """Keep the claim: the call changed nothing, so it may be made again."""
    case.claims[key].spent = False


async def quiet_s(case: Case, last: Line) -> float:
    """Tell since when no call is made: the last one's answer was lost, or whoever claimed last may not begin it now.

    By the store's clock, which is one for everybody: that of another worker may be wrong by any amount, as may ours.
    What is not written yet has just been heard.
    """
    since_s = await case.ledger.age_s(case.chain, last) or 0.0
    return since_s if last.act == "unknown" else since_s - LEASE_S


async def quiet_before_s(case: Case, key: str, last: Line) -> float:
    """Tell how long it had been quiet when we claimed the call that we have made since, by the store's clock alone.

    What was heard and seen since is older by now, had we stood still, or had all that we know of time.
    """
    quiet, mine = await quiet_s(case, last), case.latest(key, CLAIMS)
    return quiet - (await case.ledger.age_s(case.chain, mine) or 0.0) if mine else quiet


async def known_s(case: Case, first: Line) -> float:
    """Tell how long a system has known a key at the most: by the store's clock, or by what the line says."""
    return max(await case.ledger.age_s(case.chain, first) or 0.0, _told_s(case, first))


def _told_s(case: Case, line: Line) -> float:
    return (case.clock() - line.at).total_seconds()
