"""See from the server what happens to runs from outside: cancelled, suspended, left over."""

from collections.abc import Collection
from uuid import UUID

from prefect._flow_run_suspension import (
    is_suspended_flow_run_state,
    mark_flow_run_suspension_requested,
)
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from infrastructure.warm.engine import Interruption
from infrastructure.warm.floor import Floor

PAGE = 200  # the most the server gives at once
_TOUCHED = [StateType.CANCELLING, StateType.CANCELLED, StateType.PAUSED]


def in_states(types: Collection[StateType], ids: Collection[UUID] | None = None) -> FlowRunFilter:
    """Filter runs by the type of their state and, where given, by id."""
    return FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))),
        id=None if ids is None else FlowRunFilterId(any_=list(ids)),
    )


async def runs_of_pool(client: PrefectClient, pool: str, types: Collection[StateType]) -> list[FlowRun]:
    """Read the pool's runs in these states (at most the server's page of 200)."""
    return await client.read_flow_runs(
        flow_run_filter=in_states(types),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
        sort=FlowRunSort.ID_DESC,
        limit=PAGE,
    )


async def heed_the_server(client: PrefectClient, floor: Floor) -> None:
    """Interrupt the runs on the floor that somebody cancelled; stop those somebody suspended.

    One query for all of them; call it every few seconds while runs are on the floor.
    """
    if not floor.seats:
        return
    touched = await client.read_flow_runs(
        flow_run_filter=in_states(_TOUCHED, floor.seats), sort=FlowRunSort.ID_DESC, limit=PAGE
    )
    for run in touched:
        seat = floor.seats.get(run.id)
        if seat is None or run.state is None:
            continue
        if is_suspended_flow_run_state(run.state):
            mark_flow_run_suspension_requested(run.id, run.state)
        elif run.state.type in {StateType.CANCELLING, StateType.CANCELLED}:
            seat.interrupt(Interruption.CANCELLED)
