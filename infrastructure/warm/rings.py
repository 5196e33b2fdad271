"""Rings: somebody decided something about a case; see whether its run can go on.

A ring carries no answer, only the name of the case. What it does is the business of the `Answer`
the worker was given. Rings that arrive while one is being answered are answered together, so a
burst of clicks becomes a few calls with many cases each. A ring may be lost (a crash, a stop):
the worker's safety-net poll and the house's upkeep find what it would have woken.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun

TRIES = 5
LOOK_AGAIN_S = 1.0

logger = logging.getLogger("almoner.bell")


@dataclass(frozen=True)
class Answered:
    """What came of some rings.

    ``now``: runs to start at once. ``later``: runs that are still busy, each with the case to ring
    for again when the run's task has ended or suspended (a ring never gets lost in between).
    """

    now: Iterable[UUID | FlowRun] = ()
    later: Mapping[UUID, str] = field(default_factory=dict)


class Answer(Protocol):
    """Finds or makes the runs to start for these cases.

    Called with distinct cases, never twice at the same time. It resumes a case's suspended run
    (or creates one, or one group run) and returns the ids of the runs to start now; a bare list
    of ids will do. Raising means: ring again in a moment, up to ``TRIES`` times.
    """

    async def __call__(self, cases: list[str], client: PrefectClient) -> Answered | Iterable[UUID]:
        """Answer the rings for `cases`."""
        ...


class Rings:
    """Cases rung for and not yet answered."""

    def __init__(self, answer: Answer, start: Callable[[UUID, FlowRun | None], None]) -> None:
        self._answer = answer
        self._start = start
        self._cases: dict[str, int] = {}  # case -> tries so far
        self._after: dict[UUID, set[str]] = {}
        self._heard = asyncio.Event()

    def ring(self, cases: Iterable[str]) -> None:
        """Hear rings; they are answered in the background."""
        for case in cases:
            self._cases.setdefault(case, 0)
        if self._cases:
            self._heard.set()

    def run_ended(self, run_id: UUID) -> None:
        """Ring again for the cases that had to wait for this run."""
        self.ring(self._after.pop(run_id, ()))

    @property
    def waiting(self) -> int:
        """How many cases were rung for and are not answered yet."""
        return len(self._cases) + sum(map(len, self._after.values()))

    async def serve(self, client: PrefectClient, is_running: Callable[[UUID], bool]) -> None:
        """Answer rings until cancelled."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            heard, self._cases = self._cases, {}
            try:
                answered = await self._answer(list(heard), client)
                self._follow(answered if isinstance(answered, Answered) else Answered(answered), is_running)
            except Exception:
                logger.exception("Could not answer the ring for %s", ", ".join(heard))
                await self._hear_again(heard)

    def _follow(self, answered: Answered, is_running: Callable[[UUID], bool]) -> None:
        for run in answered.now:
            self._start(*((run.id, run) if isinstance(run, FlowRun) else (run, None)))
        for run_id, case in answered.later.items():
            self._after.setdefault(run_id, set()).add(case)
            if not is_running(run_id):  # it ended, or lives elsewhere: look once more soon
                asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self.run_ended, run_id)

    async def _hear_again(self, heard: Mapping[str, int]) -> None:
        tired = [case for case, tries in heard.items() if tries + 1 >= TRIES]
        if tired:
            logger.error("Left to the upkeep after %d tries: %s", TRIES, ", ".join(tired))
        for case, tries in heard.items():
            if case not in tired:
                self._cases[case] = tries + 1
        await asyncio.sleep(min(2.0 ** max(heard.values()), 30.0) / 4)
        if self._cases:
            self._heard.set()
