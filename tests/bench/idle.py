"""Waiting cases: what 500 suspended runs cost the warm worker while nobody decides anything.

`python -m tests.bench.idle [--cases 500] [--seconds 20]`. What upkeep does every minute is held back while the worker
is watched, and then done three times: the first round reads what waits, the others say what each minute costs.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path

import httpx
import psutil
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import DeploymentSort

from blocks import connect
from infrastructure.deploy import deploy_all
from infrastructure.ending import run_and_leave
from infrastructure.local.stack.running import Wish, running_stack
from tasks.groups import carry_all
from tasks.runs import runs_of
from tasks.upkeep.settling import put_to_sleep
from tests.bench import burst, rig

PARTS = ("s3", "prefect")
SETTLE_S = 5.0
ROUNDS = 3


async def measure(cases: int, seconds: int, home: Path) -> dict[str, object]:
    """Bring cases to their wait, each with a suspended run, and watch the worker."""
    store = {"ALMONER_STORE": f"s3://evidence/{burst.RUN}"}
    async with running_stack(Wish(home, only=PARTS)) as stack:
        environment = stack.site.environment() | store
        os.environ.update(environment)
        outside = connect.current()
        outside.erp, outside.desk = burst.fakes()
        await burst.adopt_all(outside.ledger)
        async with PrefectClient(environment["PREFECT_API_URL"]) as client, httpx.AsyncClient() as http:
            await deploy_all(client)
            deployed = await client.read_deployments(limit=50, sort=DeploymentSort.NAME_ASC)
            upkeep = [one for one in deployed if one.schedules]
            for one in upkeep:
                await client.pause_deployment(one.id)
            names = [await burst.received(outside, number) for number in range(cases)]
            waiting = await carry_all(names, burst.silently)
            with rig.warm_worker("warm", home / "idle.log", "--answer", "tests.bench.inside:answer") as (worker, bell):

                async def look() -> dict[str, float]:
                    return await _watch(worker, http, bell, seconds)

                before = await look()
                await put_to_sleep(waiting, client)
                made = len(await runs_of(names, client))
                after = await look()
                rounds = [await _round(upkeep, client, worker, http, bell) for _ in range(ROUNDS)]
    return {"waiting": made, "seconds": seconds, "with_none": before, "with_all": after, "upkeep": rounds}


async def _watch(worker: psutil.Process, http: httpx.AsyncClient, bell: str, seconds: int) -> dict[str, float]:
    await asyncio.sleep(SETTLE_S)
    began = _cpu_s(worker)
    await asyncio.sleep(seconds)
    used = _cpu_s(worker) - began
    return {"cpu_percent": round(100 * used / seconds, 2), "rss_mb": await _rss_mb(http, bell)}


async def _round(
    upkeep: list[DeploymentResponse], client: PrefectClient, worker: psutil.Process, http: httpx.AsyncClient, bell: str
) -> dict[str, float]:
    """Do once what upkeep does every minute; return what it took of the worker's CPU, and its memory since."""
    began = _cpu_s(worker)
    runs = [await client.create_flow_run_from_deployment(one.id) for one in upkeep]
    await rig.all_in(client, [run.id for run in runs], "Completed")
    await asyncio.sleep(1)
    return {"cpu_ms": round(1000 * (_cpu_s(worker) - began)), "rss_mb": await _rss_mb(http, bell)}


def _cpu_s(worker: psutil.Process) -> float:
    times = worker.cpu_times()
    return float(times.user + times.system)


async def _rss_mb(http: httpx.AsyncClient, bell: str) -> float:
    return float((await http.get(f"{bell}/health")).json()["rss_mb"])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--home", type=Path)
    asked = parser.parse_args()
    with rig.home(asked.home) as home:
        print(json.dumps(asyncio.run(measure(asked.cases, asked.seconds, home))))
    return 0


if __name__ == "__main__":
    run_and_leave(main)
