"""The Prefect client that all runs of this process share.

One connection pool instead of one a run; and the two requests left out that the engine makes
about a run it was just told about: recording a flow version that is already recorded, and reading
back a run that was set Running the moment before.
"""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, FlowRunPolicy
from prefect.context import AsyncClientContext, ContextModel, SyncClientContext
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY, PREFECT_API_URL

AGAIN_S = 0.25
AWAY_S = 60.0
"""For how long one knocks at a server that is away."""
_Recorded = tuple[str | None, int | None, object]  # flow version, retries, their delay


class Knocking(httpx.AsyncBaseTransport):
    """Knocks four times a second at a server that is being started again, as long as nothing was sent.

    Prefect's client waits for 2, 4, 8, 16 and 32 s: whoever asked just when the server died would hear of its return
    half a minute late, and so would the heartbeats by which a worker counts as living.
    """

    def __init__(self, inside: httpx.AsyncBaseTransport, away_s: float = AWAY_S) -> None:
        self._inside, self._away_s = inside, away_s
        self._has_connected = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on; `httpx.ConnectError` where nobody opens for a minute, or never did: then at once."""
        until = monotonic() + self._away_s
        while True:
            try:
                answer = await self._inside.handle_async_request(request)
            except httpx.ConnectError:
                if not self._has_connected or monotonic() > until:
                    raise
                await asyncio.sleep(AGAIN_S)
            else:
                self._has_connected = True
                return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inside.aclose()


class RunClient(PrefectClient):
    """A Prefect client that remembers what the server said of the runs this process carries."""

    def __init__(self, api: str, **settings: Any) -> None:
        super().__init__(api, **settings)
        self._client._transport = Knocking(self._client._transport)  # noqa: SLF001  made by Prefect, as its settings say
        self._recorded: dict[UUID, _Recorded] = {}
        self._just_running: dict[UUID, FlowRun] = {}

    def carries(self, run: FlowRun) -> None:
        """Remember a run as the server has just given it."""
        policy = run.empirical_policy
        self._recorded[run.id] = (run.flow_version, policy.retries, policy.retry_delay)

    def started(self, run: FlowRun) -> None:
        """Remember a run that was just set Running, so that it need not be read back."""
        if run.empirical_policy.resuming:
            run.empirical_policy.resuming = False
        else:
            run.run_count += 1
        self._just_running[run.id] = run

    def forget(self, run_id: UUID) -> None:
        """Let go of a run that this process carries no more."""
        self._recorded.pop(run_id, None)
        self._just_running.pop(run_id, None)

    async def read_flow_run(self, flow_run_id: UUID) -> FlowRun:
        """Read a run; once, and right after its start, from memory."""
        if run := self._just_running.pop(flow_run_id, None):
            return run
        return await super().read_flow_run(flow_run_id)

    async def update_flow_run(  # noqa: PLR0913, PLR0917  # Prefect's signature
        self,
        flow_run_id: UUID,
        flow_version: str | None = None,
        parameters: dict[str, Any] | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        empirical_policy: FlowRunPolicy | None = None,
        infrastructure_pid: str | None = None,
        job_variables: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """Update a run, unless the server knows all of it already."""
        others = (parameters, name, tags, infrastructure_pid, job_variables)
        if empirical_policy is not None and all(other is None for other in others):
            policy = empirical_policy
            said: _Recorded = (flow_version, policy.retries, policy.retry_delay)
            if self._recorded.get(flow_run_id) == said:
                return httpx.Response(httpx.codes.NO_CONTENT)
        return await super().update_flow_run(
            flow_run_id,
            flow_version=flow_version,
            parameters=parameters,
            name=name,
            tags=tags,
            empirical_policy=empirical_policy,
            infrastructure_pid=infrastructure_pid,
            job_variables=job_variables,
        )


def idle_client() -> SyncClientContext:
    """Give Prefect a blocking client to find: it makes one in every run and never uses it.

    Making one costs 10 to 20 ms, most of it spent on certificates for a loopback address.
    """
    return SyncClientContext()


class SharedClient(AsyncClientContext):
    """The context in which Prefect's engines and helpers find the one `RunClient`."""

    client: RunClient

    def __init__(self) -> None:
        ContextModel.__init__(  # AsyncClientContext would make a client of Prefect's own
            self,
            client=RunClient(
                str(PREFECT_API_URL.value()),
                auth_string=PREFECT_API_AUTH_STRING.value(),
                api_key=PREFECT_API_KEY.value(),
            ),
        )
