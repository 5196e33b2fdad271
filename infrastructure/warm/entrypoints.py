"""Find the flow function of a run: imported once, kept."""

import asyncio
import time
from copy import copy
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.flows import load_flow_from_entrypoint
from prefect.results import (
    _aget_default_persist_result,
    aget_default_result_storage,
    aresolve_result_storage,
)

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
        self._importing = asyncio.Lock()

    async def flow_of(self, run: FlowRun, client: PrefectClient) -> Flow[..., Any]:
        """Return the asynchronous flow that `run` belongs to; raise `NotRunnableError`."""
        if run.deployment_id is None:
            raise NotRunnableError("The run belongs to no deployment: start it from one.")
        entrypoint = await self._entrypoint(run.deployment_id, client)
        async with self._importing:
            flow = self._flows.get(entrypoint)
            if flow is None:
                flow = self._flows[entrypoint] = await _with_storage(load(entrypoint))
        return flow

    async def _entrypoint(self, deployment_id: UUID, client: PrefectClient) -> str:
        known = self._by_deployment.get(deployment_id)
        if known is not None and time.monotonic() - known[0] < TRUST_S:
            return known[1]
        deployment = await client.read_deployment(deployment_id)
        if not deployment.entrypoint:
            raise NotRunnableError(f"The deployment {deployment.name!r} names no entrypoint: deploy it again.")
        self._by_deployment[deployment_id] = (time.monotonic(), deployment.entrypoint)
        return deployment.entrypoint


async def _with_storage(flow: Flow[..., Any]) -> Flow[..., Any]:
    """Settle where results go once, not in every run: Prefect asks its server each time.

    It does so twice a run, once of them with a blocking client, on everybody's event loop.
    """
    persist = flow.persist_result
    if persist is None:
        persist = await _aget_default_persist_result()
    storage = flow.result_storage
    if not isinstance(storage, Block):
        storage = await aget_default_result_storage() if storage is None else await aresolve_result_storage(storage)
    settled = copy(flow)  # `with_options` refuses a storage that is no saved block
    settled.persist_result, settled.result_storage = persist, storage
    return settled


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
        raise NotRunnableError(f"The flow {flow.name!r} is not an 'async def': run it in a process work pool.")
    return flow
