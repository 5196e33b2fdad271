"""Answering the bell, as far as it needs no server that runs anything."""

from uuid import uuid4

from prefect.client.schemas.objects import FlowRun
from prefect.states import Running

from infrastructure.bell import GROUP_FROM, answer


class AllBusy:
    """A Prefect server on which the run of every case is running, and which takes no new runs."""

    def __init__(self, cases: list[str]) -> None:
        self.runs = [FlowRun(name=case, flow_id=uuid4(), state=Running()) for case in cases]

    async def read_flow_runs(self, **_: object) -> list[FlowRun]:
        return self.runs


async def test_many_rings_for_cases_that_are_all_busy_make_no_empty_group():
    cases = [f"RQ-{number}" for number in range(GROUP_FROM)]
    server = AllBusy(cases)
    answered = await answer(cases, server)
    assert list(answered.now) == []
    assert answered.later == {run.id: run.name for run in server.runs}
