"""Stores for tests: on which a write fails when a test says so; and one in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from time import time
from typing import Literal

from blocks.errors import ConflictError, NotFoundError
from blocks.ports import Blob, Held
from blocks.records.ledger import Entry
from blocks.store import FolderStore, _assert_key
from blocks.wire.canonical import digest
from tasks.case import utc_now

When = Literal["before", "after"]


class CrashError(Exception):
    """The process is gone: nobody handles this."""


class CrashingStore(FolderStore):
    """A folder whose n-th write from now on is the process's last, just before or just after it is stored."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.writes = 0
        self._at: int | None = None
        self._when: When = "before"

    def crash_at(self, write: int, when: When) -> None:
        self.writes, self._at, self._when = 0, write, when

    async def create(self, key: str, data: bytes) -> None:
        self.writes += 1
        last = self.writes == self._at
        if last and self._when == "before":
            raise CrashError(key)
        await super().create(key, data)
        if last:
            raise CrashError(key)

    async def swap(self, key: str, data: bytes, *, was: str) -> str:
        self.writes += 1
        last = self.writes == self._at
        if last and self._when == "before":
            raise CrashError(key)
        version = await super().swap(key, data, was=was)
        if last:
            raise CrashError(key)
        return version


class Overtaken(FolderStore):
    """A folder in which, once, somebody else writes just before what was judged is written."""

    first: Callable[[], Awaitable[object]] | None = None
    at = "cases/RQ-"

    async def create(self, key: str, data: bytes) -> None:
        if self.first and key.startswith(self.at):
            first, self.first = self.first, None
            await first()
        await super().create(key, data)


class TimedFolder(FolderStore):
    """A folder with the clock of a story; what another process wrote was written when it says so."""

    clock: Callable[[], datetime] = staticmethod(utc_now)

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.written: dict[str, datetime] = {}

    async def create(self, key: str, data: bytes) -> None:
        await super().create(key, data)
        self.written.setdefault(key, self.clock())

    async def age_s(self, key: str) -> float:
        written = self.written.get(key) or Entry.model_validate_json(await self.get(key)).lines[-1].at
        return (self.clock() - written).total_seconds()


_version = lru_cache(10_000)(digest)


class MemoryStore:
    """A store in memory: what is kept is gone with the test."""

    turns = 1
    """How many turns of the event loop a call takes."""

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self.kept: dict[str, bytes] = {}
        self.written: dict[str, float] = {}
        self.clock = clock

    async def _turn(self) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)

    async def create(self, key: str, data: bytes) -> None:
        _assert_key(key)
        await self._turn()
        if self.kept.setdefault(key, data) != data:
            raise ConflictError(key)
        self.written.setdefault(key, self.clock())

    async def age_s(self, key: str) -> float:
        await self._turn()
        if key not in self.kept:
            raise NotFoundError(key)
        return self.clock() - self.written.get(key, 0.0)

    async def get(self, key: str) -> bytes:
        await self._turn()
        if key not in self.kept:
            raise NotFoundError(key)
        return self.kept[key]

    async def look(self, key: str) -> Held:
        data = await self.get(key)
        return Held(data, digest(data))

    async def swap(self, key: str, data: bytes, *, was: str) -> str:
        await self._turn()
        there = self.kept.get(key)
        if there is None or (was != digest(there) and data != there):
            raise ConflictError(key)
        self.kept[key], self.written[key] = data, self.clock()
        return digest(data)

    async def written_at(self, key: str) -> datetime:
        await self.get(key)
        return datetime.fromtimestamp(self.written[key], UTC)

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Blob]:
        await self._turn()
        for key in sorted(x for x in self.kept if x.startswith(prefix) and x > after):
            yield Blob(key, len(self.kept[key]), _version(self.kept[key]))
