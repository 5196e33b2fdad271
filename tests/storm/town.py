"""A town in a storm: a real stack, real workers, an ERP of its own, people who answer, and who judges."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Literal

import httpx

from blocks import connect
from blocks.errors import OutsideError
from blocks.ledger import Chain
from blocks.rulebook import adopt
from blocks.sealing.log import Log
from blocks.wire.report import in_doubt
from infrastructure.local.hospital.__main__ import directory
from infrastructure.local.stack.foreground import forget
from infrastructure.local.stack.laptop import LAPTOP
from infrastructure.local.stack.parts import Part
from infrastructure.local.stack.ports import free_family
from infrastructure.local.stack.prefect_parts import server_environment
from infrastructure.local.stack.running import Wish, running_stack
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.supervisor import Supervisor
from tasks.arrivals import Message, receive
from tasks.case import utc_now
from tasks.clock import waiting_of
from tasks.decide import Answer, decide
from tasks.parked import SHOWS_WITHIN, CannotSettleError, Said, settle
from tasks.results import is_finished
from tests.bench.rig import free_port
from tests.hospital import plain_policy, with_gaps
from tests.invariants import Violation, check_invariants
from tests.storm.erp import opened
from tests.storm.servants import Servant
from tests.storm.worker import little_erp

Database = Literal["sqlite", "postgresql"]
WANTED = (
    ("IVSET-20", "sam.lind", "ICU"), ("IVSET-20", "omar.haddad", "IT"), ("IVSET-20", "mei.tan", "LAB"),
    ("GLOVE-M", "rita.okafor", "OR"), ("KNEE-TIB-4", "rita.okafor", "OR"),
)  # fmt: skip
"""Ordered at once, filled from the shelf, or asked about first."""
LOOKS_EVERY_S = 0.5
LOOKS_AFTER_S = SHOWS_WITHIN.total_seconds() + 1
"""A person looks into the ERP when what was under way has come to be there: no sooner."""
LATE = {"timeout": 5.0, "trust_env": False}


@dataclass
class Town:
    """What runs, what was asked for, and how far each case has come."""

    stack: Supervisor
    dice: Random
    personality: str
    journal: Path
    workers: list[Servant]
    erp: Servant
    open: dict[str, Chain] = field(default_factory=dict)
    carriers: dict[str, Servant] = field(default_factory=dict)
    """At which worker each case was rung for last."""
    submitted: int = 0
    ended: int = 0

    @property
    def prefect(self) -> str:
        """Where Prefect's server is asked."""
        return self.stack.site.environment()["PREFECT_API_URL"]

    async def submit(self, worker: Servant) -> str:
        """Let somebody ask for something, and ring for it at a worker."""
        item, by, centre = self.dice.choice(WANTED)
        self.submitted += 1
        many = 1 if item == "KNEE-TIB-4" else 20 + self.submitted % 20
        raw = json.dumps({"requester": by, "cost_centre": centre, "item": item, "quantity": many}).encode()
        message = Message("storm", f"message-{self.submitted}", raw)
        receipt = await receive(message, connect.ledger(), connect.shelf(), utc_now())
        case = receipt.case_or_raise()
        self.open[case] = await connect.ledger().read(case)
        await self.ring(case, worker)
        return case

    async def ring(self, case: str, worker: Servant) -> None:
        """Ring at a worker; who is dead hears nothing."""
        self.carriers[case] = worker
        if worker.stopped:
            return
        try:
            async with httpx.AsyncClient(**LATE) as client:
                await client.post(f"{worker.asked.removesuffix('/health')}/ring", json={"case": case})
        except httpx.HTTPError:
            return

    async def attend(self) -> None:
        """Be the people, until cancelled: answer what waits, look where there is doubt, take note of what has ended."""
        while True:
            for case in [*self.open]:
                try:
                    await self._attend_to(case)
                except OutsideError:
                    continue  # the ledger, or the ERP, is away just now
            await asyncio.sleep(LOOKS_EVERY_S)

    async def _attend_to(self, case: str) -> None:
        ledger, now = connect.ledger(), utc_now()
        chain = self.open[case] = await ledger.read(case, known=self.open[case])
        if await is_finished(chain, ledger):
            del self.open[case]
            self.ended += 1
            return
        rules = await connect.shelf().in_force(now)
        for one in await waiting_of(chain, connect.shelf(), now):
            if able := one.who_may(now):
                seen = str(next(line.seen for line in one.lines if line.act == "asked"))
                answer = Answer(case, one.ask.key, "approve", seen)
                told = await decide(answer, self.dice.choice(able), "storm", ledger=ledger, rulebook=rules, at=now)
                if told.taken == "counted":
                    await self.ring(case, self.dice.choice(self.workers))
        parked = in_doubt(chain)
        if parked and (now - parked.at).total_seconds() > LOOKS_AFTER_S:
            await self._settle(case, parked.key)

    async def _settle(self, case: str, key: str) -> None:
        made = [
            one.document.number
            for one in (await opened(self.journal, self.personality)).booked()
            if one.document.key == key
        ]
        said = Said(case, "made", made[0]) if made else Said(case, "not-made")
        now, ledger, erp = utc_now(), connect.ledger(), connect.erp()
        rules = await connect.shelf().in_force(now)
        for person in rules.directory.people:  # whoever may: who approved it may not
            try:
                await settle(said, person, "storm", ledger=ledger, erp=erp, rulebook=rules, at=now, clock=utc_now)
            except CannotSettleError:
                continue
            await self.ring(case, self.dice.choice(self.workers))
            return

    async def judge(self, *, over: bool = False, log: Log | None = None) -> list[Violation]:
        """Ask the oracle: the ERP's own books, as its journal has them, against the ledger, and the log over it."""
        erp = await opened(self.journal, self.personality)  # before the ledger is read: what is booked was intended
        return await check_invariants(connect.ledger(), erp, over=over, log=log)

    async def find_everybody(self) -> None:
        """Wait, too, for a case that was taken in as the store died: whoever submitted it did not hear so."""
        ledger = connect.ledger()
        async for name, _ in ledger.cases():
            chain = await ledger.read(name)
            if chain.last("received") and not await is_finished(chain, ledger):
                self.open.setdefault(name, chain)

    async def until_all_ended(self, within_s: float) -> None:
        """Wait until every case is told to its end."""
        async with asyncio.timeout(within_s):
            while self.open:  # noqa: ASYNC110  what closes them is looked for, not told
                await asyncio.sleep(LOOKS_EVERY_S)


def _sqlite(part: Part, home: Path) -> Part:
    """Let Prefect's server, and who needs it, do without PostgreSQL and S3."""

    def environment(site: Site) -> dict[str, str]:
        url = f"sqlite+aiosqlite:///{home / 'prefect.db'}"
        own = {**server_environment(site), "PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
        return {**own, "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "true"}

    needs = tuple(need for need in part.needs if need not in ("postgres", "s3"))
    if part.name == "prefect":
        return replace(part, needs=needs, environment=environment)
    return replace(part, needs=needs, settled=None, settle=None)


def _wish(home: Path, database: Database) -> Wish:
    own = {"ALMONER_STORE": str(home / "store")} if database == "sqlite" else {}
    only = ("prefect", "deployments", "desk") + (() if database == "sqlite" else ("s3", "log"))
    parts = [_sqlite(part, home) for part in LAPTOP] if database == "sqlite" else LAPTOP
    return Wish(home, only=only, parts=parts, ports=free_family(), environment=own)


@contextmanager
def _surroundings(environment: Mapping[str, str]) -> Iterator[None]:
    """Let this process talk to the town as its parts do."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@asynccontextmanager
async def town(home: Path, database: Database, personality: str, seed: int, workers: int) -> AsyncIterator[Town]:
    """Build one, hand it over with everybody well, and take it down whatever happens inside. Raises StackError."""
    forget(home)
    async with AsyncExitStack() as leaving, running_stack(_wish(home, database)) as stack:
        journal, port = home / "run" / "journal.jsonl", free_port()
        journal.parent.mkdir(parents=True, exist_ok=True)
        own = {"ALMONER_ERP_URL": f"http://127.0.0.1:{port}", "STORM_PERSONALITY": personality}
        environment = {**stack.site.environment(), **own}
        leaving.enter_context(_surroundings(environment))
        connect.current().erp = little_erp()
        erp = Servant("erp", ("tests.storm.erp", str(port), str(journal), personality), environment,
                      stack.site.home.logs / "erp.log", f"{own['ALMONER_ERP_URL']}/orders?reference=none")  # fmt: skip
        servants = [_worker(stack, environment, number) for number in range(workers)]
        built = Town(stack, Random(seed), personality, journal, servants, erp)  # noqa: S311  dice, not secrets
        for one in (erp, *servants):
            leaving.push_async_callback(one.end)
            await one.start()
        for document in (with_gaps(directory()), plain_policy()):
            await adopt(connect.ledger(), document, actor="door:storm", at=utc_now())
        for one in servants:
            await one.until_well()
        yield built


def _worker(stack: Supervisor, environment: dict[str, str], number: int) -> Servant:
    port = free_port()
    bell = f"http://127.0.0.1:{port}"
    arguments = ("tests.storm.worker", "--pool", "warm", "--name", f"worker-{number}", "--bell-port", str(port))
    own = {**environment, **stack.parts["deployments"].environment(stack.site), "ALMONER_BELL_URL": bell}  # type: ignore[misc]
    return Servant(f"worker-{number}", arguments, own, stack.site.home.logs / f"worker-{number}.log", f"{bell}/health")
