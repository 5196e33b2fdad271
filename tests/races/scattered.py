"""A store whose calls arrive, and are acknowledged, when the dice say: every seed is another order of events."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

from blocks.errors import ConflictError, NotFoundError, UnavailableError
from blocks.ports import Blob, Store

QUICK, SLOW = 3, 24
"""Turns of the event loop that a call takes on its way, or its answer: mostly few, now and then many."""
SLOW_SHARE = 0.1
NAP_S = 0.004


@dataclass
class Trace:
    """What happened in which order, as the stores of all doors saw it."""

    events: list[str] = field(default_factory=list)
    conflicts: int = 0
    lost: int = 0


@dataclass
class Scattered:
    """One door's way to the store. *lossy*: the share of writes whose acknowledgement never comes back.

    *naps*: real time passes instead of turns of the loop, for a store that lives in another process.
    """

    store: Store
    lane: str
    dice: Random
    trace: Trace
    lossy: float = 0.0
    naps: bool = False

    async def create(self, key: str, data: bytes) -> None:
        await self._way()
        try:
            await self.store.create(key, data)
        except ConflictError:
            self.trace.conflicts += 1
            self._saw("lost", key)
            raise
        self._saw("wrote", key)
        if self.dice.random() < self.lossy:
            self.trace.lost += 1
            raise UnavailableError("store", "its acknowledgement was lost")
        await self._way()

    async def get(self, key: str) -> bytes:
        await self._way()
        try:
            data = await self.store.get(key)
        except NotFoundError:
            self._saw("missed", key)
            await self._way()
            raise
        self._saw("read", key)
        await self._way()
        return data

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Blob]:
        await self._way()
        async for blob in self.store.list(prefix, after=after):
            yield blob

    async def _way(self) -> None:
        turns = self.dice.randrange(SLOW if self.dice.random() < SLOW_SHARE else QUICK)
        if self.naps:
            await asyncio.sleep(turns / SLOW * NAP_S)
            return
        for _ in range(turns):
            await asyncio.sleep(0)

    def _saw(self, what: str, key: str) -> None:
        if key.startswith("cases/RQ-"):
            self.trace.events.append(f"{self.lane} {what} {key.rpartition('/')[2]}")
