"""The clock's deeds: a reminder, an escalation, an expiry, each noted once, against the case as it stood.

Knows no Prefect. A timer only proposes: what it appends follows the version of the case it judged, so a decision that
lands first wins, and the case is read and judged again. Nothing is ever approved by time.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from blocks.ledger import Chain, Ledger
from blocks.records.approval import Ask, Decision, Posted
from blocks.records.clock import Clock
from blocks.records.ledger import Line
from blocks.records.people import Person
from blocks.records.policy import Policy, Rulebook
from blocks.rulebook import Shelf
from tasks.decide import decisions_of, open_asks, posted_of, waits_for
from tasks.rules.authority import who_can, whom_it_lacks
from tasks.rules.clock import Move, Times, due_at, times_of, watched, what_is_due
from tasks.rules.escalation import whom_above
from tasks.rules.standing import Acting, above_of

CLOCK = "clock"
ACTOR = f"process:{CLOCK}"


class Waiting(NamedTuple):
    """An ask that waits: what stands in the ledger of it, and when what is due; no times where policy has no clock."""

    case: str
    seq: int
    ask: Ask
    since: datetime
    rulebook: Rulebook
    """People as they are now, policy as it was when the case began."""
    times: Times | None
    lines: tuple[Line, ...]
    """Those about the ask."""
    earlier: tuple[Decision, ...]
    posted: Posted | None

    @property
    def clock(self) -> Clock | None:
        """The clock by which it is judged."""
        return self.rulebook.policy.clock

    def due(self, at: datetime) -> Move | None:
        """Say what is to be done at a moment."""
        if self.times is None or self.clock is None:
            return None
        return what_is_due(self.times, self.clock, self.rulebook.directory.zone, at)

    def acting(self, at: datetime) -> tuple[Acting, ...]:
        """List who may decide it, and for whom; those who are away are left out while somebody else may."""
        above = above_of(self.lines, self.ask.key)
        return who_can(self.ask, self.rulebook.directory, self.rulebook.duties, at, above=above, earlier=self.earlier)

    def who_may(self, at: datetime) -> tuple[Person, ...]:
        """List who may decide it."""
        return tuple(one.by for one in self.acting(at))

    def lacks(self, at: datetime) -> str:
        """Say what it lacks where nobody may decide it."""
        directory, duties, above = self.rulebook.directory, self.rulebook.duties, above_of(self.lines, self.ask.key)
        return whom_it_lacks(self.ask, directory, duties, at, above=above, earlier=self.earlier)

    def who_stopped(self) -> str:
        """Name, by id, whose word the clock stands still for: the requester's, or who put it on hold."""
        last = next((x for x in reversed(self.lines) if x.act in ("question", "held-ask")), None)
        return last.actor.partition(":")[2] if last and last.act == "held-ask" else self.ask.requester


async def waiting_of(chain: Chain, shelf: Shelf, at: datetime) -> tuple[Waiting, ...]:
    """Read what waits in a case, each ask that is open; nothing where nobody is being waited for."""
    if waits_for(chain) is None:
        return ()
    now, found = await shelf.in_force(at), []
    for ask in open_asks(chain):
        rulebook = now.model_copy(update={"policy": await shelf.policy(ask.policy), "policy_version": ask.policy})
        lines = tuple(line for line in chain.lines if line.key == ask.key)
        found.append(
            Waiting(
                case=chain.case,
                seq=chain.seq,
                ask=ask,
                since=next(line.at for line in reversed(lines) if line.act == "asked"),
                rulebook=rulebook,
                times=times_now(chain.lines, ask, rulebook.policy, rulebook.directory.zone),
                lines=lines,
                earlier=decisions_of(chain),
                posted=posted_of(chain, ask.key),
            )
        )
    return tuple(found)


def times_now(lines: Collection[Line], ask: Ask, policy: Policy, zone: str) -> Times | None:
    """Say when what is due for an ask, as a case's lines have it; None where policy has no clock."""
    return times_of(watched(tuple(lines), ask.key), policy.clock, zone) if policy.clock else None


def due_of(policy: Policy, asked: datetime, zone: str) -> dict[str, str]:
    """Print, for the line that asks, when an answer is due, in the hospital's own time; nothing without a clock."""
    if policy.clock is None:
        return {}
    return {"due": due_at(asked, policy.clock, zone).astimezone(ZoneInfo(zone)).isoformat(), "zone": zone}


async def keep_time(case: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> tuple[Move | None, Chain]:
    """Note what is due for a case, once, and return what it was with the case as it stands then."""
    move: Move | None = None

    async def due(chain: Chain) -> Line | None:
        nonlocal move
        move = None
        for one in await waiting_of(chain, shelf, at):
            if move := one.due(at):
                return _line(move, one, at)
        return None

    chain = await ledger.enter(case, due)
    return move, chain


def reason_not_expired(chain: Chain, ask: Ask, decision: Decision, policy: Policy, zone: str) -> str | None:
    """Say why the clock could not have ended an ask when it did, or None where it could."""
    before = chain.lines[: next(n for n, x in enumerate(chain.lines) if (x.act, x.key) == ("decided", ask.key))]
    times = times_now(before, ask, policy, zone)
    if decision.by != CLOCK or policy.clock is None or times is None:
        return "policy lets no time run out"
    if what_is_due(times, policy.clock, zone, decision.at) != "expire":
        return "its time had not run out"
    return None


def _line(move: Move, waiting: Waiting, at: datetime) -> Line:
    ask, rulebook = waiting.ask, waiting.rulebook
    if move == "expire":
        body: dict[str, Any] = {"decision": _expiry(waiting, at).model_dump(mode="json")}
        act = "decided"
    elif move == "escalate":
        above = whom_above(ask, rulebook, waiting.earlier, at)
        marks = {"directory": rulebook.directory_version, "duties": rulebook.duties.seq}
        named = {one.id: one.name for one in rulebook.directory.people if one.id in above.people}
        body = {"people": [*named], "names": [*named.values()], "role": above.role, "whom": [*named], **marks}
        act = "escalated"
    else:
        whom = [waiting.who_stopped()] if move == "nudge" else [one.id for one in waiting.who_may(at)]
        body, act = {"whom": whom, "stopped": move == "nudge"}, "reminded"
    return Line(act=act, key=ask.key, actor=ACTOR, at=at, seen=_shown(waiting), source=CLOCK, body=body)


def _expiry(waiting: Waiting, at: datetime) -> Decision:
    ask, rulebook = waiting.ask, waiting.rulebook
    days = waiting.clock.expire_after_days if waiting.clock else None
    return Decision(
        ask=ask.key,
        verdict="expire",
        by=CLOCK,
        name="the clock",
        role=ask.role,
        place=ask.place,
        at=at,
        shown=_shown(waiting),
        directory=rulebook.directory_version,
        note=f"{ask.whom} did not answer within {days} days. If it is still needed, ask again",
        duties=rulebook.duties.seq,
    )


def _shown(waiting: Waiting) -> str:
    return next(str(line.seen) for line in waiting.lines if line.act == "asked")
