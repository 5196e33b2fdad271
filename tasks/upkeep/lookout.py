"""The lookout: cases that stand still although nobody is being waited for.

A look at everything lists each entry there is: at 140,000 entries (20,000 cases that have ended) about ten seconds of
the object store's time. So it is taken only so often that it fills a fiftieth of the time; in between, the log of heads
names what was written. What the log lost, in a crash within the second, waits for the next look at everything.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from time import perf_counter
from typing import NamedTuple

from blocks.ledger import Chain, Ledger
from blocks.sealing.notes import noted_since
from tasks.broken import broken_by, of_ours, passes
from tasks.case import utc_now
from tasks.decide import waits_for
from tasks.doubts import waits_for_word
from tasks.results import finished_cases, is_finished
from tasks.undoing import undoing

logger = logging.getLogger("almoner.upkeep")
PATIENCE_S = 10
"""How long a case may stand still before it is rung for: longer than most steps take. One looks every three seconds."""
TOLD_S = 60
"""How long after its end a case may be without a result: a group tells of all its cases at its own end."""
AGAIN_SHARE, AGAIN_MIN_S, AGAIN_MAX_S = 0.05, 15, 3_600
"""Who was rung for in vain is rung for again after a twentieth of the time for which it has got no further."""
TRIES = frozenset({"taken", "unsent", "unknown"})
"""What is written by whoever tries an effect once more, and brings the case no further."""
SHARE = 0.02
OVERLAP = timedelta(minutes=2)
"""Clocks differ, and a batch of heads may be written late."""


class Look(NamedTuple):
    """How far a case had come, since when this process sees it there, when to look again; None: when it has grown."""

    seq: int
    since: datetime
    came: int = 0
    """How many lines had brought it further."""
    rung: bool = False
    """Whether it was rung for there, in vain so far."""
    again: datetime | None = None


class Lookout:
    """Finds whom to ring for; remembers what it saw, in this process, to look once."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, share: float = SHARE) -> None:
        self.share = share
        self._clock = clock
        self._looks: dict[str, Look] = {}
        self._notes: frozenset[str] = frozenset()
        self._looked_at: datetime | None = None
        self._all_again: datetime | None = None
        self._has_freed = False
        self._looking = asyncio.Lock()

    async def standing_still(self, ledger: Ledger, *, patience_s: float = PATIENCE_S) -> list[str]:
        """List the cases to ring for: quiet for a while, and neither finished, nor in doubt, nor waiting for people.

        Who gets no further although it was rung for is rung for again, less and less often: after a twentieth of the
        time for which it has stood, 15 s at the least and an hour at the most. As soon as one of them has got
        further all others are rung for at the next look: what held it up may have held up them.
        """
        async with self._looking:
            return await self._looked(ledger, patience_s)

    async def _looked(self, ledger: Ledger, patience_s: float) -> list[str]:
        now = self._clock()
        if self._looked_at and now < self._looked_at:
            self._set_back(self._looked_at - now)
            self._looked_at = now
        moved = (
            self._among_all(ledger, now) if self._all_again is None or now >= self._all_again else self._noted(ledger)
        )
        grown = {name: seq async for name, seq in moved if "~" not in name and self._is_new(name, seq)}
        names = {name for name, seq in grown.items() if not self._is_put_off(name, seq, now, patience_s)}
        names |= {name for name, look in self._looks.items() if look.again and look.again <= now}
        self._looked_at, self._has_freed = now, False
        found = [name for name in sorted(names) if await self._stands_still(name, ledger, now, patience_s)]
        if self._has_freed:
            self.not_heard(name for name, look in self._looks.items() if look.rung and name not in found)
        return found

    def _set_back(self, by: timedelta) -> None:
        """Hear that our clock was set back: what was to be looked at in a while is looked at in that while."""
        self._all_again = self._all_again and self._all_again - by
        for name, look in self._looks.items():
            self._looks[name] = look._replace(since=look.since - by, again=look.again and look.again - by)

    def not_heard(self, cases: Iterable[str]) -> None:
        """Hear that nobody heard the bell: the next look rings for them again."""
        for case in [*cases]:
            if look := self._looks.get(case):
                self._looks[case] = look._replace(rung=False, again=self._clock())

    def _is_new(self, name: str, seq: int) -> bool:
        known = self._looks.get(name)
        return known is None or known.seq < seq

    def _is_put_off(self, name: str, seq: int, now: datetime, patience_s: float) -> bool:
        """Put off the look at a case that has just been written: it is in somebody's hands, and a burst is many."""
        known = self._looks.get(name)
        if known is None or known.rung:
            return False
        again = now + timedelta(seconds=patience_s)
        self._looks[name] = known._replace(seq=seq, since=now, again=again)
        return patience_s > 0

    async def _among_all(self, ledger: Ledger, now: datetime) -> AsyncIterator[tuple[str, int]]:
        """List everything; the first time, without the cases that are finished and have not gone on since."""
        began = perf_counter()
        finished = await finished_cases(ledger) if self._all_again is None else {}
        async for name, seq in ledger.cases():
            if finished.get(name) == seq:
                self._looks[name] = Look(seq, now)
            yield name, seq
        self._all_again = now + timedelta(seconds=(perf_counter() - began) / self.share)

    async def _noted(self, ledger: Ledger) -> AsyncIterator[tuple[str, int]]:
        """List what the log of heads names since the last look."""
        since = (self._looked_at or self._clock()) - OVERLAP
        notes = await noted_since(ledger.store, since, known=self._notes)
        self._notes = notes.keys
        for name, heads in notes.heads.items():
            yield name, max(heads)

    async def _stands_still(self, name: str, ledger: Ledger, now: datetime, patience_s: float) -> bool:
        try:
            return await self._judged(name, ledger, now, patience_s)
        except Exception as error:
            told = broken_by(error, name).told
            logger.warning("%s is not rung for: its record %s", name, told, exc_info=of_ours(error))
            later = timedelta(seconds=0 if passes(error) else AGAIN_MIN_S)
            self._looks[name] = self._looks.get(name, Look(0, now))._replace(again=now + later)
            return False

    async def _judged(self, name: str, ledger: Ledger, now: datetime, patience_s: float) -> bool:
        chain = await ledger.read(name)
        ended = chain.last("ended") is not None and not undoing(chain)
        done = await is_finished(chain, ledger) if ended else bool(waits_for(chain))
        asleep = done or waits_for_word(chain)
        look = self._looks[name] = self._seen(name, chain, now)
        quiet_s = max((now - chain.lines[-1].at).total_seconds(), (now - look.since).total_seconds())
        if asleep:
            self._looks[name] = look._replace(rung=False, again=None)
        elif look.rung and look.again and now < look.again:
            return False  # what was written since is one more try
        elif quiet_s <= (limit_s := TOLD_S if ended else patience_s):
            self._looks[name] = look._replace(again=now + timedelta(seconds=limit_s - quiet_s))
        else:
            wait_s = min(max(_stood_s(chain, now) * AGAIN_SHARE, AGAIN_MIN_S), AGAIN_MAX_S)
            self._looks[name] = look._replace(rung=True, again=now + timedelta(seconds=wait_s))
            return True
        return False

    def _seen(self, name: str, chain: Chain, now: datetime) -> Look:
        """Take note of how far a case has come, and whether it got further since it was rung for."""
        known, came = self._looks.get(name), sum(line.act not in TRIES for line in chain.lines)
        if known is None or known.came != came:
            self._has_freed |= known is not None and known.rung
            return Look(chain.seq, now, came)
        return known if known.seq == chain.seq else known._replace(seq=chain.seq, since=now)


def _stood_s(chain: Chain, now: datetime) -> float:
    """Tell for how long a case has got no further, whatever was tried."""
    return (now - next(line.at for line in reversed(chain.lines) if line.act not in TRIES)).total_seconds()
