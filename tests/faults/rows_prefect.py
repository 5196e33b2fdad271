"""Rows 7, 8 and 24 to 27: Prefect and its database fail, forget, or are told lies; the ledger is the truth.

The runs are real ones, on a real server with PostgreSQL, reached through the proxy; the engine runs in this process.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)
from prefect.states import Completed, Crashed

from infrastructure.bell import answer
from infrastructure.local.stack.running import BackgroundStack
from tasks.lookout import Lookout
from tasks.runs import runs_of
from tests.fakes.erp_server import PERSONALITIES, ErpServer
from tests.faults import guards
from tests.faults.matrix import Stage, row
from tests.faults.proxy import Proxy
from tests.faults.scene import ORDERS, ordering_from
from tests.faults.wrongs import beside, misreported, refused, reset, unheard
from tests.hospital import Hospital
from tests.invariants import Violation
from tests.judging import judged, opened
from tests.stories.engine import awake, request_of, run_of

LAGS = "a look-up that lags"
CALM_S, ROUNDS_MAX, PAUSE_S = 25, 20, 1.0
STATES = r"POST /api/(flow|task)_runs/[^/]+/set_state"
SETTINGS = {PREFECT_API_REQUEST_TIMEOUT: 3.0, PREFECT_CLIENT_MAX_RETRIES: 1, PREFECT_LOGGING_TO_API_ENABLED: False}
"""A client that gives up in seconds: Prefect's own takes a minute, and then its run crashes just so."""
_numbers = count(1)


@dataclass
class Runs:
    """A case with its run on Prefect, and upkeep that rings for it."""

    case: str
    hospital: Hospital
    server: ErpServer
    erp: Proxy
    api: Proxy
    stack: BackgroundStack
    client: PrefectClient
    run: FlowRun

    async def awake(self) -> str:
        """Let a worker run it; what it says in the end, or how it fell."""
        try:
            return (await awake(self.client, self.run, self.hospital)).name or ""
        except (httpx.HTTPError, RuntimeError, asyncio.CancelledError) as error:
            return f"fell: {type(error).__name__}: {error}"

    async def kept_up(self) -> None:
        """Let upkeep ring for the case as long as it stands still, and a worker run what is woken."""
        hospital = self.hospital
        lookout = Lookout(clock=lambda: hospital.now, share=1e9)
        for _ in range(ROUNDS_MAX):
            chain = await hospital.chain(self.case)
            if chain.last("ended"):
                return
            hospital.now = max(hospital.now, chain.lines[-1].at) + timedelta(seconds=CALM_S)
            for case in await lookout.standing_still(hospital.ledger):
                await self.rung(case)

    async def rung(self, case: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Ring for a case, and let a worker run what that wakes; *meanwhile*: before one does."""
        try:
            with self.hospital.bound():
                answered = await answer([case], self.client)
        except httpx.HTTPError:
            await asyncio.sleep(PAUSE_S)
            return
        for run in answered.later:  # who carried it is dead: as a worker does that finds such a run
            await self.client.set_flow_run_state(run, Crashed(message="its worker is gone"), force=True)
        for run in answered.now:
            self.run = run if isinstance(run, FlowRun) else await self.client.read_flow_run(run)
            await asyncio.to_thread(meanwhile)
            await self.awake()

    async def found(self) -> list[Violation]:
        """List what is violated."""
        return await judged(self.hospital.ledger, self.server, self.hospital.desk, at=self.hospital.now)


@asynccontextmanager
async def asleep(stage: Stage) -> AsyncIterator[Runs]:
    """Bring a case to where its run sleeps on Prefect, for somebody to answer."""
    assert stage.prefect
    assert stage.api
    api = stage.api
    hospital = await opened(stage.root)
    hospital.now, hospital.sent = datetime.now(UTC).replace(microsecond=0), os.getpid() * 100 + next(_numbers)
    case = await hospital.submit("KNEE-TIB-4", 1)
    with (
        temporary_settings({**SETTINGS, PREFECT_API_URL: f"{api.url}/api"}),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PREFECT_API_URL", f"{api.url}/api")
        async with (
            ordering_from(hospital, PERSONALITIES[LAGS]) as (server, erp),
            run_of(case, await request_of(hospital, case)) as (_, run),
            get_client() as client,
        ):
            runs = Runs(case, hospital, server, erp, api, stage.prefect, client, run)
            assert await runs.awake() == "Suspended"
            try:
                yield runs
            finally:
                api.heal()
                api.seen.clear()


@row(7, "The decision is written, and the call that resumes its run is lost", guard="upkeep rings for who stands still",
     without=guards.unwatched, shows="I2", needs="prefect")  # fmt: skip
async def resume_lost(stage: Stage) -> list[Violation]:
    async with asleep(stage) as runs:
        await runs.hospital.answer(runs.case, "ivo.petrov")
        runs.api.arm(STATES, reset(), times=None)
        await runs.rung(runs.case)  # the bell
        assert "reset" in runs.api.faults()
        runs.api.heal()
        await runs.kept_up()
        return await runs.found()


@row(8, "A sleeping run is resumed twice, and set to Completed, by whoever reaches the API",
     guard="a resume is no answer: the ledger is read", without=guards.resume_means_yes, shows="I3",
     needs="prefect")  # fmt: skip
async def resumed_by_whoever(stage: Stage) -> list[Violation]:
    async with asleep(stage) as runs:
        for _ in range(2):
            await runs.client.resume_flow_run(runs.run.id)
            await runs.awake()
        await runs.client.set_flow_run_state(runs.run.id, Completed(message="by hand"), force=True)
        await runs.rung(runs.case)
        made, chain = runs.server.booked(), await runs.hospital.chain(runs.case)
        found = [Violation("I3", runs.case, "ordered although nobody has answered")] if made else []
        if not chain.having("woken") and not made:
            found.append(Violation("8", runs.case, "nobody would know that somebody tried"))
        if not made:
            await runs.hospital.answer(runs.case, "ivo.petrov")
            await runs.kept_up()
        return found + await runs.found()


async def _in_flight(
    stage: Stage, break_it: Callable[[Runs], None], mend: Callable[[Runs], Awaitable[Any]]
) -> list[Violation]:
    """Let something fail at the very moment at which the ERP has committed; mend it, and let upkeep go on."""
    async with asleep(stage) as runs:
        await runs.hospital.answer(runs.case, "ivo.petrov")
        runs.erp.arm(ORDERS, beside(lambda: None if stage.calm else break_it(runs), after=True))
        await runs.rung(runs.case)
        assert runs.erp.faults(), "it never ordered"
        await mend(runs)
        runs.api.heal()
        await _driven_again(runs)
        await runs.kept_up()
        return await runs.found()


async def _at_its_beginning(
    stage: Stage, break_it: Callable[[Runs], None], mend: Callable[[Runs], Awaitable[Any]]
) -> list[Violation]:
    """Let something fail as a worker takes up what was woken; mend it, and let upkeep go on."""
    async with asleep(stage) as runs:
        await runs.hospital.answer(runs.case, "ivo.petrov")
        await runs.rung(runs.case, lambda: None if stage.calm else break_it(runs))
        await mend(runs)
        runs.api.heal()
        await runs.kept_up()
        return await runs.found()


async def _driven_again(runs: Runs) -> None:
    """Let a worker find the run, if Prefect never heard how it went: what was done must not be done again."""
    run = await runs.client.read_flow_run(runs.run.id)
    if run.state and run.state.is_final() and not run.state.is_crashed():
        return
    await runs.client.set_flow_run_state(run.id, Crashed(message="its worker is gone"), force=True)
    await runs.awake()


async def _well(runs: Runs) -> None:
    for part in ("postgres", "prefect"):
        await asyncio.to_thread(runs.stack.until_well, part)
    async with httpx.AsyncClient(trust_env=False, timeout=5) as plain:
        for _ in range(60):
            try:
                if (await plain.get(f"{runs.api.url}/api/ready")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(PAUSE_S)
    raise TimeoutError("Prefect does not come back")


@row(24, "Prefect's server dies while the ERP is called", guard="what was done is remembered by the ledger",
     without=guards.amnesiac, shows="I1", needs="prefect")  # fmt: skip
async def server_dies(stage: Stage) -> list[Violation]:
    return await _in_flight(stage, lambda runs: runs.stack.kill("prefect"), _well)


@row(24, "Prefect's server stands still as a run begins", guard="upkeep rings for who stands still",
     without=guards.unwatched, shows="I2", needs="prefect")  # fmt: skip
async def server_stands_still(stage: Stage) -> list[Violation]:
    """SIGSTOP for as long as our client is patient, then SIGCONT: five minutes are no more to it than seconds."""

    async def woken(runs: Runs) -> None:
        os.kill(runs.stack.pid("prefect"), signal.SIGCONT)
        await _well(runs)

    return await _at_its_beginning(stage, lambda runs: os.kill(runs.stack.pid("prefect"), signal.SIGSTOP), woken)


@row(25, "Prefect takes no states any more: 503", guard="what was done is remembered by the ledger",
     without=guards.amnesiac, shows="I1", needs="prefect")  # fmt: skip
async def takes_no_states(stage: Stage) -> list[Violation]:
    return await _in_flight(stage, lambda runs: runs.api.arm(STATES, refused(503), times=None) and None, _well)


@row(25, "Prefect takes states, and says that it did not", guard="upkeep rings for who stands still",
     without=guards.unwatched, shows="I2", needs="prefect")  # fmt: skip
async def takes_states_twice(stage: Stage) -> list[Violation]:
    def break_it(runs: Runs) -> None:
        runs.api.arm(STATES, misreported(503), times=2)
        runs.api.arm(STATES, unheard(), times=2)

    return await _at_its_beginning(stage, break_it, _well)


@row(26, "PostgreSQL is stopped at once, under Prefect", guard="what was done is remembered by the ledger",
     without=guards.amnesiac, shows="I1", needs="prefect")  # fmt: skip
async def database_stops(stage: Stage) -> list[Violation]:
    """SIGQUIT: no goodbye to anybody, as `pg_ctl stop -m immediate`; it recovers as it starts again."""
    return await _in_flight(stage, lambda runs: runs.stack.kill("postgres", signal.SIGQUIT), _well)


@row(26, "PostgreSQL is stopped fast, under Prefect", guard="what was done is remembered by the ledger",
     without=guards.amnesiac, shows="I1", needs="prefect")  # fmt: skip
async def database_stops_fast(stage: Stage) -> list[Violation]:
    """SIGINT: whoever is connected is thrown out, and it ends in good order, as `pg_ctl stop -m fast`."""
    return await _in_flight(stage, lambda runs: runs.stack.kill("postgres", signal.SIGINT), _well)


@row(26, "Every connection to PostgreSQL is cut, and none is let in", needs="prefect", shows="I1",
     guard="what was done is remembered by the ledger", without=guards.amnesiac)  # fmt: skip
async def connections_cut(stage: Stage) -> list[Violation]:
    async def let_in(runs: Runs) -> None:
        await _apart(runs.stack, "ALTER DATABASE prefect ALLOW_CONNECTIONS true")
        await _well(runs)

    def cut(runs: Runs) -> None:
        asyncio.run(_said(runs.stack, "ALTER DATABASE prefect ALLOW_CONNECTIONS false", CUT))

    return await _in_flight(stage, cut, let_in)


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'prefect'"


async def _said(stack: BackgroundStack, *sentences: str) -> None:
    """Say something to PostgreSQL past Prefect, which stands still meanwhile."""
    ports, server = stack.site.ports, stack.pid("prefect")
    os.kill(server, signal.SIGSTOP)
    try:
        line = await asyncpg.connect(
            host="127.0.0.1", port=ports["postgres"], user="prefect", password=stack.site.keys.postgres_password,
            database="postgres",
        )  # fmt: skip
        try:
            for sentence in sentences:
                await line.execute(sentence)
        finally:
            await line.close()
    finally:
        os.kill(server, signal.SIGCONT)


@row(27, "PostgreSQL is restored from an older copy: Prefect forgets the run", guard="the ledger makes it anew",
     without=guards.known_to_prefect, shows="I2", needs="prefect")  # fmt: skip
async def restored(stage: Stage) -> list[Violation]:
    """The copy is of before the case, not before its deployment; the answer comes when the run is forgotten."""
    assert stage.prefect
    async with asleep(replace(stage, root=stage.root / "before")):
        await _apart(stage.prefect, CUT, "DROP DATABASE IF EXISTS copy", "CREATE DATABASE copy TEMPLATE prefect")
    async with asleep(replace(stage, root=stage.root / "after")) as runs:
        back = ("ALTER DATABASE prefect RENAME TO gone", "ALTER DATABASE copy RENAME TO prefect", "DROP DATABASE gone")
        await _apart(runs.stack, CUT, *back)
        await _well(runs)
        assert not await runs_of([runs.case], runs.client), "Prefect still knows the run"
        await runs.hospital.answer(runs.case, "ivo.petrov")
        await runs.kept_up()
        return await runs.found()


async def _apart(stack: BackgroundStack, *sentences: str) -> None:
    """Say something to PostgreSQL from another thread."""
    await asyncio.to_thread(lambda: asyncio.run(_said(stack, *sentences)))
