"""The runs this process carries at the moment, and the ones that wait for room."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from prefect.client.schemas.objects import FlowRun

from infrastructure.warm.engine import Interruption, WarmEngine


@dataclass
class Seat:
    """One run on the floor, from the claim to the end of its task."""

    run_id: UUID
    task: asyncio.Task[None] | None = None
    engine: WarmEngine | None = None
    interruption: Interruption | None = None
    again: bool = False  # asked for once more while it was still on its way out

    def interrupt(self, why: Interruption) -> None:
        """Cancel the run's task; the first reason given stands."""
        if self.interruption is not None:
            return
        self.interruption = why
        if self.engine is not None:
            self.engine.interruption = why
        if self.task is not None:
            self.task.cancel()


@dataclass
class Floor:
    """At most ``limit`` seats; who finds none waits in the order of asking."""

    limit: int
    seats: dict[UUID, Seat] = field(default_factory=dict)
    _line: deque[UUID] = field(default_factory=deque)
    _known: dict[UUID, FlowRun | None] = field(default_factory=dict)

    def queue(self, run_id: UUID, run: FlowRun | None = None) -> None:
        """Ask for a seat for this run; asking twice is asking once.

        A run that still sits here (it has suspended, its task has not quite ended) is asked for
        again when it has left.
        """
        if seat := self.seats.get(run_id):
            seat.again = True
        elif run_id not in self._known:
            self._known[run_id] = run
            self._line.append(run_id)

    def admit(self) -> Iterator[tuple[Seat, FlowRun | None]]:
        """Seat as many as there is room for; yield each seat with the run, if it is known."""
        while self._line and len(self.seats) < self.limit:
            run_id = self._line.popleft()
            seat = self.seats[run_id] = Seat(run_id)
            yield seat, self._known.pop(run_id)

    def leave(self, seat: Seat) -> None:
        """Free the seat."""
        self.seats.pop(seat.run_id, None)
        if seat.again:
            self.queue(seat.run_id)

    def forget_the_line(self) -> None:
        """Let go of those who wait: their runs stay scheduled and are found by the next worker."""
        self._line.clear()
        self._known.clear()

    @property
    def waiting(self) -> int:
        """How many runs wait for a seat."""
        return len(self._line)
