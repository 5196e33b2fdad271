"""Prefect's own engine for a story: runs that are woken as a worker would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import State

from flows.requisition import requisition
from tests.hospital import Hospital

NUMBERS = count(100, 100)
"""Of the cases: no two tests may have the same, since they share a Prefect server."""
ON_AN_ENGINE = [
    pytest.mark.engine,
    pytest.mark.usefixtures("engine"),
    # Prefect's engine leaves connections of its harness to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]


@asynccontextmanager
async def run_of(case: str, request: dict[str, object]) -> AsyncIterator[tuple[PrefectClient, FlowRun]]:
    """Make the run of a case."""
    async with get_client() as client:
        deployment = await client.create_deployment(await client.create_flow(requisition), name="main")
        yield (
            client,
            await client.create_flow_run_from_deployment(deployment, name=case, parameters={"request": request}),
        )


async def awake(client: PrefectClient, run: FlowRun, hospital: Hospital) -> State:
    """Run a run as a worker would, to its end or to its sleep."""
    found = await client.read_flow_run(run.id)
    with hospital.bound():
        try:
            return await run_flow(
                requisition,
                flow_run=found,
                parameters=requisition.validate_parameters(found.parameters),
                return_type="state",
            )
        except Pause as pause:
            return pause.state


async def request_of(hospital: Hospital, case: str) -> dict[str, object]:
    return (await hospital.chain(case)).lines[0].body["request"]
