"""Settling: what a group did is kept and shown, and the cases' own runs are brought to the state the ledger knows."""

import asyncio
from collections import defaultdict
from typing import Any
from uuid import uuid4

from prefect.artifacts import acreate_table_artifact
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.states import Suspended

from blocks import connect
from blocks.wire.canonical import canonical, digest
from tasks.groups import Carried, summary
from tasks.runs import make_run, runs_of

AT_ONCE = 8
PAGE = 50
"""Prefect settles so many runs in one request."""
OPEN = frozenset({"waits", "failed", "busy"})


async def publish_group(run: str, carried: list[Carried]) -> None:
    """Keep and show what became of each case of a group: one object and one table for all of them."""
    table = [one._asdict() for one in carried]
    result = canonical({"run": run, "summary": summary(carried), "cases": table})
    await connect.ledger().store.create(f"results/groups/{run}~{digest(result)[:12]}.json", result)
    await acreate_table_artifact(table, key="group-outcomes", description=summary(carried))


async def put_to_sleep(carried: list[Carried], client: PrefectClient) -> int:
    """Give each case that waits a suspended run of its own, so that the dashboard shows on whom; return how many."""
    waiting = {one.case: one for one in carried if one.ended == "waits"}
    room = asyncio.Semaphore(AT_ONCE)

    async def make(case: str, on: str) -> None:
        async with room:
            received = (await connect.ledger().read(case)).lines[0]
            asleep: State[Any] = Suspended(pause_key=uuid4().hex)
            asleep.message = f"Waits for {on}"
            await make_run(case, received, client, asleep)

    known = await runs_of(waiting, client)
    missing = [one for case, one in waiting.items() if case not in known]
    await asyncio.gather(*(make(one.case, one.because) for one in missing))
    return len(missing)


async def settle(carried: list[Carried], client: PrefectClient) -> int:
    """Set the suspended runs of ended cases to Completed, in bulk; return how many were settled.

    A case without a run of its own, begun and ended within a group, needs none any more.
    """
    by_end: dict[str, list[str]] = defaultdict(list)
    for one in carried:
        if one.ended not in OPEN:
            by_end[one.ended].append(one.case)
    settled = 0
    for ended, cases in by_end.items():
        for start in range(0, len(cases), PAGE):
            settled += await _settle_page(ended, cases[start : start + PAGE], client)
    return settled


async def _settle_page(ended: str, cases: list[str], client: PrefectClient) -> int:
    """Settle a page; the client has no method for it, so it is asked of the API itself."""
    message = f"{ended}, carried by a group: `almoner ledger show CASE` tells the case"
    answer = await client._client.post(  # noqa: SLF001  the only way to the bulk route
        "/flow_runs/bulk_set_state",
        json={
            "flow_runs": {"name": {"any_": cases}, "state": {"type": {"any_": ["PAUSED"]}}},
            "state": {"type": "COMPLETED", "name": ended.capitalize(), "message": message},
            "force": True,
            "limit": PAGE,
        },
    )
    answer.raise_for_status()
    return len(answer.json()["results"])
