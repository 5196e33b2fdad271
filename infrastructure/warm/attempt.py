"""One attempt at one run: claim it, run its flow here, see to it that its end is reported."""

import asyncio
import logging
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.exceptions import Abort, ObjectNotFound, Pause
from prefect.states import Crashed, Pending

from infrastructure.warm.client import RunClient
from infrastructure.warm.engine import WarmEngine, call_parameters, conduct
from infrastructure.warm.entrypoints import Entrypoints, NotRunnableError
from infrastructure.warm.floor import Seat
from infrastructure.warm.ownership import Owner

REPORT_TRIES = 5

logger = logging.getLogger("almoner.worker")


class Attempts:
    """Makes attempts in the name of one worker instance and counts them."""

    def __init__(self, owner: Owner) -> None:
        self.count = 0
        self._owner = owner
        self._entrypoints = Entrypoints()

    async def carry(self, seat: Seat, run: FlowRun | None, client: RunClient) -> FlowRun | None:
        """Claim the run and carry it to its end or next suspension; None if it was not ours.

        Never raises: whatever happens to a run is said in its state, in its log, or at the
        very least in the worker's.
        """
        claimed: FlowRun | None = None
        try:
            claimed = await self._claim(seat, run, client)
            if claimed is not None:
                self.count += 1
                await self._conduct(seat, claimed, client)
        except asyncio.CancelledError:
            if claimed is not None:
                await _conclude(claimed, client, seat)
        except Exception as error:
            logger.exception("Could not run %s", seat.run_id)
            if claimed is not None:
                crashed: State[Any] = Crashed(message=f"The worker could not run it: {error!r}")
                await _report(claimed, client, crashed)
        finally:
            client.forget(seat.run_id)
        return claimed

    async def _claim(self, seat: Seat, run: FlowRun | None, client: RunClient) -> FlowRun | None:
        """Take the run from Scheduled to Pending; the server lets one claimant win."""
        try:
            if run is None or run.state is None:
                run = await client.read_flow_run(seat.run_id)
        except ObjectNotFound:
            logger.info("Run %s is gone.", seat.run_id)
            return None
        if run.state is None or not run.state.is_scheduled():
            return None
        pending: State[None] = Pending(message=str(self._owner))
        claim: OrchestrationResult[None] = await client.set_flow_run_state(run.id, pending)
        if claim.status != SetStateStatus.ACCEPT:
            return None
        run.state = claim.state
        client.carries(run)
        return run

    async def _conduct(self, seat: Seat, run: FlowRun, client: RunClient) -> None:
        try:
            flow = await self._entrypoints.flow_of(run, client)
        except NotRunnableError as error:
            await _report(run, client, Crashed(message=str(error)))
            return
        engine = self._engine(flow, run)
        seat.engine, engine.interruption = engine, seat.interruption
        try:
            await conduct(engine)
        except (Pause, Abort):
            pass  # suspended, or the server forbade to go on: its state says which
        except asyncio.CancelledError:
            logger.debug("Run %s was interrupted.", run.id)
        except BaseException as error:  # noqa: BLE001  # a flow's SystemExit must not end the worker
            logger.debug("Run %s ended by %r", run.id, error)
        state = engine.flow_run.state if engine.flow_run else None
        if state is None or state.is_pending() or state.is_running():
            await _conclude(run, client, seat)

    def _engine(self, flow: Flow[..., Any], run: FlowRun) -> WarmEngine:
        engine = WarmEngine(flow=flow, flow_run=run, parameters=call_parameters(flow, run))
        engine.owner = str(self._owner)
        return engine


async def _conclude(run: FlowRun, client: RunClient, seat: Seat) -> None:
    """Report a run whose engine did not come to do so: interrupted early, or the server was away."""
    lost: State[Any] = Crashed(message="The run ended without a report of its end.")
    await _report(run, client, seat.interruption.state() if seat.interruption else lost)


async def _report(run: FlowRun, client: RunClient, state: State[Any]) -> None:
    """Set the run's last state; if the server cannot be told now, `rescue` will see to it."""
    if state.is_crashed():
        logger.error("Flow run %s (%s) crashed: %s", run.name, run.id, state.message)
    for _ in range(REPORT_TRIES):
        try:
            await client.set_flow_run_state(run.id, state, force=True)
        except Exception:
            logger.exception("Could not report it")
            await asyncio.sleep(1)
        else:
            return
