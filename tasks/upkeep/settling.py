"""Settling: what a group did is kept and shown, and the cases' own runs are brought to the state the ledger knows."""

import asyncio
from collections import defaultdict
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import StateCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, to_state_create

from blocks import connect
from blocks.ledger import Chain
from tasks.artifacts import show_table
from tasks.case import utc_now
from tasks.decide import waits_for
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


async def put_to_sleep(carried: list[Carried], client: PrefectClient) -> list[str]:
    """Let each case that waits have a suspended run of its own that says on whom; return the cases to ring for.

    Who went on while the group carried others is left alone. Whoever is decided between our two looks may have come to
    its end before we let its run sleep: nobody else would ring for it.
    """
    waits = {one.case: asleep(one.because).message for one in carried if one.ended == "waits"}
    runs, room = await runs_of(waits, client), asyncio.Semaphore(AT_ONCE)

    async def look(case: str, known: Chain | None = None) -> Chain:
        async with room:
            return await connect.ledger().read(case, known=known)

    async def make(chain: Chain, on: str) -> None:
        async with room:
            await make_run(chain.case, chain.lines[0], client, asleep(on))

    looks = await asyncio.gather(*(look(case) for case in waits if not _sleeps(runs.get(case), waits[case])))
    waiting = [(chain, on) for chain in looks if (on := waits_for(chain))]
    by_whom: dict[str, list[str]] = defaultdict(list)
    for chain, on in waiting:
        by_whom[on].append(chain.case)
    for on, cases in by_whom.items():
        await set_idle(cases, {*STOPPED, "PAUSED", "COMPLETED"}, to_state_create(asleep(on)), client)
    await asyncio.gather(*(make(chain, on) for chain, on in waiting if chain.case not in runs))
    again = await asyncio.gather(*(look(chain.case, chain) for chain, _ in waiting))
    return [chain.case for chain in again if not waits_for(chain)]


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


def _sleeps(run: FlowRun | None, message: str | None) -> bool:
    return bool(run and run.state and run.state.is_paused() and run.state.message == message)
