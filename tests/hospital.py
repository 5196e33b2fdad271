"""A hospital for stories: the real processes over a ledger in a folder, with fakes that remember for the outside."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flows.requisition  # noqa: F401  registers the process
from blocks import connect
from blocks.audit.verdict import verify
from blocks.ledger import Chain, Ledger
from blocks.records.approval import Ask
from blocks.records.money import Money
from blocks.records.outcome import Outcome
from blocks.records.people import Directory, Grant, Person
from blocks.records.policy import Policy
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from blocks.vault import Vault
from infrastructure.local.hospital.__main__ import directory, policy
from tasks.arrivals import Message, Receipt, receive
from tasks.cancelling import Unwanted, cancel
from tasks.case import Case, Waiting
from tasks.decide import Answer, Verdicts, decide
from tasks.durable import PROCESSES, carry
from tasks.requests import Deed, Wish, carry_out
from tasks.reversing import Wrong, agree_to_reverse, ask_to_reverse
from tests.fakes.desk import FakeDesk
from tests.fakes.erp import FakeErp
from tests.stores import MemoryStore, TimedFolder

MORNING = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


def plain_policy() -> Policy:
    """Read the small hospital's policy without what a story puts in itself: a clock, a threshold, what is routine."""
    return policy().model_copy(update={"clock": None, "step_up_from": None, "routine_max": None})


def with_gaps(staff: Directory) -> Directory:
    """Open the gaps that `almoner policy check` names: approvers who ask, managers whose limit is below what is asked.

    Stories tell what becomes of a case that meets one.
    """
    limit = Money.of(200_000, "USD")

    def opened(who: Person) -> Person:
        grants = (x.model_copy(update={"limit": limit}) if x.role == "department-manager" else x for x in who.grants)
        return who.model_copy(update={"asks": True, "grants": tuple(grants)})

    return staff.model_copy(update={"people": tuple(opened(who) for who in staff.people)})


def two_coordinators() -> Directory:
    """Let Paula Reyes be an implant coordinator beside Ivo Petrov."""
    role = (Grant(role="implant-coordinator"),)
    staff = with_gaps(directory())
    both = (x.model_copy(update={"grants": role}) if x.id == "paula.reyes" else x for x in staff.people)
    return staff.model_copy(update={"people": tuple(both), "effective_from": staff.effective_from + timedelta(days=1)})


@dataclass
class Hospital:
    """Everything a story needs. Time stands still unless a story moves it."""

    ledger: Ledger
    erp: FakeErp
    desk: FakeDesk = field(default_factory=FakeDesk)
    now: datetime = MORNING
    sent: int = 0
    witness: MemoryStore = field(default_factory=MemoryStore)
    """What the witness remembers, where one looks."""

    @classmethod
    async def opened(cls, root: Path, **erp: Any) -> "Hospital":
        keys = FolderStore(root.with_name(f"{root.name}-vault"))
        store = TimedFolder(root)
        ledger = Ledger(store, vault=Vault(lambda: (keys, b"m" * 32)))
        for document in (plain_policy(), with_gaps(directory())):
            await adopt(ledger, document, actor="door:test", at=MORNING)
        hospital = cls(ledger, FakeErp(**erp))
        store.clock = lambda: hospital.now
        return hospital

    @contextmanager
    def bound(self) -> Iterator[connect.Outside]:
        outside = connect.Outside(self.ledger, Shelf(self.ledger), self.erp, self.desk)
        with connect.bound(outside):
            yield outside

    async def receive(self, source: str = "inventory", name: str = "", **fields: Any) -> Receipt:
        self.sent += 1
        message = Message(source, name or str(self.sent), json.dumps(fields).encode())
        return await receive(message, self.ledger, Shelf(self.ledger), self.now)

    async def submit(
        self, item: str, quantity: int = 1, by: str = "rita.okafor", centre: str = "OR", **more: Any
    ) -> str:
        receipt = await self.receive(requester=by, cost_centre=centre, item=item, quantity=quantity, **more)
        return receipt.case_or_raise()

    async def wake(self, case: str) -> Outcome | None:
        """Carry the case as far as it goes: its outcome, or None while it waits for people."""
        self.now += timedelta(seconds=1)
        held = Case(self.ledger, await self.ledger.read(case), "process:requisition", clock=lambda: self.now)
        with self.bound():
            try:
                return await carry(PROCESSES["requisition"], held)
            except Waiting:
                return None

    async def answer(self, case: str, by: str, verdict: str = "approve", note: str = "", **more: Any) -> Verdicts:
        """Let somebody answer the newest ask of a case, having seen its card."""
        self.now += timedelta(minutes=1)
        asked = (await self.ledger.read(case)).last("asked")
        assert asked is not None, "nobody was asked"
        given = Answer(case, more.get("ask", asked.key), verdict, more.get("shown", asked.seen), note)
        given = given._replace(quantity=more.get("quantity"))
        rulebook = await Shelf(self.ledger).in_force(self.now)
        person = rulebook.directory.person(by)
        return await decide(given, person, "test", ledger=self.ledger, rulebook=rulebook, at=self.now)

    async def wish(self, case: str, by: str, deed: Deed, *, whom: str = "", note: str = "", **more: Any) -> Verdicts:
        """Let somebody do something else with the newest ask of a case, having seen its card."""
        self.now += timedelta(minutes=1)
        asked = (await self.ledger.read(case)).last("asked")
        assert asked is not None, "nobody was asked"
        wanted = Wish(case, more.get("ask", asked.key), deed, more.get("shown", asked.seen), whom, note)
        rulebook = await Shelf(self.ledger).in_force(self.now)
        person = rulebook.directory.person(by)
        return await carry_out(wanted, person, "test", ledger=self.ledger, rulebook=rulebook, at=self.now)

    async def cancel(self, case: str, by: str, because: str = "ordered twice by telephone") -> str:
        """Let somebody have what a case bought taken back."""
        self.now += timedelta(minutes=1)
        person = (await Shelf(self.ledger).in_force(self.now)).directory.person(by)
        return await cancel(Unwanted(case, because), person, "test", ledger=self.ledger, at=self.now)

    async def reverse(self, case: str, entry: str, by: str, because: str = "billed twice", **more: Any) -> str:
        """Let somebody ask for a journal entry to be reversed, or `agree`."""
        self.now += timedelta(minutes=1)
        rules, wrong = await Shelf(self.ledger).in_force(self.now), Wrong(case, entry, because)
        person, how = rules.directory.person(by), {"ledger": self.ledger, "rulebook": rules, "at": self.now}
        if more.get("agree"):
            return await agree_to_reverse(wrong, person, "test", **how)
        return await ask_to_reverse(wrong, person, "test", erp=self.erp, **how)

    async def chain(self, case: str) -> Chain:
        return await self.ledger.read(case)

    async def asks(self, case: str) -> list[Ask]:
        return [Ask.model_validate(line.body["ask"]) for line in (await self.chain(case)).having("asked")]

    async def verified(self) -> bool:
        """Say whether every chain and every object of the ledger is as it was written."""
        return (await verify(self.ledger)).verified
