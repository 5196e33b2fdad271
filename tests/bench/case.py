"""One case, one run: the CPU it costs in the warm worker, against a bare Prefect flow with as many tasks.

`python -m tests.bench.case [--cases 24]`. Worker, Prefect's server and its database are counted; the ledger is on
local S3; the ERP and the desk answer at once. Both kinds take turns in one run, and the work that trails behind is
counted too.
"""

import argparse
import asyncio
import json
import os
import statistics
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
from prefect.client.orchestration import PrefectClient

from blocks import connect
from infrastructure.deploy import deploy_all
from infrastructure.ending import run_and_leave
from infrastructure.local.stack.running import Wish, running_stack
from infrastructure.local.stack.supervisor import Supervisor
from tasks.case import utc_now
from tasks.decide import Answer, decide
from tasks.runs import runs_of
from tests.bench import bare, burst, rig

BARE = "tests.bench.processes.eight_steps_one_wait"
PARTS = ("s3", "prefect")
AT_ONCE = 4
TRAIL_S = 8.0
ROUNDS = 3


async def measure(cases: int, home: Path) -> dict[str, object]:
    """Let both kinds take turns; return milliseconds of CPU a case, and their ratio (medians)."""
    store = {"ALMONER_STORE": f"s3://evidence/{burst.RUN}"}
    async with running_stack(Wish(home, only=PARTS)) as stack:
        environment = stack.site.environment() | store
        os.environ.update(environment)
        await burst.adopt_all(connect.ledger())
        async with PrefectClient(environment["PREFECT_API_URL"]) as client, httpx.AsyncClient(timeout=30) as http:
            await deploy_all(client)
            with (
                rig.warm_worker("warm", home / "ours.log", "--answer", "tests.bench.inside:answer") as (ours, bell),
                rig.warm_worker("bench-warm", home / "bare.log") as (theirs, bare_bell),
            ):
                ours_once, bare_once = _kinds(client, http, bell, bare_bell, home, await _bare(client))
                spent = await _take_turns(cases, ours_once, bare_once, (ours, theirs), stack)
    ratio = [one / other for one, other in zip(spent["ours"], spent["bare"], strict=True)]
    return {
        **{name: round(1000 * statistics.median(values)) for name, values in spent.items()},
        "ratio": round(statistics.median(ratio), 2),
        "cases": cases,
    }


Once = Callable[[int], Awaitable[None]]


def _kinds(
    client: PrefectClient, http: httpx.AsyncClient, bell: str, bare_bell: str, home: Path, deployment: object
) -> tuple[Once, Once]:
    async def ours(cases: int) -> None:
        await carry_ours(client, http, bell, cases)

    async def ring_bare(ids: list[object]) -> None:
        await http.post(f"{bare_bell}/ring", json={"cases": [str(one) for one in ids]})

    async def theirs(cases: int) -> None:
        await bare.carry(client, deployment, home, ring_bare, cases)  # type: ignore[arg-type]

    return ours, theirs


async def _bare(client: PrefectClient) -> object:
    return await rig.deploy(client, "bench-warm", "almoner-warm", BARE)


async def _take_turns(
    cases: int, ours: Once, theirs: Once, workers: tuple[psutil.Process, psutil.Process], stack: Supervisor
) -> dict[str, list[float]]:
    shared = {"server": psutil.Process(stack.pid("prefect")), "database": psutil.Process(stack.pid("postgres"))}
    clock = rig.Clock({"ours": workers[0], "bare": workers[1], **shared})
    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    await ours(AT_ONCE)
    await theirs(AT_ONCE)
    for _ in range(ROUNDS):
        for name, once in (("bare", theirs), ("ours", ours)):
            await asyncio.sleep(TRAIL_S)
            before = clock.read()
            for _ in range(cases // AT_ONCE):
                await once(AT_ONCE)
            await asyncio.sleep(TRAIL_S)
            after = clock.read()
            other = "bare" if name == "ours" else "ours"
            used = sum(after[one] - before[one] for one in after if one != other)
            spent[name].append(used / cases)
    return spent


async def carry_ours(client: PrefectClient, http: httpx.AsyncClient, bell: str, cases: int) -> None:
    """Carry some cases at once from their arrival over their approval to their end."""
    outside = connect.current()
    names = [await burst.received(outside, uuid4().int % 10**12) for _ in range(cases)]
    await http.post(f"{bell}/ring", json={"cases": names})
    await _all_in(client, names, "Suspended")
    rulebook = await outside.shelf.in_force(utc_now())
    for case in names:
        asked = (await outside.ledger.read(case)).last("asked")
        assert asked is not None
        answer = Answer(case, asked.key, "approve", asked.seen or "")
        by = rulebook.directory.person("ana.silva")
        await decide(answer, by, "bench", ledger=outside.ledger, rulebook=rulebook, at=utc_now())
    await http.post(f"{bell}/ring", json={"cases": names})
    await _all_in(client, names, "Ordered")


async def _all_in(client: PrefectClient, names: list[str], state: str) -> None:
    for _ in range(240):
        runs = await runs_of(names, client)
        if len(runs) == len(names) and all(run.state and run.state.name == state for run in runs.values()):
            return
        await asyncio.sleep(0.5)
    raise TimeoutError(f"{names} did not all get to {state}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--home", type=Path)
    asked = parser.parse_args()
    with rig.home(asked.home) as home:
        print(json.dumps(asyncio.run(measure(asked.cases, home))))
    return 0


if __name__ == "__main__":
    run_and_leave(main)
