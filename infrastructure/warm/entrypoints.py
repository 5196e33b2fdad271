"""Find the flow function of a run: imported once, kept."""

import time
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.flows import load_flow_from_entrypoint

TRUST_S = 60.0


class NotRunnableError(Exception):
    """The run's flow cannot be run by a warm worker; the message says why and what to do."""


class Entrypoints:
    """The flows this process has imported, by deployment.

    A deployment is asked for its entrypoint again after ``TRUST_S`` seconds; a module stays
    imported for the life of the process, so new code needs a new worker.
    """

    def __init__(self) -> None:
        self._by_deployment: dict[UUID, tuple[float, str]] = {}
        self._flows: dict[str, Flow[..., Any]] = {}

    async def flow_of(self, run: FlowRun, client: PrefectClient) -> Flow[..., Any]:
        """Return the asynchronous flow that `run` belongs to; raise `NotRunnableError`."""
        if run.deployment_id is None:
            raise NotRunnableError("The run belongs to no deployment: start it from one.")
        entrypoint = await self._entrypoint(run.deployment_id, client)
        flow = self._flows.get(entrypoint)
        if flow is None:
            flow = self._flows[entrypoint] = load(entrypoint)
        return flow

    async def _entrypoint(self, deployment_id: UUID, client: PrefectClient) -> str:
        known = self._by_deployment.get(deployment_id)
        if known is not None and time.monotonic() - known[0] < TRUST_S:
            return known[1]
        deployment = await client.read_deployment(deployment_id)
        if not deployment.entrypoint:
            raise NotRunnableError(
                f"The deployment {deployment.name!r} names no entrypoint: deploy it again."
            )
        self._by_deployment[deployment_id] = (time.monotonic(), deployment.entrypoint)
        return deployment.entrypoint


def load(entrypoint: str) -> Flow[..., Any]:
    """Import the flow at `entrypoint` ("flows.requisition.requisition")."""
    if ":" in entrypoint:
        raise NotRunnableError(
            f"The entrypoint {entrypoint!r} is a file: the warm worker imports flows by module"
            " path, as in 'flows.requisition.requisition'."
        )
    try:
        flow: Flow[..., Any] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    except Exception as error:
        raise NotRunnableError(f"Could not import {entrypoint!r}: {error!r}") from error
    if not flow.isasync or flow.isgenerator:
        raise NotRunnableError(
            f"The flow {flow.name!r} is not an 'async def': run it in a process work pool."
        )
    return flow
