"""What every export is made of: one event a line of the ledger, in the order of chains, entries and lines."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from blocks.ledger import Chain
from blocks.records.ledger import Line

MOMENT = "%Y-%m-%dT%H:%M:%S.%f"
FAILED = frozenset({"late", "refused-click"})
"""Acts that did not count: somebody tried."""


class Event(NamedTuple):
    """One line, where it lies, and the SHA-256 of its entry."""

    chain: str
    seq: int
    number: int
    """Which line of its entry, from 1."""
    line: Line
    digest: str

    @property
    def id(self) -> str:
        """Name it, for good."""
        return f"{self.chain}/{self.seq}/{self.number}"

    @property
    def at(self) -> str:
        """Print its moment, in UTC."""
        return f"{self.line.at:{MOMENT}}"[:-3] + "Z"

    @property
    def actor(self) -> tuple[str, str]:
        """Say what kind of actor it was, and which."""
        kind, _, name = self.line.actor.partition(":")
        return kind, name or kind

    @property
    def system(self) -> str:
        """Say which system or door says so; our own processes speak for themselves."""
        return self.line.source or (self.actor[1] if self.actor[0] == "door" else "almoner")

    @property
    def role(self) -> str:
        """Say in which role somebody decided, where somebody did."""
        decision = self.line.body.get("decision")
        return str(decision.get("role", "")) if isinstance(decision, dict) else ""

    @property
    def effect(self) -> str:
        """Say which change in another system it is about: to order, to issue, to cancel or reverse what was."""
        return str(self.line.body.get("effect", ""))

    @property
    def ended(self) -> str:
        """Say how the case ended, where it did: one that is cancelled ends twice, as ordered and as cancelled."""
        outcome = self.line.body.get("outcome") if self.line.act == "ended" else None
        return str(outcome.get("ended", "")) if isinstance(outcome, dict) else ""


class Part(NamedTuple):
    """A piece of an export: to be written now, or *late*, after everything that is written now."""

    text: str
    late: bool = False


class Writer(Protocol):
    """Prints events as they come, a chain at a time; it keeps nothing of a chain that is done."""

    def begin(self) -> Iterator[Part]:
        """Print what comes before the first chain."""
        ...

    def chain(self, name: str, events: list[Event]) -> Iterator[Part]:
        """Print one chain's events; there is at least one."""
        ...

    def end(self) -> Iterator[Part]:
        """Print what comes after the last."""
        ...


def events_of(chain: Chain, since: datetime | None = None, until: datetime | None = None) -> list[Event]:
    """List a chain's lines from *since* on and before *until*."""
    follow = (*(entry.prev for entry in chain.entries[1:]), chain.head)
    return [
        Event(chain.case, entry.seq, number, line, digest)
        for entry, digest in zip(chain.entries, follow, strict=True)
        for number, line in enumerate(entry.lines, 1)
        if (since is None or line.at >= since) and (until is None or line.at < until)
    ]


def to_json(plain: Any) -> str:
    """Print JSON: sorted, dense, the same every time."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Joined:
    """Puts commas between what is printed one by one."""

    def __init__(self) -> None:
        self._first = True

    def __call__(self, texts: Iterable[str]) -> Iterator[str]:
        """Print each on a line of its own, with a comma before all but the very first."""
        for text in texts:
            yield f"\n{text}" if self._first else f",\n{text}"
            self._first = False
