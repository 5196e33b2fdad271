"""What the benches share: a deployment of the bare process, a worker to run it, and CPU clocks."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import psutil  # type: ignore[import-untyped]  # carries no types
from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.exceptions import ObjectAlreadyExists
from prefect.flows import load_flow_from_entrypoint

BARE_PROCESS = "tests.bench.processes.six_steps_one_wait"
READY_S = 60.0
Wake = Callable[[UUID], Awaitable[None]]


@contextmanager
def home(given: Path | None) -> Iterator[Path]:
    """Where a bench keeps its stack: where it is told to, or in a folder that goes with it."""
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="almoner-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def deploy(client: PrefectClient, pool: str, pool_type: str, entrypoint: str = BARE_PROCESS) -> UUID:
    """Deploy a process (the bare one) to `pool`, making the pool if it is missing."""
    flow: Flow[..., Any] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    nothing = {"type": "object", "properties": {}}
    template = {"job_configuration": {"env": {}}, "variables": nothing}
    if pool_type == "process":
        from prefect.workers.process import ProcessWorker

        template = ProcessWorker.get_default_base_job_template()
    with suppress(ObjectAlreadyExists):
        await client.create_work_pool(WorkPoolCreate(name=pool, type=pool_type, base_job_template=template))
    return await client.create_deployment(
        flow_id=await client.create_flow(flow),
        name=f"bench-{pool}",
        entrypoint=entrypoint,
        work_pool_name=pool,
        pull_steps=[],
        parameter_openapi_schema=nothing,
    )


@contextmanager
def warm_worker(pool: str, log: Path, *flags: str) -> Iterator[tuple[psutil.Process, str]]:
    """Start a warm worker for `pool`; yield its process and its bell's address."""
    port = free_port()
    command = [sys.executable, "-m", "infrastructure.worker", "--pool", pool, "--name", "bench"]
    command += ["--bell-port", str(port), "--answer", "tests.bench.answer:answer", *flags]
    with process(command, log) as started:
        bell = f"http://127.0.0.1:{port}"
        wait_until_connected(bell)
        yield started, bell


@contextmanager
def process(command: list[str], log: Path) -> Iterator[psutil.Process]:
    """Run a command for as long as the block lasts."""
    here = {"PYTHONPATH": str(Path(__file__).parents[2])}  # Prefect's process worker starts runs elsewhere
    with log.open("ab") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | here)  # noqa: S603
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(timeout=60)


def wait_until_connected(bell: str) -> None:
    """Wait for the worker to answer and to have reached Prefect's server."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{bell}/health").json()["connected"]:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"The worker at {bell} did not get ready within {READY_S:.0f} s.")


def listener(port: int) -> psutil.Process:
    """Find the process that listens on `port`."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
            return psutil.Process(connection.pid)
    raise LookupError(f"Nobody listens on port {port}.")


def api_port(api_url: str) -> int:
    """Take the port out of PREFECT_API_URL."""
    return urlsplit(api_url).port or 80


@dataclass(frozen=True)
class Clock:
    """CPU time of some processes, each with the children it has now and had before."""

    processes: dict[str, psutil.Process]

    def read(self) -> dict[str, float]:
        """Return the CPU seconds used so far, by name."""
        return {name: _cpu_s(one) for name, one in self.processes.items()}


def _cpu_s(one: psutil.Process) -> float:
    total = 0.0
    for member in [one, *one.children(recursive=True)]:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        if member == one:
            total += times.children_user + times.children_system
    return total


async def all_in(client: PrefectClient, runs: Collection[UUID], state: str, within_s: float = READY_S) -> None:
    """Wait until all the runs are in the state of this name, asking once for all of them."""
    filters = FlowRunFilter(
        id=FlowRunFilterId(any_=list(runs)),
        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=[state])),
    )
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if await client.count_flow_runs(flow_run_filter=filters) == len(runs):
            return
        await asyncio.sleep(0.5)
    raise TimeoutError(f"Not all of {len(runs)} runs got to {state} within {within_s:.0f} s.")
