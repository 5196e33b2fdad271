"""One race: a case waits, 2 to 16 people answer at once through doors that share nothing but the store."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from blocks.audit.verdict import verify
from blocks.errors import UnavailableError
from blocks.ledger import Chain, Ledger
from blocks.ports import Store
from blocks.records.approval import Ask, Verdict
from blocks.records.outcome import Outcome
from blocks.sealing.notes import HeadsLog
from tasks.decide import Answer, Verdicts, decide, shown_of
from tasks.requests import Deed, Wish, carry_out
from tests.fakes.desk import FakeDesk
from tests.fakes.erp import FakeErp
from tests.hospital import Hospital
from tests.races.crowd import KINDS, LEFT, LOW_LIMIT, STANDS_IN, STRANGER, Kind, Scene, World, holders, may
from tests.races.scattered import Scattered, Trace

CLICKERS = (2, 2, 2, 2, 3, 3, 4, 5, 8, 16)
DOORS_MAX = 4
LOSSY = 0.15
TRIES_MAX = 40
WITHDRAWN = 0.2


class Clicker(NamedTuple):
    """Somebody who answers, on a device of their own, and whether that answer could count."""

    device: str
    person: str
    verdict: Verdict
    note: str
    stale: bool
    door: int
    at: datetime
    able: bool


class Beside(NamedTuple):
    """Somebody who takes the request back, or hands it over, at the same moment."""

    device: str
    person: str
    deed: Deed
    at: datetime
    whom: str = ""


@dataclass
class Told:
    """What a clicker was told in the end, and how often they had to click."""

    clicker: Clicker
    verdict: Verdicts
    tries: int


@dataclass
class Race:
    """Everything a race is made of, all of it from one seed."""

    store: Store
    dice: Random
    world: World
    naps: bool = False
    audited: bool = True
    trace: Trace = field(default_factory=Trace)

    def __post_init__(self) -> None:
        self.kind: Kind = self.dice.choice(KINDS)
        self.doors = self.dice.randint(1, DOORS_MAX)
        self.lossy = LOSSY if self.dice.random() < 0.2 else 0.0
        self.withdraws = self.dice.random() < WITHDRAWN
        self.wakes = not self.withdraws and self.dice.random() < 0.5
        self.heads: list[HeadsLog] = []

    def ledger(self, lane: str, lossy: float = 0.0) -> Ledger:
        """Open the ledger as a door does: its own way to the store, its own log of heads."""
        heads = HeadsLog(self.store, writer=lane)
        self.heads.append(heads)
        way = Scattered(self.store, lane, Random(self.dice.random()), self.trace, lossy, self.naps)  # noqa: S311
        return Ledger(way, observers=[heads])

    async def run(self) -> "Finish":
        """Let a case wait for an answer, and everybody answer at once."""
        case, earlier, hospital = await self._waiting()
        (*_, ask) = await hospital.asks(case)
        clickers = self._clickers(ask, earlier, hospital.now)
        doors = [self.ledger(f"door-{n}", self.lossy) for n in range(self.doors)]
        shown = shown_of(ask)
        answers = [self._answer(clicker, ask, shown, doors[clicker.door]) for clicker in clickers]
        hospital.ledger = self.ledger("process")
        waking = asyncio.create_task(hospital.wake(case)) if self.wakes else None
        beside = [asyncio.create_task(self._do(one, ask)) for one in self._beside(ask, hospital.now)]
        told = await asyncio.gather(*answers)
        done = await asyncio.gather(*beside)
        if waking:
            await waking
        hospital.ledger = Ledger(self.store)
        outcome = await hospital.wake(case)
        for heads in self.heads:
            await heads.flush(hospital.now)
        findings = (await verify(Ledger(self.store))).findings if self.audited else ()
        return Finish(await hospital.chain(case), hospital.erp, ask, told, done, outcome, [*map(str, findings)])

    async def _waiting(self) -> tuple[str, list[tuple[str, str]], Hospital]:
        """Bring a case to the question that is raced for; what came before is the same for the same people."""
        earlier: list[tuple[str, str]] = []
        for role in self.kind.before:
            able = [x for x in (*holders(role), STANDS_IN) if may(x, role, self.kind.by, earlier)]
            earlier.append((self.dice.choice(able), role))
        scene = (self.kind, *earlier)
        if scene not in self.world.scenes:
            self.world.scenes[scene] = await self._played(earlier)
        case, now, messages, objects = self.world.scenes[scene]
        for key, data in objects.items():
            await self.store.create(key, data)
        return case, earlier, Hospital(Ledger(self.store), FakeErp(), FakeDesk(dict(messages)), now)

    async def _played(self, earlier: list[tuple[str, str]]) -> Scene:
        hospital = Hospital(Ledger(self.store), FakeErp())
        for key, data in self.world.objects.items():
            await self.store.create(key, data)
        case = await hospital.submit(self.kind.item, by=self.kind.by, centre=self.kind.centre)
        await hospital.wake(case)
        for first, _ in earlier:
            assert (await hospital.answer(case, first)).taken == "counted"
            await hospital.wake(case)
        objects = {blob.key: await self.store.get(blob.key) async for blob in self.store.list("")}
        return Scene(case, hospital.now, hospital.desk.messages, objects)

    def _clickers(self, ask: Ask, earlier: list[tuple[str, str]], now: datetime) -> list[Clicker]:
        """Draw who answers: at least one whose answer can count, and one person may do so on several devices."""
        assert ask.role == self.kind.role, f"{ask.role} is asked, not {self.kind.role}"
        people = [*holders(ask.role) * 2, STANDS_IN, LOW_LIMIT, LEFT, STRANGER, ask.requester, *(x for x, _ in earlier)]
        while True:
            found = []
            for n in range(self.dice.choice(CLICKERS)):
                person, verdict = self.dice.choice(people), self.dice.choice(["approve", "reject"])
                note = "" if self.dice.random() < 0.1 else "too dear"
                stale, at = self.dice.random() < 0.1, now + timedelta(seconds=self.dice.randrange(9000))
                able = (
                    may(person, ask.role, ask.requester, earlier) and not stale and bool(note or verdict == "approve")
                )
                door = self.dice.randrange(self.doors)
                found.append(Clicker(f"device-{n}", person, verdict, note, stale, door, at, able))
            if any(clicker.able for clicker in found):
                return found

    def _beside(self, ask: Ask, now: datetime) -> list[Beside]:
        """Draw who does something else: takes it back who asked, hands it over who holds the role."""
        found = []
        for n in range(self.dice.choice((0, 0, 1, 2))):
            giver, taker = self.dice.sample(holders(ask.role), 2)
            found.append(Beside(f"beside-{n}", giver, "hand-over", now + timedelta(seconds=n), taker))
        if self.withdraws:
            found.append(Beside("beside-w", ask.requester, "withdraw", now + timedelta(seconds=77)))
        return found

    async def _do(self, one: Beside, ask: Ask) -> tuple[Beside, Verdicts]:
        wish, rulebook = Wish(ask.case, ask.key, one.deed, shown_of(ask), one.whom), self.world.rulebook
        by, ledger = rulebook.directory.person(one.person), self.ledger(one.device)
        return one, await carry_out(wish, by, one.device, ledger=ledger, rulebook=rulebook, at=one.at)

    async def _answer(self, clicker: Clicker, ask: Ask, shown: str, ledger: Ledger) -> Told:
        """Click, and click again while the door says that it could not take it."""
        answer = Answer(ask.case, ask.key, clicker.verdict, "0" * 64 if clicker.stale else shown, clicker.note)
        rulebook = self.world.rulebook
        by = rulebook.directory.person(clicker.person)
        for tries in range(1, TRIES_MAX):
            try:
                given = await decide(answer, by, clicker.device, ledger=ledger, rulebook=rulebook, at=clicker.at)
            except UnavailableError:
                continue
            return Told(clicker, given, tries)
        raise AssertionError(clicker)


@dataclass
class Finish:
    """What is there when everybody has been told and the process has gone on."""

    chain: Chain
    erp: FakeErp
    ask: Ask
    told: list[Told]
    beside: list[tuple[Beside, Verdicts]]
    outcome: Outcome | None
    findings: list[str]
