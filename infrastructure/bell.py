"""Answering the bell: find or make the run of each case that was rung for, and say which to start.

One case, one run, while they come one by one. When more wake at once than can be started promptly, one
group run carries them all.
"""

from typing import Any
from uuid import UUID, uuid4

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.states import Scheduled

from blocks import connect
from flows.upkeep.bells import LOOKOUT
from infrastructure.warm.rings import Answered
from tasks.results import is_finished
from tasks.runs import make_run, runs_of
from tasks.upkeep.lookout import PATIENCE_S
from tasks.waking import rung

GROUP_FROM = 12
"""Rings at once from which a group is quicker than runs of their own."""
GROUP = "group/main"


async def answer(cases: list[str], client: PrefectClient) -> Answered:
    """Answer the rings for some cases."""
    if len(cases) >= GROUP_FROM:
        return await _group(cases, client)
    runs = await runs_of(cases, client)
    now: list[UUID | FlowRun] = []
    later: dict[UUID, str] = {}
    for case in cases:
        run = runs.get(case)
        if run is None:
            now += await _begin(case, client)
        elif run.state and (run.state.is_running() or run.state.is_pending()):
            later[run.id] = case
        elif run.state and run.state.is_scheduled():
            now.append(run.id)
        else:
            now += await _wake(run, client)
    return Answered(now=now, later=later)


async def missed(*, at_start: bool) -> list[str]:
    """Find the cases that stand still: when a worker starts, if only since a moment ago."""
    return await LOOKOUT.standing_still(connect.ledger(), patience_s=0 if at_start else PATIENCE_S)


async def _begin(case: str, client: PrefectClient) -> list[UUID | FlowRun]:
    """Make the run of a case that has none, if it was ever received and is not finished without one."""
    chain = await connect.ledger().read(case)
    received = chain.last("received")
    if received is None or await is_finished(chain, connect.ledger()):
        return []
    return [await make_run(case, received, client)]


async def _wake(run: FlowRun, client: PrefectClient) -> list[UUID | FlowRun]:
    """Wake a run that sleeps; one that ended goes on if its case has not ended, or was not told of to its end."""
    if run.state and run.state.is_paused():
        woken = await client.set_flow_run_state(run.id, rung())  # as Prefect resumes, under a name that tells who
        return [run.id] if woken.status == SetStateStatus.ACCEPT else []
    if await is_finished(await connect.ledger().read(run.name), connect.ledger()):
        return []
    again: State[Any] = Scheduled(message="Goes on: the ledger does not know this case as finished")
    await client.set_flow_run_state(run.id, again, force=True)
    return [run.id]


async def _group(cases: list[str], client: PrefectClient) -> Answered:
    """Make one run that carries all of them, but for those whose own run is busy just now or about to start."""
    runs = await runs_of(cases, client)
    busy = {name: run for name, run in runs.items() if run.state and (run.state.is_running() or run.state.is_pending())}
    later = {run.id: name for name, run in busy.items()}
    due = {name: run.id for name, run in runs.items() if run.state and run.state.is_scheduled()}
    rest = [case for case in cases if case not in busy and case not in due]
    if not rest:
        return Answered(now=list(due.values()), later=later)
    deployment = await client.read_deployment_by_name(GROUP)
    run = await client.create_flow_run_from_deployment(
        deployment.id, name=f"{len(rest)} cases {uuid4().hex[:6]}", parameters={"cases": rest}
    )
    return Answered(now=[run, *due.values()], later=later)
