"""The boundaries of a process: each thing it changes outside, before, done but not acknowledged, and after."""

import asyncio
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from blocks.ports import Desk, Erp, Store

When = Literal["before", "unacknowledged", "after"]
WHENS: tuple[When, ...] = ("before", "unacknowledged", "after")

PORTS = MappingProxyType({"store": Store, "erp": Erp, "desk": Desk})
CHANGES = MappingProxyType({
    "store": frozenset({"create", "swap"}),
    "erp": frozenset({"order", "issue", "cancel", "reverse"}),
    "desk": frozenset({"post", "redraw", "say", "tell"}),
})  # fmt: skip
"""What changes something outside, by port: each is a place to die at."""
READS = MappingProxyType({
    "store": frozenset({"get", "look", "list", "age_s", "written_at"}),
    "erp": frozenset({"personality", "sourcing", "find_order", "find_issue", "trace", "aclose"}),
    "desk": frozenset({"key_of"}),
})  # fmt: skip
EFFECTS = MappingProxyType({
    "order": "erp.order", "issue": "erp.issue", "cancel": "erp.cancel", "reverse": "erp.reverse",
})  # fmt: skip
"""Every effect of a process, and the change it makes."""


class Killed(BaseException):  # no error: the process is gone, and nothing in it hears of it
    """The process is gone."""


class Death(NamedTuple):
    """When a process dies: at its n-th change, counted from 1."""

    at: int
    when: When


class Process:
    """One process: what it has changed so far, and whether it lives."""

    def __init__(self, death: Death | None = None) -> None:
        self.death = death
        self.changes: list[str] = []
        self.died = False
        self._dying = False

    def around(self, port: str, outside: Any) -> Any:
        """Let the process reach a part of the outside: through this, as long as it lives."""
        return _Reached(self, port, outside)

    def assert_alive(self) -> None:
        """Die where that is due; the dead do nothing."""
        if self.died or self._dying:
            self.die()

    def die(self) -> None:
        """Be gone."""
        self.died = True
        raise Killed

    async def change(self, name: str, make: Callable[[], Awaitable[Any]]) -> Any:
        """Make a change, and die at it where that is due."""
        self.assert_alive()
        self.changes.append(name)
        due = self.death.when if self.death and self.death.at == len(self.changes) else None
        if due == "before":
            self.die()
        made = await make()
        if due == "unacknowledged":
            self.die()
        self._dying = due == "after"  # it hears the answer, and dies before it does anything else outside
        return made


class _Reached:
    """A part of the outside as a process reaches it."""

    def __init__(self, process: Process, port: str, outside: Any) -> None:
        self._process, self._port, self._outside = process, port, outside

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._outside, name)
        if name in READS[self._port]:
            self._process.assert_alive()
            return found
        if name not in CHANGES[self._port]:
            raise AttributeError(f"{self._port}.{name} is no known crash point: see tests/crashes/points.py")

        async def change(*args: Any, **more: Any) -> Any:
            what = f" {args[0]}" if self._port == "store" else ""
            return await self._process.change(f"{self._port}.{name}{what}", lambda: found(*args, **more))

        return change


async def until_it_ends(life: Awaitable[Any]) -> Any:
    """Live a life, and see to it that nothing of it goes on when it has ended."""
    before = asyncio.all_tasks()
    try:
        return await life
    finally:
        left = asyncio.all_tasks() - before
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
