"""The clock's rounds: everything that waits is looked at, what is due is noted and told, and all of it is listed.

Knows no Prefect. What is to be told stands in the ledger before it is told, and that it was told after: a crash in
between repeats the look-up, never the message.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from blocks.errors import ConflictError, OutsideError, RefusedError
from blocks.ledger import Chain, Ledger, TamperedError
from blocks.ports import Card, Desk
from blocks.records.ledger import Line
from blocks.records.people import Person
from blocks.rulebook import Shelf
from blocks.wire.cards import ask_message
from blocks.wire.reminders import Late, Reminder, Why, reminder_card
from blocks.wire.report import in_doubt, times_woken
from tasks.broken import Keepers, broken_by, passes
from tasks.clock import ACTOR, CLOCK, Waiting, keep_time, waiting_of
from tasks.decide import waits_for
from tasks.inbox import Inbox
from tasks.rules.clock import Move
from tasks.showing import card_of
from tasks.upkeep.emergency_rounds import listed, remind_reviewers
from tasks.upkeep.rerouting import ACT as REROUTED
from tasks.upkeep.rerouting import reroute

logger = logging.getLogger("almoner.clock")
DEEDS_MAX = 200
"""What one round does at most; the rest is done by the next."""
AT_ONCE = 8
WAITS = "waits"
"""The tag of each run that waits for people; what else it is tagged with says for whom, and until when."""
BROKEN = frozenset({WAITS, "waits:evidence"})
"""The tags of a run whose case stands still because its record does not hold."""
EVERYTHING = timedelta(hours=1)
"""So often a round looks at every case, whatever the log of heads says: what it lost is found then."""


WHY: dict[str, Why] = {"escalated": "above", REROUTED: "now"}
Mark = tuple[str, str, int, str, frozenset[str]]


class Round(NamedTuple):
    """What a round found and did: what waits, what was due, and for which cases the bell is to be rung."""

    waiting: tuple[Late, ...]
    done: Counter[Move]
    ring: tuple[str, ...]
    tags: dict[str, frozenset[str]] = {}  # noqa: RUF012  never changed
    """What the runs of what waits are to be found by, in the dashboard."""


class Rounds:
    """Goes round what waits; remembers what it saw, in this process, to read once what does not change."""

    def __init__(self, ledger: Ledger, shelf: Shelf, desk: Desk, keepers: str = "") -> None:
        """*keepers*: the channel of those who keep the evidence; empty where nobody is to be told."""
        self._ledger, self._shelf, self._desk = ledger, shelf, desk
        self._keepers = Keepers(desk, keepers)
        self._inbox = Inbox(ledger)
        self._seen: dict[str, tuple[tuple[str, str, int], tuple[Waiting, ...]]] = {}
        self._names: dict[Mark, tuple[str, ...]] = {}
        self._routed: set[Mark] = set()
        self._all_again: datetime | None = None

    async def go(self, at: datetime) -> Round:
        """Go round once; a book that does not hold ends the round, and those who keep the evidence hear of it."""
        try:
            return await self._round(at)
        except TamperedError as error:
            await self._keepers.tell([broken_by(error)], at)
            raise

    async def _round(self, at: datetime) -> Round:
        everything = self._all_again is None or at >= self._all_again
        await self._inbox.look(at, everything=everything)
        if everything:
            self._all_again, self._names = at + EVERYTHING, {}
        waiting = await self._waiting(at)
        due = [one for one in waiting if one.due(at)][:DEEDS_MAX]
        done, chains = await self._keep_time(due, at)
        waiting = [*(one for one in waiting if one.case not in chains), *await self._read_again(chains, at)]
        moved = await self._reroute(waiting, at)
        waiting = [*(one for one in waiting if one.case not in moved), *await self._read_again(moved, at)]
        await self._tell(waiting, at)
        broken = self._inbox.broken()
        waiting = [one for one in waiting if one.case not in {x.case for x in broken}]
        doubtful = [_doubt(chain, parked) for chain in self._inbox.chains() if (parked := in_doubt(chain))]
        rules = await self._shelf.in_force(at)
        await remind_reviewers(self._ledger, self._desk, rules, at)
        others = [*await self._keepers.tell(broken, at), *doubtful, *listed(rules, at)]
        rung = tuple(case for case, move in done.items() if move in ("expire", "escalate"))
        tags = {one.case: BROKEN for one in broken}
        for one in waiting:
            tags[one.case] = tags.get(one.case, frozenset()) | _tags(one, at)
        return Round((*self._late(waiting, at), *others), Counter(done.values()), rung, tags)

    @contextmanager
    def _by_itself(self, case: str, next_time: str) -> Iterator[None]:
        """Let what fails with one case stop no other: one that cannot be gone by is set aside until it can."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  a tampered line may fail in any way
            if passes(error) or isinstance(error, ConflictError):
                logger.warning("%s: %s in the next round, %s", case, next_time, error)
            else:
                self._inbox.set_aside(case, error)

    def _late(self, waiting: list[Waiting], at: datetime) -> list[Late]:
        """Tell all that waits. Who may decide what is worked out anew when case or people change, and once an hour."""
        names = {}
        for one in waiting:
            mark = _mark(one, at)
            names[mark] = self._names.get(mark) or tuple(person.name for person in one.who_may(at))
        self._names = names
        return [_late(one, people, at) for one, people in zip(waiting, names.values(), strict=True)]

    async def _reroute(self, waiting: list[Waiting], at: datetime) -> dict[str, Chain]:
        """Note who is asked by now, where case or people have changed since the last look."""
        routed, self._routed, moved = self._routed, set(), dict[str, Chain]()
        for one in waiting:
            mark = _mark(one, at)
            with self._by_itself(one.case, "whom it asks is looked at"):
                if mark not in routed and len(moved) < DEEDS_MAX:
                    chain = await reroute(one, self._ledger, self._shelf, at)
                    routed.add(mark)
                    moved |= {one.case: chain} if chain else {}
            if mark in routed:
                self._routed.add(mark)
        return moved

    async def _waiting(self, at: datetime) -> list[Waiting]:
        """List what waits, the one that is due first first."""
        now = await self._shelf.in_force(at)
        seen, self._seen = self._seen, {}
        for chain in self._inbox.chains():
            mark = (chain.head, now.directory_version, now.duties.seq)
            known = seen.get(chain.case)
            if (found := known[1] if known and known[0] == mark else await self._read_out(chain, at)) is not None:
                self._seen[chain.case] = (mark, found)
        waiting = [one for _, found in self._seen.values() for one in found]
        return sorted(waiting, key=lambda one: one.times.due if one.times else one.since)

    async def _read_out(self, chain: Chain, at: datetime) -> tuple[Waiting, ...] | None:
        """Read what waits in a case, and all that a round tells of it; None where it cannot be gone by."""
        with self._by_itself(chain.case, "it is looked at"):
            read = await waiting_of(chain, self._shelf, at)
            for one in read:
                one.due(at)
                _whom(one, _untold(one))
                _late(one, (), at)
            if parked := in_doubt(chain):
                _doubt(chain, parked)
            return read

    async def _keep_time(self, due: Iterable[Waiting], at: datetime) -> tuple[dict[str, Move], dict[str, Chain]]:
        """Note what is due, a case at a time; one that fails does not stop the others."""
        room, done, chains = asyncio.Semaphore(AT_ONCE), dict[str, Move](), dict[str, Chain]()

        async def keep(case: str) -> None:
            async with room:
                with self._by_itself(case, "what is due is noted"):
                    move, chains[case] = await keep_time(case, ledger=self._ledger, shelf=self._shelf, at=at)
                    if move:
                        done[case] = move

        await asyncio.gather(*(keep(case) for case in {one.case for one in due}))
        return done, chains

    async def _read_again(self, chains: dict[str, Chain], at: datetime) -> list[Waiting]:
        return [one for chain in chains.values() for one in await self._read_out(chain, at) or ()]

    async def _tell(self, waiting: list[Waiting], at: datetime) -> None:
        """Tell each person once, in one message, what was noted for them; what cannot be told now is told later."""
        untold = [(one, lines) for one in waiting if (lines := _untold(one))][:DEEDS_MAX]
        letters: dict[tuple[datetime, str], list[Reminder]] = defaultdict(list)
        for one, lines in untold:
            for person, why in _whom(one, lines).items():
                letters[lines[-1].at, person].append(_reminder(one, why))
        directory = (await self._shelf.in_force(at)).directory
        undelivered = set()
        for (noted, person), reminders in letters.items():
            card = reminder_card(f"{CLOCK}/{noted:%Y%m%dT%H%M%S%f}/{person}", reminders, directory.zone)
            if not await self._send(directory.person(person), card, maybe_posted=noted < at):
                undelivered.add((noted, person))
        for one, lines in untold:
            if any((lines[-1].at, person) in undelivered for person in _whom(one, lines)):
                continue
            with self._by_itself(one.case, "that it was told is noted"):
                if await self._redraw(one, lines, at):
                    await self._note_told(one, lines, at)

    async def _send(self, whom: Person | None, card: Card, *, maybe_posted: bool) -> bool:
        """Send one message; return whether nothing is left to try."""
        if whom is None or not whom.active or not whom.slack_user:
            return True
        try:
            await self._desk.tell(whom.slack_user, card, maybe_posted=maybe_posted)
        except RefusedError as refusal:
            logger.warning("%s could not be reminded: %s", whom.name, refusal)
        except OutsideError as error:
            logger.warning("%s is reminded in the next round: %s", whom.name, error)
            return False
        return True

    async def _redraw(self, one: Waiting, lines: list[Line], at: datetime) -> bool:
        """Let the card name those who may decide it by now; return whether nothing is left to try."""
        if one.posted is None or all(line.act == "reminded" for line in lines):
            return True
        try:
            chain, drawn = await self._ledger.read(one.case), -1
            while drawn < chain.seq:  # somebody may decide, and see it drawn, while ours is on its way
                drawn = chain.seq
                await self._desk.redraw(one.posted, card_of(chain, one.ask, one.rulebook, at))
                chain = await self._ledger.read(one.case, known=chain)
        except RefusedError as refusal:
            logger.warning("%s: the card does not name who may decide by now, %s", ask_message(one.ask), refusal)
        except TamperedError:
            raise
        except OutsideError as error:
            logger.warning("%s: its card is drawn anew in the next round, %s", ask_message(one.ask), error)
            return False
        return True

    async def _note_told(self, one: Waiting, lines: list[Line], at: datetime) -> None:
        body = {"whom": [*_whom(one, lines)], "upto": len(one.lines)}
        line = Line(act="told", key=one.ask.key, actor=ACTOR, at=at, source=CLOCK, body=body)
        await self._ledger.enter(one.case, lambda chain: line if waits_for(chain) else None)


def _mark(one: Waiting, at: datetime) -> Mark:
    """Name all that says who may decide an ask: the case, the people, and who is away or stands in just now."""
    duties = one.rulebook.duties
    hold = frozenset(x.key for x in duties.delegations if x.holds(at))
    hold |= {x.key for x in duties.absences if x.holds(at)}
    hold |= {x.asked.key for x in duties.emergencies if x.holds(at)}
    return one.case, one.ask.key, one.seq, one.rulebook.directory_version, hold


def _untold(one: Waiting) -> list[Line]:
    """List what was noted for somebody and not told yet; a line of old tells all that stands before it."""
    told = max((line.body.get("upto", n) for n, line in enumerate(one.lines) if line.act == "told"), default=0)
    noted = [line for line in one.lines[told:] if line.act in ("reminded", "escalated", REROUTED)]
    return [line for line in noted if line.body["whom"] or line.act == REROUTED]


def _whom(one: Waiting, lines: list[Line]) -> dict[str, Why]:
    """Say whom to tell, and why."""
    whom: dict[str, Why] = {}
    for line in lines:
        why: Why = WHY.get(line.act, "waits")
        if line.body.get("stopped"):
            why = "question" if one.who_stopped() == one.ask.requester else "hold"
        whom |= dict.fromkeys(line.body["whom"], why) | dict.fromkeys(line.body.get("gone", ()), "gone")
    return whom


def _reminder(one: Waiting, why: Why) -> Reminder:
    due = one.times.due if one.times else None
    return Reminder(one.ask, why, one.since, due, one.posted.channel if one.posted else None)


def _late(one: Waiting, people: tuple[str, ...], at: datetime) -> Late:
    """Tell what waits: while the clock stands still, for whoever lets it go on."""
    what = f"{one.ask.quantity:,} x {one.ask.description}, {one.ask.amount}"
    note = "" if people else one.lacks(at)
    if one.times and one.times.paused(at):
        person = one.rulebook.directory.person(one.who_stopped())
        note = f"the clock stands still for {person.name if person else one.who_stopped()}"
    elif any(line.act == "escalated" for line in one.lines):
        note = "escalated"
    if times := times_woken(one.lines):
        note = "; ".join(filter(None, (note, f"woken by hand in Prefect: {times:,} ×")))
    due = one.times.due if one.times else None
    return Late(one.case, what, people, one.ask.whom, one.since, due, note)


def _tags(one: Waiting, at: datetime) -> frozenset[str]:
    """Say by what an admin finds the run of what waits: on whom, for which cost centre, due on which day."""
    found = {WAITS, f"waits:{one.ask.added.person if one.ask.added else one.ask.role}"}
    found.add(f"cost-centre:{one.ask.cost_centre}")
    if one.times:
        found.add(f"due:{one.times.due.astimezone(ZoneInfo(one.rulebook.directory.zone)):%Y-%m-%d}")
        found |= {"late"} if one.times.due < at else set()
    return frozenset(found)


def _doubt(chain: Chain, parked: Line) -> Late:
    note = f"in doubt: did the {parked.body['effect']} happen? `almoner case settle {chain.case}` says so"
    centre = str(chain.lines[0].body.get("request", {}).get("cost_centre", ""))
    return Late(chain.case, str(parked.body["effect"]), (), f"who answers for {centre}", parked.at, None, note)
