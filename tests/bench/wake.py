"""From the ring to the first new line of the resumed flow.

`PREFECT_API_URL=… python -m tests.bench.wake [--cases 30] [--process-worker]`
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import PrefectClient, get_client

from tests.bench import rig

PAUSE_S = 1.0  # between cases: the machine is to be idle when the ring comes


async def warm(cases: int, folder: Path) -> list[float]:
    """Return the seconds from ring to first new line in the warm worker."""
    async with get_client() as client, httpx.AsyncClient() as http:
        deployment = await rig.deploy(client, "bench-warm", "almoner-warm")
        with rig.warm_worker("bench-warm", folder / "worker.log") as (_, bell):

            async def wake(run_id: UUID) -> None:
                await http.post(f"{bell}/ring", json={"case": str(run_id)})

            return [await one(client, deployment, folder, wake) for _ in range(cases)]


async def cold(cases: int, folder: Path) -> list[float]:
    """Return the seconds from resume to first new line in Prefect's process worker."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "bench-process"]
    async with get_client() as client:
        deployment = await rig.deploy(client, "bench-process", "process")

        async def wake(run_id: UUID) -> None:
            run = await client.read_flow_run(run_id)
            if run.state is not None and run.state.is_paused():
                await client.resume_flow_run(run_id)

        with rig.process([*command, "--type", "process"], folder / "worker.log"):
            return [await one(client, deployment, folder, wake) for _ in range(cases)]


async def one(client: PrefectClient, deployment: UUID, folder: Path, wake: rig.Wake) -> float:
    """Carry one case to its wait, let things settle, answer, and time the waking."""
    case = uuid4().hex
    run = await client.create_flow_run_from_deployment(deployment, parameters={"case": case, "folder": str(folder)})
    await wake(run.id)
    await rig.all_in(client, [run.id], "Suspended")
    await asyncio.sleep(PAUSE_S)
    (folder / case).write_text("yes")
    began = time.time_ns()
    await wake(run.id)
    woken = folder / f"{case}.woken"
    while not woken.exists() or not (written := woken.read_text()):  # noqa: ASYNC110  # another process writes it
        await asyncio.sleep(0.01)
    await rig.all_in(client, [run.id], "Completed")
    return (int(written) - began) / 1e9


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--process-worker", action="store_true")
    asked = parser.parse_args()
    if not os.environ.get("PREFECT_API_URL"):
        parser.error("set PREFECT_API_URL to a running Prefect server")
    measure = cold if asked.process_worker else warm
    with tempfile.TemporaryDirectory() as folder:
        took = sorted(asyncio.run(measure(asked.cases, Path(folder))))
    figures = {
        "worker": "process" if asked.process_worker else "warm",
        "cases": len(took),
        "median_s": round(statistics.median(took), 3),
        "p95_s": round(took[max(0, -(-95 * len(took) // 100) - 1)], 3),
        "worst_s": round(took[-1], 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
