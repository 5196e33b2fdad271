"""A Prefect server, workers to start and kill, and runs to look at."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun

from tests.bench import rig

ROOT = Path(__file__).parents[3]
HERE = "tests.infrastructure.worker.processes"


class Worker:
    """A warm worker in a process of its own."""

    def __init__(self, api_url: str, pool: str, log: Path, *flags: str, port: int = 0) -> None:
        self.pool, self.port = pool, port or rig.free_port()
        self.bell = f"http://127.0.0.1:{self.port}"
        self.log = log
        command = [sys.executable, "-m", "infrastructure.worker", "--pool", pool]
        command += ["--bell-port", str(self.port), "--watch-s", "0.5", "--heartbeat-s", "2"]
        command += ["--answer", "tests.bench.answer:answer", *flags]
        environment = os.environ | {"PREFECT_API_URL": api_url, "PREFECT_HOME": str(log.parent)}
        with log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, stdout=out, stderr=out, env=environment
            )

    def ready(self) -> "Worker":
        rig.wait_until_connected(self.bell)
        return self

    def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.bell}/health").json()
        return answer

    def ring(self, *runs: UUID) -> None:
        answer = httpx.post(f"{self.bell}/ring", json={"cases": [str(run) for run in runs]})
        assert answer.status_code == 202

    def stop(self, within_s: float = 40) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=within_s)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)


class House:
    """One test's pool, its runs and its workers."""

    def __init__(self, api_url: str, client: PrefectClient, pool: str, folder: Path) -> None:
        self.api_url, self.client, self.pool, self.folder = api_url, client, pool, folder
        self.workers: list[Worker] = []
        self.deployments: dict[str, UUID] = {}

    def worker(self, *flags: str, port: int = 0) -> Worker:
        log = self.folder / f"worker-{len(self.workers)}.log"
        started = Worker(self.api_url, self.pool, log, *flags, port=port)
        self.workers.append(started)
        return started.ready()

    async def run(self, process: str, **parameters: Any) -> UUID:
        if process not in self.deployments:
            self.deployments[process] = await rig.deploy(
                self.client, self.pool, "almoner-warm", entrypoint=f"{HERE}.{process}"
            )
        deployment = self.deployments[process]
        run = await self.client.create_flow_run_from_deployment(deployment, parameters=parameters)
        return run.id

    async def waiting(self, case: str, **parameters: Any) -> UUID:
        return await self.run("waiting", case=case, folder=str(self.folder), **parameters)

    def answer(self, case: str) -> None:
        (self.folder / case).write_text("yes")

    def notes(self, case: str) -> list[str]:
        notes = self.folder / f"{case}.notes"
        return notes.read_text().split("\n")[:-1] if notes.exists() else []

    async def in_state(self, run_id: UUID, *names: str, within_s: float = 30) -> FlowRun:
        run = await self.client.read_flow_run(run_id)

        async def there() -> bool:
            nonlocal run
            run = await self.client.read_flow_run(run_id)
            return run.state_name in names

        await until(there, f"the run to be {names}, it is {run.state_name}", within_s)
        return run

    async def history(self, run_id: UUID) -> list[str]:
        return [state.name or "" for state in await self.client.read_flow_run_states(run_id)]

    async def lines(self, run_id: UUID) -> list[str]:
        filters = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
        return [log.message for log in await self.client.read_logs(filters, limit=200, offset=0)]


async def until(true: Callable[[], Awaitable[bool]], what: str, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not await true():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        await asyncio.sleep(0.1)
