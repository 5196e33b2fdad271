"""A town: what outlives every process (store, ERP, desk, time), and processes that carry one case in it."""

from collections import Counter
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import httpx

from blocks.errors import UnavailableError
from blocks.ledger import Ledger
from blocks.ports import Personality
from blocks.records.outcome import Outcome
from blocks.rulebook import adopt
from blocks.wire.report import in_doubt
from infrastructure.local.hospital.__main__ import directory, policy
from tasks.decide import waits_for
from tasks.effects import InDoubtError
from tasks.parked import SHOWS_WITHIN
from tasks.results import is_finished, keep_result, result_of
from tasks.upkeep.lookout import PATIENCE_S, TOLD_S, Lookout
from tests.crashes.points import Death, Killed, Process, until_it_ends
from tests.fakes.desk import FakeDesk
from tests.fakes.erp import FakeErp
from tests.fakes.erp_client import HttpErp
from tests.fakes.erp_server import ErpServer
from tests.hospital import MORNING, Hospital, with_gaps
from tests.invariants import Violation, check_invariants
from tests.judging import judged_by, name_a_patient, under_a_head
from tests.settling import settled
from tests.stores import MemoryStore

ROUNDS_MAX = 40
"""How often a case is woken before it counts as stuck."""
BELL_S = 20


class Story(NamedTuple):
    """What is asked for, who answers, and how it ends."""

    name: str
    item: str
    quantity: int
    approvers: tuple[str, ...]
    ends: str
    by: str = "rita.okafor"
    centre: str = "OR"
    unwanted: bool = False
    """Whether it is cancelled once it was ordered."""
    wrong: bool = False
    """Whether it is billed wrongly, and the bill's journal entry reversed."""


STORIES = (
    Story("an order with one approval", "KNEE-TIB-4", 1, ("ivo.petrov",), "ordered"),
    Story("an issue from stock", "GLOVE-M", 20, (), "filled"),
    Story("an order that the ERP refuses", "SUTURE-30", 2, (), "refused"),
)
UNWANTED = Story("an order that is taken back", "KNEE-TIB-4", 1, ("ivo.petrov",), "cancelled", unwanted=True)
WRONG = Story("an order whose bill is reversed", "KNEE-TIB-4", 1, ("ivo.petrov",), "ordered", wrong=True)
LONGER = Story("an order with two approvals", "VENT-T1", 1, ("ana.silva", "frida.ng"), "ordered", "sam.lind", "ICU")


class Town:
    """The outside of one story."""

    def __init__(self, story: Story, personality: Personality) -> None:
        self.story, self.personality = story, personality
        self.store, self.witness, self.desk = MemoryStore(), MemoryStore(), FakeDesk()
        self.now = MORNING
        self.server = ErpServer(personality, clock=self._time)
        self.case = ""
        self.parked = 0
        self.found: list[Violation] = []

    @classmethod
    async def opened(cls, story: Story, personality: Personality) -> "Town":
        """Open a town in which policy and people are in force."""
        town = cls(story, personality)
        store, witness = await _founded()
        town.store.kept.update(store.kept)
        town.witness.kept.update(witness.kept)
        return town

    def _time(self) -> float:
        return self.now.timestamp()

    async def live(self, death: Death | None = None) -> Process:
        """Let one process do what is left to do for the case, until that is done or it dies."""
        process = Process(death)
        try:
            await until_it_ends(self._carry(process))
        except Killed:
            self.now += timedelta(seconds=PATIENCE_S + 1)
        self.found += await self.checked(over=False)
        return process

    async def checked(self, *, over: bool) -> list[Violation]:
        """List what is violated, and whether upkeep would find what is left to do."""
        ledger = Ledger(self.store)
        if over:
            found = await judged_by(ledger, self.server, self.desk, own=self.witness, at=self.now)
        else:
            found = await check_invariants(ledger, self.server, self.desk, over=False)
        chain = await ledger.read(self.case) if self.case else None
        if chain and chain.seq and not (waits_for(chain) or in_doubt(chain) or await is_finished(chain, ledger)):
            lookout = Lookout(clock=lambda: self.now + timedelta(seconds=TOLD_S if chain.last("ended") else 0))
            if self.case not in await lookout.standing_still(ledger):
                found.append(Violation("I2", self.case, "stands still, and nobody would ring for it"))
        return found

    async def _carry(self, process: Process) -> None:
        ledger = Ledger(process.around("store", self.store))
        transport = httpx.ASGITransport(self.server.app)
        erp = HttpErp("http://erp.test", self.personality, transport=transport)
        hospital = Hospital(ledger, process.around("erp", erp), process.around("desk", self.desk), self.now)
        self.store.clock = lambda: hospital.now.timestamp()  # noqa: PLW0108  time moves on
        story = self.story
        self.case = await hospital.submit(story.item, story.quantity, by=story.by, centre=story.centre)
        for _ in range(ROUNDS_MAX):
            try:
                outcome = await self._woken(hospital)
            finally:
                self.now = hospital.now
            if outcome:
                await keep_result(result_of(await ledger.read(self.case), outcome), ledger)
                await erp.aclose()
                return
        raise AssertionError(f"{self.case} does not come to its end")

    async def _woken(self, hospital: Hospital) -> Outcome | None:
        """Wake the case; where it waits for people, let them answer; where it waits for time, let it pass."""
        try:
            outcome = await hospital.wake(self.case)
        except UnavailableError:
            hospital.now += timedelta(seconds=BELL_S)
            return None
        except InDoubtError:
            await self._settled(hospital)
            return None
        if outcome is None:
            asked = len((await hospital.chain(self.case)).having("asked"))
            await hospital.answer(self.case, self.story.approvers[asked - 1])
        elif self.story.unwanted and outcome.ended == "ordered":
            await hospital.cancel(self.case, self.story.by)
            return None
        elif self.story.wrong and not (await hospital.chain(self.case)).having("reversing"):
            await self._reversed(hospital)
            return None
        return outcome

    async def _reversed(self, hospital: Hospital) -> None:
        """Let the bill come, and two people say that its entry is wrong: what was said before a death was said."""
        books = self.server.books
        if not books.bills.posted:
            books.bill(next(one.own for one in self.server.jobs))
        entry = books.bills.posted[0].entry
        if not (await hospital.chain(self.case)).having("reversal-asked"):
            await hospital.reverse(self.case, entry, "paula.reyes")
        await hospital.reverse(self.case, entry, "frida.ng", agree=True)

    async def _settled(self, hospital: Hospital) -> None:
        """Let a person look into the ERP's own books, and say what they saw."""
        self.parked += 1
        hospital.now += SHOWS_WITHIN
        await settled(self.case, ledger=hospital.ledger, erp=hospital.erp, books=self.server, at=hospital.now)


class Lived(NamedTuple):
    """What came of one story: how it ended, what was violated, how often a person had to look, who lived."""

    ended: str
    found: list[Violation]
    parked: int
    processes: tuple[Process, ...]


async def lived(story: Story, personality: Personality, deaths: tuple[Death, ...] = ()) -> Lived:
    """Live a story: one process for each death, then one that lives on."""
    town = await Town.opened(story, personality)
    processes = [await town.live(death) for death in (*deaths, None)]
    chain = await Ledger(town.store).read(town.case)
    ended = chain.last("ended")
    found = town.found + await town.checked(over=True)
    twice = [x for x, n in Counter(card.key for card in town.desk.messages.values()).items() if n > 1]
    found += [Violation("I12", town.case, f"the card {key} stands twice") for key in twice]
    return Lived(ended.body["outcome"]["ended"] if ended else "", found, town.parked, tuple(processes))


@cache
def _kept() -> tuple[MemoryStore, MemoryStore]:
    return MemoryStore(), MemoryStore()


async def _founded() -> tuple[MemoryStore, MemoryStore]:
    """Put policy and people in force, name a patient, and let the witness see the head over that: once."""
    store, witness = _kept()
    if not store.kept:
        hospital = Hospital(Ledger(store), FakeErp())
        for document in (policy(), with_gaps(directory())):
            await adopt(hospital.ledger, document, actor="door:test", at=MORNING)
        await name_a_patient(hospital)
        await under_a_head(hospital.ledger, witness, MORNING)
    return store, witness
