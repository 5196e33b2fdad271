"""A case with its run on a real Prefect, reached through the proxy; the engine runs in this process."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

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
from prefect.states import Crashed

from infrastructure.bell import answer
from infrastructure.local.stack.running import BackgroundStack
from tasks.upkeep.lookout import Lookout
from tests.fakes.erp_server import PERSONALITIES, ErpServer
from tests.faults.matrix import Stage
from tests.faults.proxy import Proxy
from tests.faults.scene import ordering_from
from tests.hospital import Hospital
from tests.invariants import Violation
from tests.judging import judged, opened, under_a_head
from tests.stories.engine import awake, request_of, run_of

LAGS = "a look-up that lags"
CALM_S, ROUNDS_MAX, PAUSE_S = 25, 20, 1.0
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
        return await judged(self.hospital, self.server)


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
            await under_a_head(hospital.ledger, hospital.witness, hospital.now)
            try:
                yield runs
            finally:
                api.heal()
                api.seen.clear()


async def well(runs: Runs) -> None:
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
