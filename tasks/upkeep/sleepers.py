"""Sleepers: the runs of what waits sleep, whatever somebody set them to, and are found by their tags."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import to_state_create

from blocks.errors import ConflictError, OutsideError
from blocks.ledger import Ledger
from tasks.broken import broken_by, of_ours
from tasks.decide import waits_for
from tasks.runs import PAGE, asleep, runs_of
from tasks.upkeep.rounds import EVERYTHING, WAITS
from tasks.upkeep.settling import set_idle
from tasks.waking import woken

logger = logging.getLogger("almoner.upkeep")
ENDS = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED", "CANCELLING")
OURS = (WAITS, "late", "waits:", "cost-centre:", "due:")
"""How our tags begin: the others of a run are its own."""
CHANGES_MAX = 200
"""So many runs are tagged anew in one round at most; the rest is done by the next."""
AT_ONCE = 8
MAY_FAIL = (OutsideError, ConflictError, LookupError, ValueError, TypeError, AttributeError)
"""With one case, when its record is read; what Prefect refuses fails the round."""
NONE = frozenset[str]()


async def bring_back(waiting: Collection[str], client: PrefectClient, ledger: Ledger, at: datetime) -> list[str]:
    """Let the runs sleep again that are at an end although their cases wait; note whose end was set by hand.

    Returns the cases to ring for: somebody decided them meanwhile.
    """
    names, ring = sorted(waiting), list[str]()
    for start in range(0, len(names), PAGE):
        of_case = FlowRunFilterName(any_=names[start : start + PAGE])
        ended = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType(one) for one in ENDS]))
        wanted = FlowRunFilter(name=of_case, state=ended)
        found = await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, sort=FlowRunSort.ID_DESC)
        for run in found:
            try:
                if not await _back_to_sleep(run, client, ledger, at):
                    ring.append(run.name)
            except MAY_FAIL as error:
                told = broken_by(error, run.name).told
                logger.warning(
                    "%s: its run is looked at in the next round, %s", run.name, told, exc_info=of_ours(error)
                )
    return ring


async def _back_to_sleep(run: FlowRun, client: PrefectClient, ledger: Ledger, at: datetime) -> bool:
    """Let one run sleep; return whether its case waits still."""
    chain = await ledger.read(run.name)
    on = waits_for(chain)
    if on is None:
        return True  # it went on by itself
    if line := woken(chain, await client.read_flow_run_states(run.id), str(run.id), at):
        chain = await ledger.append(chain, [line])
    await set_idle([run.name], {*ENDS}, to_state_create(asleep(on)), client)
    logger.warning("%s waits, and its run was %s: it sleeps again", run.name, run.state_name)
    return waits_for(await ledger.read(run.name, known=chain)) is not None


class Tags:
    """The tags of the runs of what waits, as this process last set or found them: one request a run that changes."""

    def __init__(self) -> None:
        self._shown: dict[str, frozenset[str]] = {}
        self._look_again: datetime | None = None

    async def show(self, wanted: Mapping[str, frozenset[str]], client: PrefectClient, at: datetime) -> int:
        """Tag the runs of what waits, and take the tags off those that wait no more; return how many changed."""
        if self._look_again is None or at >= self._look_again:
            self._shown = {run.name: _ours(run.tags) async for run in _tagged(client)}
            self._look_again = at + EVERYTHING
        shown, room = self._shown, asyncio.Semaphore(AT_ONCE)
        changed = [x for x in sorted(wanted.keys() | shown.keys()) if wanted.get(x, NONE) != shown.get(x, NONE)]

        async def tag(run: FlowRun) -> None:
            new = wanted.get(run.name, NONE)
            async with room:
                await client.update_flow_run(run.id, tags=sorted((set(run.tags) - _ours(run.tags)) | new))
            if new:
                shown[run.name] = new
            else:
                shown.pop(run.name, None)

        runs = await runs_of(changed[:CHANGES_MAX], client)
        await asyncio.gather(*(tag(run) for run in runs.values()))
        for gone in changed[:CHANGES_MAX]:
            if gone not in runs and gone not in wanted:
                del shown[gone]
        return len(runs)


def _ours(tags: Collection[str]) -> frozenset[str]:
    return frozenset(one for one in tags if one in OURS or one.startswith(OURS[2:]))


async def _tagged(client: PrefectClient) -> AsyncIterator[FlowRun]:
    wanted, offset = FlowRunFilter(tags=FlowRunFilterTags(all_=[WAITS])), 0
    while found := await client.read_flow_runs(
        flow_run_filter=wanted, limit=PAGE, offset=offset, sort=FlowRunSort.ID_DESC
    ):
        for run in found:
            yield run
        offset += len(found)
