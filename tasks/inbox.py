"""The inbox: what waits for whom, read from the ledger once and kept up with the log of heads. Knows no Prefect.

It only shows: whoever answers is judged by the ledger as it stands then.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from blocks.ledger import Chain, Ledger
from blocks.records.approval import Ask, Posted
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from blocks.sealing.notes import noted_since
from blocks.wire.broken import Broken
from tasks.broken import broken_by, of_ours, passes
from tasks.decide import decisions_of, due_in, open_asks, posted_of, waits_for
from tasks.results import finished_cases
from tasks.rules.authority import acting_for
from tasks.rules.standing import above_of

logger = logging.getLogger("almoner.evidence")
OVERLAP = timedelta(minutes=2)
"""Clocks differ, and a batch of heads may be written late."""
AT_ONCE = 24


class Item(NamedTuple):
    """A request that waits for an answer: what is asked, since when, where its card stands, and when it is due."""

    ask: Ask
    since: datetime
    posted: Posted | None
    on_behalf_of: str = ""
    due: datetime | None = None


class Inbox:
    """What every open case waits for, as this process last saw it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._open: dict[str, Chain] = {}
        self._broken: dict[str, Broken] = {}
        self._known: frozenset[str] = frozenset()
        self._looked: datetime | None = None
        self._written: set[str] = set()
        self._looking = asyncio.Lock()
        ledger.observers.append(self._heard)

    def _heard(self, case: str, _seq: int, _head: str) -> None:
        """Hear of what this process wrote itself: the log of heads tells of it only a second later."""
        self._written.add(case)

    async def look(self, at: datetime, *, everything: bool = False) -> None:
        """Take in what was written since the last look; the first one looks at every case that has no result yet.

        So does one whose clock was set back: what others wrote while it was ahead was not looked for. Who looks at
        *everything* reads each from its first entry: what was tampered with since is found.
        """
        async with self._looking:
            if everything or self._looked is None or at < self._looked - OVERLAP:
                finished = await finished_cases(self._ledger)
                names = {name async for name, _ in self._ledger.cases() if name not in finished}
            else:
                notes = await noted_since(self._ledger.store, self._looked - OVERLAP, known=self._known)
                names = {name for name, seqs in notes.heads.items() if self._lacks(name, max(seqs))}
                self._known = notes.keys
            written, self._written = self._written, set()
            await self._take_all((name for name in names | written if "~" not in name), everything=everything)
            self._looked = at

    def set_aside(self, case: str, error: Exception) -> None:
        """Take note that a case cannot be gone by: each look reads it anew, until it can."""
        one = broken_by(error, case)
        if case not in self._broken:
            logger.warning("%s stands still: its record %s", case, one.told, exc_info=of_ours(error))
        self._open.pop(case, None)
        self._written.add(case)
        self._broken[case] = one

    def broken(self) -> tuple[Broken, ...]:
        """List the cases that cannot be gone by: nobody can tell whom they wait for."""
        return tuple(one for _, one in sorted(self._broken.items()))

    def waits_for(self, person: Person, rulebook: Rulebook, at: datetime) -> tuple[Item, ...]:
        """List what somebody may answer, the oldest first."""
        found = []
        for chain in self._open.values():
            for item in open_items(chain):
                earlier, above = decisions_of(chain), above_of(chain.lines, item.ask.key)
                acting = acting_for(item.ask, person, earlier, rulebook.directory, rulebook.duties, at, above=above)
                if not isinstance(acting, str):
                    found.append(item._replace(on_behalf_of=acting.of.name if acting.of else ""))
        return tuple(sorted(found, key=lambda item: item.since))

    def chains(self) -> tuple[Chain, ...]:
        """List the open cases."""
        return tuple(self._open.values())

    def asked_by(self, person: str) -> tuple[Chain, ...]:
        """List the open cases that somebody asked for, the oldest first."""
        mine = (chain for chain in self._open.values() if _requester(chain) == person)
        return tuple(sorted(mine, key=lambda chain: chain.lines[0].at))

    def _lacks(self, name: str, seq: int) -> bool:
        """Say whether an entry that was noted is not known yet: the first look has seen most of what was noted."""
        known = self._open.get(name)
        return known is None or known.seq < seq

    async def _take_all(self, names: Iterable[str], *, everything: bool) -> None:
        room = asyncio.Semaphore(AT_ONCE)

        async def take(name: str) -> None:
            async with room:
                await self._take(name, None if everything else self._open.get(name))

        await asyncio.gather(*(take(name) for name in names))

    async def _take(self, name: str, known: Chain | None) -> None:
        try:
            chain = await self._ledger.read(name, known=known)
            ended = chain.last("ended") is not None
            if chain.seq and not ended:
                _read_through(chain)
        except Exception as error:  # noqa: BLE001  whatever it is, it is this case's own, and the others go on
            self._written.add(name)
            if passes(error):
                logger.warning("%s is looked at again, %s", name, error)
            else:
                self.set_aside(name, error)
            return
        self._broken.pop(name, None)
        last = self._open.get(name)
        if ended:
            self._open.pop(name, None)
        elif chain.seq and (last is None or last.head != chain.head):  # else what was read out of it is kept
            self._open[name] = chain


def _read_through(chain: Chain) -> None:
    """Read out of a case what is shown of it, which each line then remembers; any error where it says nothing."""
    for item in open_items(chain):
        above_of(chain.lines, item.ask.key)
    decisions_of(chain)
    waits_for(chain)
    _requester(chain)


def open_items(chain: Chain) -> tuple[Item, ...]:
    """List the asks of a case that nobody has answered yet."""
    asked = {line.key: line for line in chain.having("asked")}
    return tuple(
        Item(ask, asked[ask.key].at, posted_of(chain, ask.key), due=due_in(asked[ask.key])) for ask in open_asks(chain)
    )


def _requester(chain: Chain) -> str:
    return str(chain.lines[0].body.get("request", {}).get("requester", ""))
