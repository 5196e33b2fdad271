"""Stores on which a write fails when a test says so."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from blocks.store import FolderStore

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

    async def create(self, key: str, data: bytes) -> None:
        if self.first and key.startswith("cases/RQ-"):
            first, self.first = self.first, None
            await first()
        await super().create(key, data)
