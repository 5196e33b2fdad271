"""A city: what outlives every process (store, ERP, desk, virtual time), the dice, and the processes in it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import httpx

from blocks.ledger import Chain, Ledger, entry_key
from blocks.ports import Personality
from blocks.rulebook import Shelf
from tests.fakes.desk import FakeDesk
from tests.fakes.erp_client import HttpErp
from tests.fakes.erp_server import ErpServer
from tests.hospital import MORNING
from tests.simulation.faults import AT, WITH_STOPS, Happened, Kind, likelihood
from tests.simulation.process import POSTING, Process
from tests.stores import MemoryStore

TURNS_MAX = 200_000
"""How many turns of the event loop a round may take before it counts as hanging."""


@dataclass
class City:
    """Everything outside, and who moves in it. Time moves when a life says so, and a millisecond with each call."""

    dice: Random
    personality: Personality
    kept: dict[str, bytes]
    now: datetime = MORNING
    """What time it is, as the store tells it; a process may think otherwise."""
    off_max_s: float = 0.0
    """By how much a process's clock may be off."""
    to_come: int = 0
    """How many faults may still happen."""
    happened: list[Happened] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    """The cases that have not come to their end: whatever happens to the house happens to each of them."""
    story: list[str] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)
    """What ended in an error that nobody foresaw."""

    def __post_init__(self) -> None:
        """Open what outlives the processes."""
        self.store, self.desk = Prompt(self.seconds), FakeDesk()
        self.store.kept.update(self.kept)
        self.ledger = Ledger(self.store)
        self.shelf = Shelf(self.ledger)
        self.chains: dict[str, Chain] = {}
        self.server = ErpServer(self.personality, clock=self.seconds)
        transport = httpx.ASGITransport(self.server.app)
        self.erp = HttpErp("http://erp.test", self.personality, transport=transport)

    def seconds(self) -> float:
        """Tell the time in seconds, as whoever measures does."""
        return self.now.timestamp()

    def clock(self) -> datetime:
        """Tell the time to the millisecond, as the product does."""
        return self.now

    async def read(self, case: str) -> Chain:
        """Read a case past every fault: as people see it, and whoever judges."""
        known = self.chains.get(case)
        if known is None or entry_key(case, known.seq + 1) in self.store.kept:
            known = self.chains[case] = await self.ledger.read(case, known=known)
        return known

    def tell(self, what: str) -> None:
        """Write the story on."""
        self.story.append(f"{self.now:%d %b %H:%M:%S.%f} {what}")

    def suffer(self, kind: str, where: str, cases: Collection[str]) -> None:
        """Note a fault; it happened to these cases, or, where it is about none of them, to all that are open."""
        self.happened.append(Happened(kind, where, frozenset(cases or self.open)))
        self.tell(f"FAULT {kind}: {where}")

    def fault_at(self, call: str) -> Kind | None:
        """Draw what goes wrong at a call."""
        if len(self.happened) >= self.to_come or self.dice.random() >= likelihood(call):
            return None
        return self.dice.choice(WITH_STOPS if call in POSTING and self.personality.key_kept_s is None else AT[call])

    def process(self, name: str) -> Process:
        """Start a process."""
        started = Process(self, name)
        self.processes.append(started)
        return started

    async def settle_down(self) -> None:
        """Let everything run until nothing moves but what stands still; the dead are buried."""
        for _ in range(TURNS_MAX):
            self.processes = [one for one in self.processes if one.is_wanted()]
            if not any(one.moves() for one in self.processes):
                return
            await asyncio.sleep(0)
        raise AssertionError(f"hangs: {[one.name for one in self.processes]}")

    async def close(self) -> None:
        """End what still stands still."""
        for one in self.processes:
            one.died = True
        self.processes = [one for one in self.processes if one.is_wanted()]
        await asyncio.sleep(0)
        await self.erp.aclose()


class Prompt(MemoryStore):
    """A store that answers at once: how long a call is on its way is for whoever calls to suffer."""

    turns = 0
