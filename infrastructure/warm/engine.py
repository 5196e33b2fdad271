"""Prefect's asynchronous flow engine, fitted to run many runs in one process.

Prefect's own engine is made for one process a run. For each run of a deployment it starts a thread
with an event loop and a websocket of its own (to learn of suspensions from outside), and it joins
that thread from the event loop it shares with everybody else: with eight runs at once, all eight
stand still while one of them ends. It also starts a thread for heartbeats, and it takes every
cancelled task for a crash. The worker watches all its runs with one query instead (``watch``), and
tells the engine why a run was interrupted.
"""

from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from anyio import CancelScope
from prefect import Flow
from prefect._flow_run_suspension import (
    FlowRunSuspensionRequest,
    register_flow_run_suspension_request,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_engine import AsyncFlowRunEngine
from prefect.states import AwaitingRetry, Cancelled
from prefect.utilities.callables import get_call_parameters, parameters_to_args_kwargs

from infrastructure.warm.client import RunClient


class Interruption(Enum):
    """Why the worker cancelled a run's task."""

    CANCELLED = "Cancelled by request."
    HANDED_BACK = "The worker stopped; the run goes on from the ledger when one starts."

    def state(self) -> State[Any]:
        """Return the state in which it leaves the run."""
        if self is Interruption.CANCELLED:
            return Cancelled(message=self.value)
        return AwaitingRetry(message=self.value)


class WarmEngine(AsyncFlowRunEngine[Any, Any]):
    """One attempt of one flow run, beside others on the same event loop.

    ``owner`` is written into the Running state's message: it names the worker instance that
    carries the run, so that what a dead one left behind can be told from what a living one runs.
    """

    interruption: Interruption | None = None
    owner: str = ""

    @property
    def heartbeat_seconds(self) -> int | None:
        """No thread a run: the worker's own heartbeat speaks for all of them."""
        return None

    @contextmanager
    def setup_flow_run_suspension_request(self) -> Generator[FlowRunSuspensionRequest]:
        """Let the run be suspended from outside, without an observer thread of its own."""
        if self.flow_run is None:  # Prefect's own guard, kept
            raise ValueError("Flow run not set")
        request = self._get_flow_run_suspension_request()
        with register_flow_run_suspension_request(self.flow_run.id, request):
            request.raise_if_requested()
            yield request

    async def set_state(self, state: State[Any], force: bool = False) -> State[Any]:
        """Propose a state; a Running one carries the name of the instance that runs it."""
        if state.is_running() and state.message is None:
            state.message = self.owner
        reached = await super().set_state(state, force=force)
        if reached.is_running() and self.flow_run and isinstance(self.client, RunClient):
            self.client.started(self.flow_run)
        return reached

    async def handle_crash(self, exc: BaseException) -> None:
        """Report a crash, unless the worker itself interrupted the run and knows why."""
        if self.interruption is None:
            await super().handle_crash(exc)
            return
        with CancelScope(shield=True):
            self.logger.info(self.interruption.value)
            await self.set_state(self.interruption.state(), force=True)


def call_parameters(flow: Flow[..., Any], flow_run: FlowRun) -> dict[str, Any]:
    """Return the run's parameters completed by the defaults of the flow function."""
    args, kwargs = parameters_to_args_kwargs(flow.fn, flow_run.parameters)
    return get_call_parameters(flow.fn, args, kwargs)


async def conduct(engine: WarmEngine) -> None:
    """Run the flow to its end or to its next suspension (`prefect.exceptions.Pause`).

    A flow that fails has its state set to Failed and raises nothing here.
    """
    async with engine.start():
        while engine.is_running():
            async with engine.run_context():
                _ = await engine.call_flow_fn()
