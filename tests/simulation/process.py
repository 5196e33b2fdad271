"""A process in a city: its own ledger, shelf, clock and log of heads, and all that may go wrong on its ways outside."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from blocks import connect
from blocks.errors import UnavailableError, UnknownError
from blocks.ledger import Ledger
from blocks.rulebook import Shelf
from blocks.sealing.notes import HeadsLog
from tests.crashes.points import Killed
from tests.simulation.faults import AT, LATE_S, READS, STOP_S, Kind

if TYPE_CHECKING:
    from tests.simulation.city import City

POSTING = ("erp.order", "erp.issue")
AT_THE_ERP = (*POSTING, "erp.cancel", "erp.reverse")
"""What the little ERP itself turns away."""
READ_TURNS, WRITE_TURNS = (0, 0, 0, 1), (0, 1, 2, 5)
"""How many turns of the event loop a call is on its way."""
_about: ContextVar[frozenset[str]] = ContextVar("about", default=frozenset())
"""The case that is being seen to."""


class Process:
    """A process: its own ledger, shelf and log of heads, and its way to everything outside."""

    def __init__(self, city: "City", name: str) -> None:
        self.city, self.name = city, name
        self.off = timedelta()
        self.set_clock()
        self.died = False
        self.until: datetime | None = None
        self._woken = asyncio.Event()
        self._dying = False
        self._sending = set[object]()
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
        return (self.until is None or bool(self._sending)) and any(not task.done() for task in self._tasks)

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
        """Call something outside, with what goes wrong on the way.

        A post on its way to where keys expire arrives before time leaps: nothing is being sent for a day.
        """
        in_time, sent = call in POSTING and self.city.personality.key_kept_s is not None, object()

        async def arrives() -> Any:
            try:
                return await make()
            finally:
                self._sending.discard(sent)

        if in_time:
            self._sending.add(sent)
        try:
            return await self._called(call, arrives, what, may_stand=not in_time)
        finally:
            self._sending.discard(sent)

    async def _called(self, call: str, make: Callable[[], Awaitable[Any]], what: str, *, may_stand: bool) -> Any:
        turns = self.city.dice.choice(READ_TURNS if AT[call] is READS else WRITE_TURNS)
        await self._on_the_way(turns, may_stand=may_stand)
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
