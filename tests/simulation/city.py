"""A city: what outlives every process (store, ERP, desk, virtual time), the dice, and the processes in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import httpx

from blocks import connect
from blocks.errors import UnavailableError, UnknownError
from blocks.heads import HeadsLog
from blocks.ledger import Chain, Ledger, entry_key
from blocks.ports import Personality
from blocks.rulebook import Shelf
from tests.crashes.points import Killed
from tests.fakes.desk import FakeDesk
from tests.fakes.erp_client import HttpErp
from tests.fakes.erp_server import ErpServer
from tests.hospital import MORNING
from tests.simulation.faults import AT, LATE_S, READS, STOP_S, WITH_STOPS, Happened, Kind, likelihood
from tests.stores import MemoryStore

POSTING = ("erp.order", "erp.issue")
AT_THE_ERP = (*POSTING, "erp.cancel")
"""What the little ERP itself turns away."""
READ_TURNS, WRITE_TURNS = (0, 0, 0, 1), (0, 1, 2, 5)
"""How many turns of the event loop a call is on its way."""
TURNS_MAX = 200_000
"""How many turns of the event loop a round may take before it counts as hanging."""
_about: ContextVar[frozenset[str]] = ContextVar("about", default=frozenset())
"""The case that is being seen to."""


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
    processes: list["Process"] = field(default_factory=list)
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

    def process(self, name: str) -> "Process":
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


class Process:
    """A process: its own ledger, shelf and log of heads, and its way to everything outside."""

    def __init__(self, city: City, name: str) -> None:
        self.city, self.name = city, name
        self.off = timedelta()
        self.set_clock()
        self.died = False
        self.until: datetime | None = None
        self._woken = asyncio.Event()
        self._dying = False
        self._tasks: list[asyncio.Task[None]] = []
        self._flushing = asyncio.Lock()
        ledger = Ledger(self.way("store", city.store))
        self.heads = HeadsLog(ledger.store, writer=name)
        ledger.observers.append(self.heads)
        self.outside = connect.Outside(ledger, Shelf(ledger), self.way("erp", city.erp), self.way("desk", city.desk))

    @property
    def ledger(self) -> Ledger:
        """The ledger as this process sees it."""
        return self.outside.ledger

    def clock(self) -> datetime:
        """Tell the time as this process has it."""
        return self.city.now + self.off

    def set_clock(self) -> timedelta:
        """Have a clock that is off by some amount, for all this process knows the right time."""
        if self.city.off_max_s:
            self.off = timedelta(seconds=self.city.dice.uniform(-self.city.off_max_s, self.city.off_max_s))
        return self.off

    def start(self, what: str, life: Callable[[], Coroutine[Any, Any, object]], case: str | None = None) -> None:
        """Let it do something, beside whatever else it does; *case*: the one that it is about."""
        self._tasks.append(asyncio.create_task(self._live(what, life, case)))

    async def _live(self, what: str, life: Callable[[], Coroutine[Any, Any, object]], case: str | None) -> None:
        _about.set(frozenset({case} if case else ()))
        try:
            with connect.bound(self.outside):
                told = await life()
            self.city.tell(f"{self.name} {what}: {told}")
            async with self._flushing:
                await self.heads.flush(self.clock())
        except Killed:
            self.city.tell(f"{self.name} {what}: dead")
        except UnavailableError as error:
            self.city.tell(f"{self.name} {what}: {error}")
        except Exception as error:  # noqa: BLE001  whatever it is, the life is judged by it
            self.city.tell(f"{self.name} {what}: {type(error).__name__}: {error}")
            self.city.fallen.append(f"{self.name} {what}: {type(error).__name__}: {error}")

    def moves(self) -> bool:
        """Say whether anything in it goes on."""
        if self.until and self.city.now >= self.until:
            self.until = None
            self._woken.set()
        return self.until is None and any(not task.done() for task in self._tasks)

    def is_wanted(self) -> bool:
        """Bury what is dead; say whether it is still there."""
        if self.died:
            for task in self._tasks:
                task.cancel()
            return False
        self._tasks = [task for task in self._tasks if not task.done()]
        return True

    def way(self, port: str, outside: Any) -> Any:
        """Let it reach something outside, with what may go wrong on the way."""
        return _Way(self, port, outside)

    async def _on_the_way(self, turns: int, *, may_stand: bool) -> None:
        """Be on the way for a moment; stand still while stopped; be dead when dead."""
        self._assert_alive()
        self.city.now += timedelta(milliseconds=1)
        for _ in range(turns):
            await asyncio.sleep(0)
        if may_stand:
            await self._stand_still()
        self._assert_alive()

    def _assert_alive(self) -> None:
        if self.died or self._dying:
            self.die()

    def die(self) -> None:
        """Be gone."""
        self.died = True
        raise Killed

    async def call(self, call: str, make: Callable[[], Awaitable[Any]], what: str = "") -> Any:
        """Call something outside, with what goes wrong on the way."""
        turns = self.city.dice.choice(READ_TURNS if AT[call] is READS else WRITE_TURNS)
        await self._on_the_way(turns, may_stand=call not in POSTING or self.city.personality.key_kept_s is None)
        fault = self.city.fault_at(call)
        if fault is None:
            made = await make()
            self._assert_alive()
            return made
        self.city.suffer(fault, f"{self.name} {call} {what}".strip(), _about.get())
        return await self._faulty(fault, call, make)

    async def _faulty(self, fault: Kind, call: str, make: Callable[[], Awaitable[Any]]) -> Any:
        system = call.partition(".")[0]
        if fault == "turned away":
            if call not in AT_THE_ERP:
                raise UnavailableError(system, "it cannot be reached")
            self.city.server.fail += 1
        elif fault == "never arrived":
            raise UnknownError(system, "the connection broke before it was taken")
        elif fault == "made late":
            self.city.server.slow_s = self.city.dice.uniform(*LATE_S)
        elif fault == "killed before":
            self.die()
        elif fault == "stopped before":
            await self._stop()
        made = await make()
        if fault == "answer lost":
            lost = UnavailableError if system == "store" else UnknownError
            raise lost(system, "it was done, and the answer lost")
        if fault == "killed unheard":
            self.die()
        elif fault == "stopped after":
            await self._stop()
        self._dying = fault == "killed after"
        return made

    async def _stop(self) -> None:
        self.until = self.city.now + timedelta(seconds=self.city.dice.uniform(*STOP_S))
        await self._stand_still()
        self._assert_alive()

    async def _stand_still(self) -> None:
        """Stand until the city's time lets it go on."""
        while self.until:
            self._woken.clear()
            await self._woken.wait()


class _Way:
    """A part of the outside as a process reaches it."""

    def __init__(self, process: Process, port: str, outside: Any) -> None:
        self._process, self._port, self._outside = process, port, outside

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._outside, name)
        call = f"{self._port}.{name}"
        if call not in AT:
            assert not callable(found), f"{call} is no known boundary: see tests/simulation/faults.py"
            return found

        async def made(*args: Any, **more: Any) -> Any:
            what = args[0] if self._port == "store" else ""
            return await self._process.call(call, lambda: found(*args, **more), what)

        return made

    def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Any]:
        """List what a store keeps: one call, however many it lists."""
        return self._listed(prefix, after)

    async def _listed(self, prefix: str, after: str) -> AsyncIterator[Any]:
        async def everything() -> list[Any]:
            return [one async for one in self._outside.list(prefix, after=after)]

        for one in await self._process.call("store.list", everything, prefix):
            yield one
