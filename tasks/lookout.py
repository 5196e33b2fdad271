"""The lookout: cases that stand still although nobody is being waited for.

A look at everything lists each entry there is: at 140,000 entries (20,000 cases that have ended) about ten seconds of
the object store's time. So it is taken only so often that it fills a fiftieth of the time; in between, the log of heads
names what was written. What the log lost, in a crash within the second, waits for the next look at everything.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from time import perf_counter
from typing import NamedTuple

from blocks.errors import OutsideError
from blocks.heads import noted_since
from blocks.ledger import Chain, Ledger
from tasks.cancelling import cancelling
from tasks.case import utc_now
from tasks.decide import waits_for
from tasks.doubts import waits_for_word
from tasks.results import finished_cases, is_finished

logger = logging.getLogger("almoner.upkeep")
PATIENCE_S = 15
"""How long a case may stand still before it is rung for: longer than most steps take. One looks every ten seconds."""
TOLD_S = 300
"""How long after its end a case may be without a result: a group tells of all its cases at its own end."""
BACKOFF_MAX_MIN = 60
SHARE = 0.02
OVERLAP = timedelta(minutes=2)
"""Clocks differ, and a batch of heads may be written late."""


class Look(NamedTuple):
    """How far a case had come, how often it was rung for since, and when to look again; None: when it has grown."""

    seq: int
    rung: int = 0
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

    async def standing_still(self, ledger: Ledger, *, patience_s: float = PATIENCE_S) -> list[str]:
        """List the cases to ring for: quiet for a while, and neither finished, nor in doubt, nor waiting for people.

        Who does not move although it was rung for is rung for again after 1, 2, 4 and up to 60 minutes.
        """
        now = self._clock()
        moved = (
            self._among_all(ledger, now) if self._all_again is None or now >= self._all_again else self._noted(ledger)
        )
        names = {name async for name, seq in moved if "~" not in name and self._is_new(name, seq)}
        names |= {name for name, look in self._looks.items() if look.again and look.again <= now}
        self._looked_at = now
        return [name for name in sorted(names) if await self._stands_still(name, ledger, now, patience_s)]

    def not_heard(self, cases: Iterable[str]) -> None:
        """Hear that nobody heard the bell: the next look rings for them again."""
        for case in cases:
            if look := self._looks.get(case):
                self._looks[case] = look._replace(rung=max(look.rung - 1, 0), again=self._clock())

    def _is_new(self, name: str, seq: int) -> bool:
        known = self._looks.get(name)
        return known is None or known.seq < seq

    async def _among_all(self, ledger: Ledger, now: datetime) -> AsyncIterator[tuple[str, int]]:
        """List everything; the first time, without the cases that are finished and have not gone on since."""
        began = perf_counter()
        finished = await finished_cases(ledger) if self._all_again is None else {}
        async for name, seq in ledger.cases():
            if finished.get(name) == seq:
                self._looks[name] = Look(seq)
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
            chain = await ledger.read(name)
            ended = chain.last("ended") is not None and not cancelling(chain)
            done = await is_finished(chain, ledger) if ended else bool(waits_for(chain))
            asleep = done or waits_for_word(chain)
        except OutsideError as error:
            logger.warning("%s cannot be looked at: %s", name, error)
            self._looks[name] = self._looks.get(name, Look(0))._replace(again=now)
            return False
        known = self._looks.get(name)
        rung = known.rung if known and known.seq == chain.seq else 0
        if asleep:
            self._looks[name] = Look(chain.seq)
        elif _quiet_s(chain, now) <= (TOLD_S if ended else patience_s):
            self._looks[name] = Look(chain.seq, again=now)
        else:
            wait = timedelta(minutes=min(2**rung, BACKOFF_MAX_MIN), seconds=-PATIENCE_S)
            self._looks[name] = Look(chain.seq, rung + 1, now + wait)
            return True
        return False


def _quiet_s(chain: Chain, now: datetime) -> float:
    return (now - chain.lines[-1].at).total_seconds()
