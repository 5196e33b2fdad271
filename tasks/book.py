"""Writing in a book that many cases share: one at a time in this process, by conditional write between processes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

from blocks.errors import ConflictError, RefusedError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Entry, Line

RACES_MAX = 200


class Folded(Protocol):
    """What a book says, folded entry by entry."""

    seq: int

    def take(self, entry: Entry) -> None:
        """Fold one more entry in."""


State = TypeVar("State", bound=Folded)


@dataclass
class Book(Generic[State]):
    """A book as this process last saw it. Stale is safe: an append that does not follow the last entry loses."""

    ledger: Ledger
    chain: Chain
    state: State
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    marks: list[Line] = field(default_factory=list)
    """Lines that may wait for the next entry, or be lost in a crash without harm."""
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next_look: asyncio.Task[None] | None = None

    async def read(self) -> State:
        """Fold in what came since the last look. Looks asked for while one is under way share the next."""
        if self._next_look is None:
            self._next_look = asyncio.create_task(self._look(), name=f"look into {self.chain.case}")
        await asyncio.shield(self._next_look)
        return self.state

    async def _look(self) -> None:
        async with self._looking:
            self._next_look = None
            self._fold(await self.ledger.read(self.chain.case, known=self.chain))

    async def enter(self, entry: Callable[[State], Line | None]) -> State:
        """Append what *entry* makes of the book as it stands; None: nothing to enter.

        *entry* is asked again whenever somebody else was first. It may raise `RefusedError`, which counts
        only when the book was current.
        """
        async with self.lock:
            for _ in range(RACES_MAX):
                try:
                    line = entry(self.state)
                except RefusedError:
                    if await self._was_current():
                        raise
                    continue
                if line is None:
                    return self.state
                marks = list(self.marks)
                try:
                    self._fold(await self.ledger.append(self.chain, [*marks, line]))
                except ConflictError:
                    await self.read()
                else:
                    del self.marks[: len(marks)]
                    return self.state
        message = f"{self.chain.case}: {RACES_MAX} lost races in a row"
        raise ConflictError(message)

    async def _was_current(self) -> bool:
        seen = self.state.seq
        return (await self.read()).seq == seen

    def _fold(self, chain: Chain) -> None:
        """Take in what is new; a look that comes back later than an entry written meanwhile has nothing new."""
        for entry in chain.entries[self.state.seq :]:
            self.state.take(entry)
        if chain.seq >= self.chain.seq:
            self.chain = chain


_open: WeakKeyDictionary[Ledger, dict[str, Book[Any]]] = WeakKeyDictionary()


def book(ledger: Ledger, name: str, kind: type[State]) -> Book[State]:
    """Open a book; one object a ledger and name, so that this process queues instead of racing itself."""
    books = _open.setdefault(ledger, {})
    if name not in books:
        books[name] = Book(ledger, Chain(name), kind())
    return cast("Book[State]", books[name])
