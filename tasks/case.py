"""The case in hand: its chain, what it remembers, what it has yet to write. Knows no Prefect."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo

from blocks.errors import ConflictError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line

CONFLICTS_MAX = 20


class OvertakenError(Exception):
    """Another run of the same case is writing its chain: this one stops and leaves it the way."""


class Waiting(BaseException):
    """The case waits for people; whoever carries it lets it sleep."""

    def __init__(self, case: str, on: str) -> None:
        super().__init__(f"{case} waits for {on}")
        self.on = on


def utc_now() -> datetime:
    """Tell the time, to the millisecond, so that it prints the same everywhere."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass
class Claim:
    """That this run may make one call under a key: which claim of the case it is, since when, and whether it did."""

    epoch: int
    at: datetime
    since: float
    spent: bool = False


@dataclass
class Case:
    """One case being carried by one run.

    Reads are written behind: `note` buffers a line, `write` appends everything buffered with what must
    be durable now. A crash in between repeats reads, never effects.
    """

    ledger: Ledger
    chain: Chain
    actor: str
    run: str | None = None
    zone: str = "UTC"
    clock: Callable[[], datetime] = utc_now
    holder: str = field(default_factory=lambda: token_hex(4))
    """Tells this run's claims from those of another that writes the same at the same moment."""
    claims: dict[str, Claim] = field(default_factory=dict)
    _unwritten: list[Line] = field(default_factory=list)
    _index: dict[tuple[str, str], Line] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index what the chain remembers."""
        self._found = self.chain.seq
        self.began_with = frozenset(line.act for line in self.chain.lines)
        for line in self.chain.lines:
            self._index[line.act, line.key] = line

    @property
    def id(self) -> str:
        """The case's name."""
        return self.chain.case

    def recall(self, act: str, key: str = "") -> Line | None:
        """Find the latest line of an act about a key, written or not yet."""
        return self._index.get((act, key))

    def latest(self, key: str, acts: Collection[str]) -> Line | None:
        """Find the latest line about a key that is any of these acts, written or not yet."""
        lines = reversed((*self.chain.lines, *self._unwritten))
        return next((line for line in lines if line.key == key and line.act in acts), None)

    def all(self, key: str, acts: Collection[str]) -> list[Line]:
        """List the lines about a key that are any of these acts, written or not yet."""
        return [line for line in (*self.chain.lines, *self._unwritten) if line.key == key and line.act in acts]

    def note(self, act: str, key: str = "", *, body: dict[str, Any] | None = None, **marks: str | None) -> None:
        """Remember a line, to be written with the next durable one."""
        self.keep(Line(act=act, key=key, actor=self.actor, at=self.clock(), body=body or {}, **marks))

    def keep(self, line: Line) -> None:
        """Remember a line as it is, to be written with the next durable one."""
        self._unwritten.append(line)
        self._index[line.act, line.key] = line

    @property
    def is_as_found(self) -> bool:
        """Say whether nothing was remembered since the case was taken in hand."""
        return self.chain.seq == self._found and not self._unwritten

    async def write(self) -> None:
        """Append what was noted; raise `OvertakenError` if another run has written meanwhile."""
        for _ in range(CONFLICTS_MAX):
            if not self._unwritten:
                return
            try:
                self.chain = await self.ledger.append(self.chain, self._unwritten)
            except ConflictError:
                await self._catch_up()
            else:
                self._unwritten = []
                return
        message = f"{self.id}: lost {CONFLICTS_MAX} writes in a row"
        raise OvertakenError(message)

    async def _catch_up(self) -> None:
        known = self.chain.seq
        self.chain = await self.ledger.read(self.id, known=self.chain)
        for entry in self.chain.entries[known:]:
            for line in entry.lines:
                if line.actor == self.actor:
                    message = f"{self.id}: another run has written entry {entry.seq}"
                    raise OvertakenError(message)
                self._index[line.act, line.key] = line


_current: ContextVar[Case] = ContextVar("case")


def current() -> Case:
    """Return the case in hand; `LookupError` outside of one."""
    return _current.get()


@contextmanager
def in_hand(case: Case) -> Iterator[Case]:
    """Take a case in hand."""
    token = _current.set(case)
    try:
        yield case
    finally:
        _current.reset(token)


def today() -> date:
    """Tell the day, by the clock of the case in hand, in the hospital's zone once its rules are known."""
    case = current()
    return case.clock().astimezone(ZoneInfo(case.zone)).date()
