"""Settling: what a group did is kept and shown, and the cases' own runs are brought to the state the ledger knows."""

import asyncio
from collections import defaultdict
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import StateCreate
from prefect.client.schemas.objects import State
from prefect.states import Completed, to_state_create

from blocks import connect
from tasks.artifacts import show_table
from tasks.case import utc_now
from tasks.groups import Carried, summary
from tasks.results import Result, keep_result
from tasks.runs import asleep, make_run, runs_of

AT_ONCE = 8
PAGE = 50
"""Prefect settles so many runs in one request."""
OPEN = frozenset({"waits", "failed", "busy"})
STOPPED = frozenset({"FAILED", "CRASHED", "CANCELLED"})


async def publish_group(run: str, carried: list[Carried]) -> None:
    """Keep and show what became of each case of a group: one table for all of them."""
    table = [{"case": one.case, "ended": one.ended, "because": one.because} for one in carried]
    said = f"{summary(carried)} (run {run})"
    await show_table("group-outcomes", table, said, ledger=connect.ledger(), at=utc_now())


async def keep_results(carried: list[Carried]) -> None:
    """Keep the result of each case that ended, last of all: what has none is told of again."""
    room, ledger = asyncio.Semaphore(AT_ONCE), connect.ledger()

    async def keep(result: Result) -> None:
        async with room:
            await keep_result(result, ledger)

    await asyncio.gather(*(keep(one.result) for one in carried if one.result))


async def put_to_sleep(carried: list[Carried], client: PrefectClient) -> int:
    """Let each case that waits have a suspended run of its own that says on whom; return how many were made anew."""
    waiting = {one.case: one.because for one in carried if one.ended == "waits"}
    room = asyncio.Semaphore(AT_ONCE)

    async def make(case: str, on: str) -> None:
        async with room:
            received = (await connect.ledger().read(case)).lines[0]
            await make_run(case, received, client, asleep(on))

    known = await runs_of(waiting, client)
    stale: dict[str, list[str]] = defaultdict(list)
    for case, run in known.items():
        if run.state is None or not run.state.is_paused() or run.state.message != asleep(waiting[case]).message:
            stale[waiting[case]].append(case)
    for on, cases in stale.items():
        await set_idle(cases, {*STOPPED, "PAUSED", "COMPLETED"}, to_state_create(asleep(on)), client)
    missing = waiting.keys() - known
    await asyncio.gather(*(make(case, waiting[case]) for case in missing))
    return len(missing)


async def settle(carried: list[Carried], client: PrefectClient) -> int:
    """Set the runs of ended cases that sleep, or stopped on the way, to Completed; return how many were settled.

    A case without a run of its own, begun and ended within a group, needs none any more.
    """
    by_end: dict[str, list[str]] = defaultdict(list)
    for one in carried:
        if one.ended not in OPEN:
            by_end[one.ended].append(one.case)
    settled = 0
    for ended, cases in by_end.items():
        message = f"{ended}, carried by a group: `almoner ledger show CASE` tells the case"
        state: State[Any] = Completed(name=ended.capitalize(), message=message)
        settled += await set_idle(cases, {*STOPPED, "PAUSED"}, to_state_create(state), client)
    return settled


async def set_idle(cases: list[str], types: set[str], state: StateCreate, client: PrefectClient) -> int:
    """Set the runs of cases that are in one of some states, a page at a time; return how many were set.

    The client has no method for it, so it is asked of the API itself.
    """
    done = 0
    for start in range(0, len(cases), PAGE):
        wanted = {"name": {"any_": cases[start : start + PAGE]}, "state": {"type": {"any_": sorted(types)}}}
        new = state.model_dump(mode="json", exclude_unset=True)
        answer = await client._client.post(  # noqa: SLF001  the only way to the bulk route
            "/flow_runs/bulk_set_state", json={"flow_runs": wanted, "state": new, "force": True, "limit": PAGE}
        )
        answer.raise_for_status()
        done += len(answer.json()["results"])
    return done
