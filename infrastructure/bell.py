"""Answering the bell: find or make the run of each case that was rung for, and say which to start.

One case, one run, while they come one by one. When more wake at once than can be started promptly, one
group run carries them all.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Scheduled

from blocks import connect
from blocks.ledger import Chain
from infrastructure.warm.rings import Answered

GROUP_FROM = 12
"""Rings at once from which a group is quicker than runs of their own."""
PAGE = 200
DEPLOYMENT = "{}/main"
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


async def runs_of(cases: Iterable[str], client: PrefectClient) -> dict[str, FlowRun]:
    """Find the run of each case, by name."""
    names = list(cases)
    found: dict[str, FlowRun] = {}
    for start in range(0, len(names), PAGE):
        wanted = FlowRunFilter(name=FlowRunFilterName(any_=names[start : start + PAGE]))
        for run in await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, sort=FlowRunSort.START_TIME_ASC):
            found[run.name] = run
    return found


async def _begin(case: str, client: PrefectClient) -> list[UUID | FlowRun]:
    """Make the run of a case that has none: named after it, once, however often it is rung for."""
    received = (await connect.ledger().read(case)).last("received")
    if received is None:
        return []
    deployment = await client.read_deployment_by_name(DEPLOYMENT.format(received.body["process"]))
    run = await client.create_flow_run_from_deployment(
        deployment.id,
        name=case,
        idempotency_key=case,
        parameters={"request": received.body["request"]},
    )
    return [run]


async def _wake(run: FlowRun, client: PrefectClient) -> list[UUID | FlowRun]:
    """Wake a run that sleeps; one that was ended from outside goes on if its case has not ended."""
    if run.state and run.state.is_paused():
        resumed = await client.resume_flow_run(run.id)
        return [run.id] if resumed.status == SetStateStatus.ACCEPT else []
    if has_ended(await connect.ledger().read(run.name)):
        return []
    again: State[Any] = Scheduled(message="Goes on: the ledger does not know this case as ended")
    await client.set_flow_run_state(run.id, again, force=True)
    return [run.id]


def has_ended(chain: Chain) -> bool:
    """Say whether there is nothing left to do for a case."""
    return chain.last("ended") is not None


async def _group(cases: list[str], client: PrefectClient) -> Answered:
    """Make one run that carries all of them, but for those whose own run is busy just now."""
    runs = await runs_of(cases, client)
    busy = {name: run for name, run in runs.items() if run.state and (run.state.is_running() or run.state.is_pending())}
    later = {run.id: name for name, run in busy.items()}
    rest = [case for case in cases if case not in busy]
    deployment = await client.read_deployment_by_name(GROUP)
    run = await client.create_flow_run_from_deployment(
        deployment.id, name=f"{len(rest)} cases {uuid4().hex[:6]}", parameters={"cases": rest}
    )
    return Answered(now=[run], later=later)
