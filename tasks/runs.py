"""The runs of cases in the dashboard: found by the case's name, and made under it."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Suspended

from blocks.records.ledger import Line

PAGE = 200
DEPLOYMENT = "{}/main"


def asleep(on: str) -> State[Any]:
    """Make the state of a run that sleeps. Its key is random: it carries no meaning, as the ledger has the answer."""
    state: State[Any] = Suspended(pause_key=uuid4().hex)
    state.message = f"Waits for {on}"
    return state


async def runs_of(cases: Iterable[str], client: PrefectClient) -> dict[str, FlowRun]:
    """Find the run of each case, by name."""
    names = list(cases)
    found: dict[str, FlowRun] = {}
    for start in range(0, len(names), PAGE):
        wanted = FlowRunFilter(name=FlowRunFilterName(any_=names[start : start + PAGE]))
        for run in await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, sort=FlowRunSort.START_TIME_ASC):
            found[run.name] = run
    return found


async def make_run(case: str, received: Line, client: PrefectClient, state: State[object] | None = None) -> FlowRun:
    """Make the run of a case: named after it, once, however often it is asked for; scheduled, or in *state*."""
    deployment = await client.read_deployment_by_name(DEPLOYMENT.format(received.body["process"]))
    return await client.create_flow_run_from_deployment(
        deployment.id,
        name=case,
        idempotency_key=case,
        parameters={"request": received.body["request"]},
        state=state,
    )
