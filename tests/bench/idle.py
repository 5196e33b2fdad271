"""Waiting cases: what 500 suspended runs cost the warm worker while nobody decides anything.

`python -m tests.bench.idle [--cases 500] [--seconds 60]`
"""

import argparse
import asyncio
import json
import os
import tempfile
from pathlib import Path

import httpx
import psutil
from prefect.client.orchestration import PrefectClient

from blocks import connect
from infrastructure.deploy import deploy_all
from infrastructure.ending import run_and_leave
from infrastructure.local.stack.running import Wish, running_stack
from tasks.groups import carry_all
from tasks.settling import put_to_sleep
from tests.bench import burst, rig

PARTS = ("s3", "prefect")
SETTLE_S = 15.0


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
            names = [await burst.received(outside, number) for number in range(cases)]
            waiting = await carry_all(names, burst.silently)
            with rig.warm_worker("warm", home / "idle.log", "--answer", "tests.bench.inside:answer") as (worker, bell):
                await asyncio.sleep(SETTLE_S)
                before = await _watch(worker, http, bell, seconds)
                made = await put_to_sleep(waiting, client)
                await asyncio.sleep(SETTLE_S)
                after = await _watch(worker, http, bell, seconds)
    return {"waiting": made, "seconds": seconds, "with_none": before, "with_all": after}


async def _watch(worker: psutil.Process, http: httpx.AsyncClient, bell: str, seconds: int) -> dict[str, float]:
    began = worker.cpu_times()
    await asyncio.sleep(seconds)
    ended = worker.cpu_times()
    used = ended.user + ended.system - began.user - began.system
    rss = (await http.get(f"{bell}/health")).json()["rss_mb"]
    return {"cpu_percent": round(100 * used / seconds, 2), "rss_mb": rss}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--home", type=Path, default=Path(tempfile.mkdtemp(prefix="almoner-bench-")))
    asked = parser.parse_args()
    print(json.dumps(asyncio.run(measure(asked.cases, asked.seconds, asked.home))))
    return 0


if __name__ == "__main__":
    run_and_leave(main)
