"""Runs that a dead worker left behind: say so, then run them again.

A process killed outright leaves its runs Pending or Running for good: Prefect's server waits for
a report that never comes. Our processes remember their steps in the ledger and can be run again
from their first line, so such a run is first set to Crashed (the truth, kept in its history) and
then scheduled again.

Who is dead? A worker's name contains the address of its bell, which one process alone can hold;
so another boot of our own name is dead for certain. Another name is dead when the server has
missed its heartbeats. A run whose state names no worker is looked at when it has stood for
``UNCLAIMED_S``: no warm worker sets such a state.
"""

import logging
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType, WorkerStatus
from prefect.states import AwaitingRetry, Cancelled, Crashed

from infrastructure.warm.floor import Floor
from infrastructure.warm.ownership import Owner, owner_in
from infrastructure.warm.watch import PAGE, runs_of_pool

UNCLAIMED_S = 60.0
LOST_S = 5.0
MOST_CRASHES = 3
CRASHES_WITHIN = timedelta(hours=1)

_CARRIED = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
_LEFT = "The worker that ran this died"

logger = logging.getLogger("almoner.worker")


async def rescue(client: PrefectClient, pool: str, me: Owner, floor: Floor) -> list[FlowRun]:
    """Set right what dead workers of `pool` left behind; return the runs to start again."""
    seated = {*floor.seats}
    carried = await runs_of_pool(client, pool, _CARRIED)
    seated |= {*floor.seats}  # who left while we asked has told of its end since
    strangers = [run for run in carried if run.id not in seated]
    if not strangers:
        return []
    living = {
        worker.name
        for worker in await client.read_workers_for_work_pool(pool, offset=0, limit=PAGE)
        if worker.status == WorkerStatus.ONLINE
    }
    left_behind = [run for run in strangers if _is_left_behind(run, me, living)]
    return [run for run in left_behind if await _set_right(client, run)]


def _is_left_behind(run: FlowRun, me: Owner, living: set[str]) -> bool:
    if run.state is None:
        return False
    stood_s = (datetime.now(UTC) - run.state.timestamp).total_seconds()
    owner = owner_in(run.state.message)
    if owner is None:
        return stood_s > UNCLAIMED_S
    if owner == me:  # not on our floor: the report of its end was lost
        return stood_s > LOST_S
    return owner.worker == me.worker or owner.worker not in living


async def _set_right(client: PrefectClient, run: FlowRun) -> bool:
    if run.state_type == StateType.CANCELLING:
        cancelled: State[None] = Cancelled(message="Cancelled by request; no worker was running it.")
        await client.set_flow_run_state(run.id, cancelled, force=True)
        return False
    owner = owner_in(run.state.message) if run.state else None
    died = f"{_LEFT}{f' ({owner.worker}, boot {owner.boot})' if owner else ''}."
    if await _crashes(client, run) + 1 >= MOST_CRASHES:
        message = (
            f"{died} It did so {MOST_CRASHES} times within the hour, so it is left alone: see the"
            " worker's log, then press Retry."
        )
        logger.error("Flow run %s (%s): %s", run.name, run.id, message)
        await client.set_flow_run_state(run.id, Crashed(message=message), force=True)
        return False
    await client.set_flow_run_state(run.id, Crashed(message=died), force=True)
    again: State[None] = AwaitingRetry(message="Runs again from the ledger.")
    await client.set_flow_run_state(run.id, again, force=True)
    logger.warning("Flow run %s (%s): %s It is run again.", run.name, run.id, died)
    return True


async def _crashes(client: PrefectClient, run: FlowRun) -> int:
    since = datetime.now(UTC) - CRASHES_WITHIN
    return sum(
        state.type == StateType.CRASHED and state.timestamp > since and (state.message or "").startswith(_LEFT)
        for state in await client.read_flow_run_states(run.id)
    )
