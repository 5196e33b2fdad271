"""The warm worker: a Prefect worker that keeps flows imported and runs them in its own process."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol
from uuid import UUID

import anyio.abc
from prefect.client.schemas.objects import FlowRun
from prefect.types._datetime import now
from prefect.workers.base import (
    BaseJobConfiguration,
    BaseVariables,
    BaseWorker,
    BaseWorkerResult,
)

from infrastructure.warm.attempt import Attempts
from infrastructure.warm.bell import bell_app, bell_server
from infrastructure.warm.client import RunClient, SharedClient, idle_client
from infrastructure.warm.engine import Interruption
from infrastructure.warm.floor import Floor, Seat
from infrastructure.warm.memory import rss_mb
from infrastructure.warm.ownership import new_owner
from infrastructure.warm.rescue import rescue
from infrastructure.warm.rings import Answer, Rings
from infrastructure.warm.watch import heed_the_server

logger = logging.getLogger("almoner.worker")


class Missed(Protocol):
    """Finds the cases that stand still although somebody may have rung for them: rings are lost with who heard them.

    When the worker starts, those too that have only just come to stand: its last life heard of them a moment ago.
    """

    async def __call__(self, *, at_start: bool) -> Iterable[str]:
        """List the cases to ring for."""
        ...


@dataclass(frozen=True)
class Habits:
    """How a warm worker goes about it. Times in seconds."""

    limit: int = 16  # runs at once
    poll_s: float = 5.0  # the safety net: what nobody rang for
    watch_s: float = 2.0  # how soon a cancellation is heeded
    rescue_s: float = 3.0  # how often dead workers' runs are looked for
    lookout_s: float = 3.0  # how often cases that stand still are
    heartbeat_s: int = 4  # after three missed ones the worker counts as dead: with rescue, 20 s after it died
    grace_s: float = 20.0  # for running runs when the worker is asked to stop
    max_rss_mb: float = 900.0
    max_runs: int = 20_000


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """Run asynchronous flows in this process, concurrently, as soon as somebody rings.

    Register runs with an ordinary work pool of type ``almoner-warm`` (made on first start) and
    deployments whose entrypoint is a module path; pull steps are not used.
    """

    type: ClassVar[str] = "almoner-warm"  # type: ignore[misc]  # Prefect declares it per instance
    job_configuration = BaseJobConfiguration
    _description = "Runs asynchronous flows inside the worker's own process."

    def __init__(
        self, pool: str, name: str, answer: Answer, habits: Habits | None = None, missed: Missed | None = None
    ) -> None:
        self.habits = habits or Habits()
        self._missed, self._has_looked = missed, False
        super().__init__(
            work_pool_name=pool,
            name=name,
            prefetch_seconds=0,
            heartbeat_interval_seconds=self.habits.heartbeat_s,
        )
        self.owner = new_owner(name)
        self.floor = Floor(self.habits.limit)
        self.rings = Rings(answer, self.start_run)
        self.after_run: list[Callable[[FlowRun], Coroutine[Any, Any, None]]] = []
        self.renew = False
        self._attempts = Attempts(self.owner)
        self._closing = asyncio.Event()
        self._known = asyncio.Event()

    @classmethod
    def get_default_base_job_template(cls) -> dict[str, Any]:
        """Nothing to configure: a run brings its parameters, the worker is the infrastructure."""
        nothing: dict[str, Any] = {"type": "object", "properties": {}}
        return {"job_configuration": {"env": {}}, "variables": nothing}  # empty is refused

    def stop(self) -> None:
        """Ask the worker to finish: no new runs, grace for the running ones, then hand back."""
        self._closing.set()

    def start_run(self, run_id: UUID, run: FlowRun | None = None) -> None:
        """Run this scheduled run as soon as there is room, without waiting for a poll."""
        if not self._closing.is_set():
            self.floor.queue(run_id, run)
            self._fill()

    def health(self) -> dict[str, Any]:
        """Tell how the worker is, in numbers."""
        return {
            "worker": self.owner.worker,
            "boot": self.owner.boot,
            "pool": self._work_pool_name,
            "connected": self._has_successfully_synced,
            "stopping": self._closing.is_set(),
            "running": len(self.floor.seats),
            "waiting": self.floor.waiting + self.rings.waiting,
            "runs": self._attempts.count,
            "rss_mb": round(rss_mb(), 1),
        }

    async def serve(self, bell: socket.socket) -> None:
        """Work until `stop` is called or the worker is due to be renewed (`renew` is then set)."""
        server = bell_server(bell_app(self.rings.ring, self.health))
        listening = asyncio.create_task(server.serve(sockets=[bell]), name="bell")
        try:
            with idle_client():
                async with SharedClient() as shared, self:  # in this order, its heartbeats too go by our client
                    await self._work(shared.client)
        finally:
            server.should_exit = True
            await listening

    async def _work(self, client: RunClient) -> None:
        self._shared = client
        self._context = copy_context()  # every run begins with this one, not with another run's
        async with _background(
            self.rings.serve(client, self.floor.seats.__contains__),
            self._repeat(self._sync, self.heartbeat_interval_seconds),
            self._repeat(self._watch, self.habits.watch_s),
            self._once_known(self._rescue, self.habits.rescue_s),
            self._once_known(self._poll, self.habits.poll_s),
            self._once_known(self._look_out, self.habits.lookout_s),
        ):
            await self._closing.wait()
            self.floor.forget_the_line()
            await self._let_finish()

    async def _sync(self) -> None:
        """Tell the server that we live."""
        await self.sync_with_backend()
        if self._has_successfully_synced:
            self._known.set()

    async def _once_known(self, work: Callable[[], Coroutine[Any, Any, Any]], every_s: float) -> None:
        """Do `work` again and again, the first time as soon as the server knows us."""
        await self._known.wait()
        await self._repeat(work, every_s)

    async def _let_finish(self) -> None:
        """Give running runs their grace; hand back what then still runs."""
        deadline = asyncio.get_running_loop().time() + self.habits.grace_s
        while self._tasks() and asyncio.get_running_loop().time() < deadline:
            await asyncio.wait(self._tasks(), timeout=0.5)
        for seat in list(self.floor.seats.values()):
            seat.interrupt(Interruption.HANDED_BACK)
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=10)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [seat.task for seat in self.floor.seats.values() if seat.task is not None]

    async def _poll(self) -> None:
        """Find scheduled runs that nobody rang for."""
        if self._closing.is_set():
            return
        for found in await self._get_scheduled_flow_runs():
            self.start_run(found.flow_run.id)  # what is found here comes without its state
        self._last_polled_time = now("UTC")

    async def _watch(self) -> None:
        await heed_the_server(self._shared, self.floor)
        if not self._closing.is_set() and self._is_due_for_renewal():
            self.renew = True
            self.stop()

    def _is_due_for_renewal(self) -> bool:
        if self._attempts.count >= self.habits.max_runs:
            logger.info("Renewing the worker after %d runs.", self._attempts.count)
            return True
        if (rss := rss_mb()) > self.habits.max_rss_mb:
            logger.warning("Renewing the worker: it holds %.0f MB.", rss)
            return True
        return False

    async def _rescue(self) -> None:
        """Take up what dead workers left behind."""
        if self._closing.is_set():
            return
        for run in await rescue(self._shared, self._work_pool_name, self.owner, self.floor):
            self.start_run(run.id)

    async def _look_out(self) -> None:
        """Ring for what stands still: what our last life heard of and did not do, and what failed in anybody's."""
        if self._missed and not self._closing.is_set():
            self.rings.ring(await self._missed(at_start=not self._has_looked))
            self._has_looked = True

    def _fill(self) -> None:
        for seat, run in self.floor.admit():
            seat.task = asyncio.create_task(
                self._carry(seat, run), name=f"run {seat.run_id}", context=self._context.copy()
            )
            seat.task.add_done_callback(partial(self._left, seat))

    async def _carry(self, seat: Seat, run: FlowRun | None) -> None:
        carried = await self._attempts.carry(seat, run, self._shared)
        if carried is not None:
            for hook in self.after_run:
                await hook(carried)

    def _left(self, seat: Seat, task: asyncio.Task[None]) -> None:
        """Free the seat, also of a run whose task never got to its first line."""
        if not task.cancelled() and (error := task.exception()):
            logger.error("After run %s: %r", seat.run_id, error)
        self.floor.leave(seat)
        self.rings.run_ended(seat.run_id)
        if not self._closing.is_set():
            self._fill()

    async def _repeat(self, work: Callable[[], Coroutine[Any, Any, Any]], every_s: float) -> None:
        """Do `work` now and every so often, also when it fails: the server may be away."""
        failures = 0
        while True:
            try:
                await work()
                failures = 0
            except Exception as error:  # noqa: BLE001  # whatever it was, the next try may do
                failures += 1
                level = logging.WARNING if failures in {1, 10, 100} else logging.DEBUG
                logger.log(level, "%s failed, will try again: %r", work.__name__, error)
            await asyncio.sleep(every_s)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,  # noqa: ARG002  # Prefect's signature
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Run one flow run here, as Prefect's worker interface has it."""
        if task_status is not None:
            task_status.started(1)
        seat = Seat(flow_run.id, task=asyncio.current_task())
        async with SharedClient() as shared:
            await self._attempts.carry(seat, flow_run, shared.client)
        return BaseWorkerResult(identifier=str(self.owner), status_code=0)


@contextlib.asynccontextmanager
async def _background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
