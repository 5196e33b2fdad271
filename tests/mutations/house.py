"""A hospital behind the doors as they are served, with cases that wait, and an eye on everything written."""

import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import NamedTuple, get_args

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from blocks.ledger import Ledger
from blocks.ports import Blob
from blocks.records.approval import Ask, Posted
from blocks.records.ledger import Line
from blocks.records.people import Grant, Person, Role
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from infrastructure.doors.__main__ import app
from tests.hospital import MORNING, Hospital
from tests.infrastructure.doors.conftest import EVENT_SECRET, SLACK_SECRET, SlackLike
from tests.mutations.sent import Sent

SETTINGS = {"SLACK_SIGNING_SECRET": SLACK_SECRET, "ALMONER_EVENT_SECRET": EVENT_SECRET}
WANTED = (
    ("KNEE-TIB-4", 1, "rita.okafor", "OR", ""),
    ("HIP-STEM-12", 1, "rita.okafor", "OR", "ivo.petrov"),
    ("HEPARIN-5K", 20, "sam.lind", "ICU", ""),
    ("SVC-CALIB", 10, "omar.haddad", "PHA", ""),
)
"""What waits: item, how many, who asks, who pays, and who has answered before."""


@dataclass
class Watched:
    """A store that remembers which keys were written since it was last asked."""

    store: FolderStore
    keys: list[str] = field(default_factory=list)

    async def create(self, key: str, data: bytes) -> None:
        self.keys.append(key)
        await self.store.create(key, data)

    async def get(self, key: str) -> bytes:
        return await self.store.get(key)

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Blob]:
        async for blob in self.store.list(prefix, after=after):
            yield blob


class Waiting(NamedTuple):
    """A question that waits: what its card shows and where it stands, and who answered before."""

    ask: Ask
    value: str
    posted: Posted
    before: frozenset[str]


class Answered(NamedTuple):
    """What a door answered, and everything that came of it."""

    status: int
    lines: list[tuple[str, Line]]
    keys: list[str]
    desk: int
    failures: list[str]


@dataclass
class House:
    """The doors of one hospital. `open` are the questions that nobody has answered."""

    hospital: Hospital
    desk: SlackLike
    watched: Watched
    client: httpx.AsyncClient
    spent: list[tuple[float, float]]
    """For each request, the seconds of the processor and of the clock."""
    open: dict[str, Waiting] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    entries: list[tuple[str, int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @classmethod
    async def built(cls, root: Path) -> "House":
        """Build a hospital that serves its doors."""
        hospital, desk = await Hospital.opened(root), SlackLike()
        await _let_in_somebody_without_slack(hospital.ledger)
        watched = Watched(FolderStore(root))
        hospital.ledger, hospital.desk = Ledger(watched), desk
        spent: list[tuple[float, float]] = []
        transport = httpx.ASGITransport(_timed(app(), spent))
        house = cls(
            hospital, desk, watched, httpx.AsyncClient(transport=transport, base_url="http://doors.test"), spent
        )
        hospital.ledger.observers.append(lambda case, seq, _: house.entries.append((case, seq)))
        return house

    @contextmanager
    def doors(self) -> Iterator[None]:
        """Open the doors: their secrets are set, and what they log of failures is heard."""
        before, hears = dict(os.environ), _Hears(self.failures)
        os.environ.update(SETTINGS)
        os.environ.pop("ALMONER_BELL_URL", None)
        log = logging.getLogger("almoner.doors")
        log.addHandler(hears)
        try:
            with self.hospital.bound():
                yield
        finally:
            log.removeHandler(hears)
            os.environ.clear()
            os.environ.update(before)

    async def waiting(self, dice: Random) -> Waiting:
        """Find a question that is open; bring up another while there are few."""
        if len(self.open) < 3 or dice.random() < 0.05:
            await self._bring_up(dice)
        return self.open[dice.choice(sorted(self.open))]

    async def _bring_up(self, dice: Random) -> None:
        item, quantity, by, centre, first = dice.choice(WANTED)
        case = await self.hospital.submit(item, quantity, by=by, centre=centre, source="house")
        await self.hospital.wake(case)
        if first:
            assert (await self.hospital.answer(case, first)).taken == "counted"
            await self.hospital.wake(case)
        chain = await self.hospital.chain(case)
        asked = chain.last("asked")
        posted = Posted.model_validate(chain.last("posted", asked.key).body)
        ask = Ask.model_validate(asked.body["ask"])
        self.open[case] = Waiting(ask, f"{case}/{ask.key}/{asked.seen}", posted, frozenset({first} - {""}))

    async def send(self, sent: Sent) -> Answered:
        """Send a request through the doors as they are served, and see what comes of it."""
        self.watched.keys.clear()
        self.entries.clear()
        self.failures.clear()
        before = self._on_the_desk()
        headers = [*sent.headers.items()]
        answer = await self.client.post(sent.path, content=sent.packed(), headers=headers)
        lines = []
        for case, seq in self.entries:
            entry = (await self.hospital.chain(case)).entries[seq - 1]
            lines += [(case, line) for line in entry.lines]
        failures = list(self.failures)
        return Answered(answer.status_code, lines, list(self.watched.keys), self._on_the_desk() - before, failures)

    def _on_the_desk(self) -> int:
        said = sum(len(texts) for texts in self.desk.threads.values())
        return len(self.desk.messages) + len(self.desk.modals) + len(self.desk.whispers) + len(self.desk.homes) + said

    def note(self, lines: list[tuple[str, Line]]) -> None:
        """Take note of what is over, and of what is on hold."""
        for case, line in lines:
            if line.act in ("decided", "withdrawn"):
                self.open.pop(case, None)
            if line.act == "held-ask":
                self.held.add(case)
            if line.act == "resumed":
                self.held.discard(case)


def _timed(served: ASGIApp, spent: list[tuple[float, float]]) -> ASGIApp:
    """Time the doors alone, not who sends to them."""

    async def timed(scope: Scope, receive: Receive, send: Send) -> None:
        begun, cpu = perf_counter(), process_time()
        try:
            await served(scope, receive, send)
        finally:
            spent.append((process_time() - cpu, perf_counter() - begun))

    return timed


class _Hears(logging.Handler):
    """Hears of what failed, and of nothing that a sender is told to do again."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._failures = failures

    def emit(self, record: logging.LogRecord) -> None:
        self._failures.append(record.getMessage())


async def _let_in_somebody_without_slack(ledger: Ledger) -> None:
    """Employ somebody who holds every role and has no Slack: nothing that comes from Slack is theirs."""
    staff = (await Shelf(ledger).in_force(MORNING)).directory
    silent = Person(id="no.slack", name="No Slack", grants=tuple(Grant(role=role) for role in get_args(Role)))
    await adopt(ledger, staff.model_copy(update={"people": (silent, *staff.people)}), actor="door:test", at=MORNING)


@cache
def directory_json() -> dict[str, dict[str, object]]:
    """Read the people as the file has them, by id."""
    file = Path(__file__).parents[2] / "infrastructure/local/hospital/directory.json"
    return {person["id"]: person for person in json.loads(file.read_text())["people"]}
