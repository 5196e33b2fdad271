"""CPU of a bare Prefect flow with six tasks and one suspension in the warm worker.

The floor to compare a real case with: worker, Prefect's server and its database, per case, with
the idle machine's share taken off and the work that trails behind (events) included.

`PREFECT_API_URL=… python -m tests.bench.bare [--cases 40] [--at-once 4]
[--database-port 18032]`
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import PrefectClient, get_client

from tests.bench import rig

IDLE_S = 5.0
TRAIL_S = 10.0
WARM_UP = 2

Ring = Callable[[list[UUID]], Awaitable[None]]


async def carry(client: PrefectClient, deployment: UUID, folder: Path, ring: Ring, cases: int) -> None:
    """Carry some cases at once from their creation over their wait to their end."""
    names = [uuid4().hex for _ in range(cases)]
    runs = [
        await client.create_flow_run_from_deployment(deployment, parameters={"case": name, "folder": str(folder)})
        for name in names
    ]
    ids = [run.id for run in runs]
    await ring(ids)
    await rig.all_in(client, ids, "Suspended")
    for name in names:
        (folder / name).write_text("yes")
    await ring(ids)
    await rig.all_in(client, ids, "Completed")


async def measure(cases: int, at_once: int, database_port: int) -> dict[str, object]:
    """Return the CPU seconds a case, by process, and the cases a second."""
    cases -= cases % at_once
    pool = "bench-warm"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with get_client() as client, httpx.AsyncClient() as http:
            deployment = await rig.deploy(client, pool, "almoner-warm")
            with rig.warm_worker(pool, folder / "worker.log") as (worker, bell):

                async def ring(ids: list[UUID]) -> None:
                    await http.post(f"{bell}/ring", json={"cases": [str(one) for one in ids]})

                async def rounds(number: int) -> None:
                    for _ in range(number):
                        await carry(client, deployment, folder, ring, at_once)

                clock = rig.Clock(
                    {
                        "worker": worker,
                        "server": rig.listener(rig.api_port(os.environ["PREFECT_API_URL"])),
                        "database": rig.listener(database_port),
                    }
                )
                await rounds(WARM_UP)
                await asyncio.sleep(TRAIL_S)
                idle = await _used(clock, asyncio.sleep(IDLE_S))
                began = time.monotonic()
                before = clock.read()
                await rounds(cases // at_once)
                took_s = time.monotonic() - began
                await asyncio.sleep(TRAIL_S)
                after = clock.read()
    spent = {name: (after[name] - before[name] - idle[name] / IDLE_S * (took_s + TRAIL_S)) / cases for name in before}
    return {
        "cases": cases,
        "at_once": at_once,
        "cpu_s_a_case": {name: round(used, 3) for name, used in spent.items()},
        "total_cpu_s_a_case": round(sum(spent.values()), 3),
        "cases_per_s": round(cases / took_s, 2),
        "idle_cpu": {name: round(used / IDLE_S, 3) for name, used in idle.items()},
    }


async def _used(clock: rig.Clock, meanwhile: asyncio.Future[None] | object) -> dict[str, float]:
    before = clock.read()
    await meanwhile  # type: ignore[misc]
    return {name: used - before[name] for name, used in clock.read().items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--database-port", type=int, default=18032)
    asked = parser.parse_args()
    if not os.environ.get("PREFECT_API_URL"):
        parser.error("set PREFECT_API_URL to a running Prefect server")
    print(json.dumps(asyncio.run(measure(asked.cases, asked.at_once, asked.database_port))))


if __name__ == "__main__":
    main()
