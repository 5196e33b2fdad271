"""Writing in a book that many cases share: one at a time in this process, by conditional write between processes.

Those who wait while an entry is being written share the next one: a line each, judged one after the other.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Generic, Protocol, Self, TypeVar, cast

from blocks.errors import ConflictError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Entry, Line

RACES_MAX = 200
PAUSE_S = 0.03
"""A book in which many write at once is looked into, and written, so often and no more: they share it."""


class Folded(Protocol):
    """What a book says, folded entry by entry."""

    seq: int

    def take(self, entry: Entry) -> None:
        """Fold one more entry in."""

    def copy(self) -> Self:
        """Copy the state, to try on it what may not come to be."""
        ...


State = TypeVar("State", bound=Folded)
Enter = Callable[[State], Line | None]


@dataclass(eq=False)
class _Waiting(Generic[State]):
    """Somebody who wants a line entered, and what became of it."""

    entry: Enter[State]
    done: asyncio.Future[None]


@dataclass
class Book(Generic[State]):
    """A book as this process last saw it. Stale is safe: an append that does not follow the last entry loses."""

    ledger: Ledger
    chain: Chain
    state: State
    marks: list[Line] = field(default_factory=list)
    """Lines that may wait for the next entry, or be lost in a crash without harm."""
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: list[_Waiting[State]] = field(default_factory=list)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next_look: asyncio.Task[None] | None = None
    _looked: float = -inf
    _wrote: float = -inf

    async def read(self) -> State:
        """Fold in what came since the last look. Looks asked for while one is under way share the next."""
        if self._next_look is None:
            self._next_look = asyncio.create_task(self._look(), name=f"look into {self.chain.case}")
        await asyncio.shield(self._next_look)
        return self.state

    async def enter(self, entry: Enter[State]) -> State:
        """Append what *entry* makes of the book as it stands; None: nothing to enter.

        *entry* is asked again whenever somebody else was first. It may raise `RefusedError`, which counts
        only when the book was current.
        """
        mine = _Waiting(entry, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        try:
            async with self._writing:
                if not mine.done.done():
                    await _pause(self._wrote)
                    await self._write_for_all()
                    self._wrote = monotonic()
            await mine.done
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
        return self.state

    async def _look(self) -> None:
        async with self._looking:
            await _pause(self._looked)
            self._next_look = None  # whoever asks from here on may need to see what this look does not
            self._fold(await self.ledger.read(self.chain.case, known=self.chain))
            self._looked = monotonic()

    async def _write_for_all(self) -> None:
        """Enter a line for everybody who waits, in one entry, however often others are first."""
        for _ in range(RACES_MAX):
            served, lines, refused = self._judged(list(self._waiting))
            if not lines and refused and not await self._was_current():
                continue
            marks = list(self.marks) if lines else []
            try:
                if lines:
                    self._fold(await self.ledger.append(self.chain, [*marks, *lines]))
            except ConflictError:
                await self.read()
                continue
            del self.marks[: len(marks)]
            self._tell(served, refused)
            return
        message = f"{self.chain.case}: {RACES_MAX} lost races in a row"
        raise ConflictError(message)

    def _judged(
        self, waiting: list[_Waiting[State]]
    ) -> tuple[list[_Waiting[State]], list[Line], dict[_Waiting[State], Exception]]:
        """Ask everybody for their line, each on the book as it would stand after those before."""
        draft, served, lines = self.state.copy(), [], []
        refused: dict[_Waiting[State], Exception] = {}
        for one in waiting:
            try:
                line = one.entry(draft)
            except Exception as refusal:  # noqa: BLE001  or a mistake: it is its own, the others are entered
                refused[one] = refusal
                continue
            served.append(one)
            if line is not None:
                lines.append(line)
                draft.take(Entry.model_construct(case=self.chain.case, seq=draft.seq + 1, prev="", lines=(line,)))
        return served, lines, refused

    def _tell(self, served: list[_Waiting[State]], refused: dict[_Waiting[State], Exception]) -> None:
        """Tell everybody; who was refused beside somebody who was served was judged on the book as it stood."""
        for one in served:
            if not one.done.done():
                one.done.set_result(None)
        for one, refusal in refused.items():
            if not one.done.done():
                one.done.set_exception(refusal)
        told = {*served, *refused}
        self._waiting = [one for one in self._waiting if one not in told]

    async def _was_current(self) -> bool:
        seen = self.state.seq
        return (await self.read()).seq == seen

    def _fold(self, chain: Chain) -> None:
        """Take in what is new; a look that comes back later than an entry written meanwhile has nothing new."""
        for entry in chain.entries[self.state.seq :]:
            self.state.take(entry)
        if chain.seq >= self.chain.seq:
            self.chain = chain


async def _pause(last: float) -> None:
    """Wait a moment where the last time was just now; nobody waits for a book that lies idle."""
    await asyncio.sleep(max(0.0, last + PAUSE_S - monotonic()))


def book(ledger: Ledger, name: str, kind: type[State]) -> Book[State]:
    """Open a book; one object a ledger and name, so that this process queues instead of racing itself."""
    return cast("Book[State]", ledger.made.setdefault(name, Book(ledger, Chain(name), kind())))
