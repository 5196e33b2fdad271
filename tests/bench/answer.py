"""The shortest answer to a ring, for benches and tests: a case is the id of its flow run."""

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import SetStateStatus

from infrastructure.warm.rings import Answered


async def answer(cases: list[str], client: PrefectClient) -> Answered:
    """Resume each run; one that still runs is to be rung for again when it has suspended."""
    now: list[UUID | FlowRun] = []
    later: dict[UUID, str] = {}
    for case in cases:
        run_id = UUID(case)
        run = await client.read_flow_run(run_id)
        if run.state and run.state.is_paused():
            resumed = await client.resume_flow_run(run_id)
            if resumed.status == SetStateStatus.ACCEPT:
                run.empirical_policy.resuming = True
                run.state = resumed.state
                now.append(run)
        elif run.state and (run.state.is_running() or run.state.is_pending()):
            later[run_id] = case
        elif run.state and run.state.is_scheduled():
            now.append(run_id)
    return Answered(now=now, later=later)
