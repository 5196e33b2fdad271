"""A few of the stories again, on Prefect's own engine: runs, tasks, suspension, resumption, states, artifacts."""

import asyncio

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.sorting import TaskRunSort

from tests.stories.engine import ON_AN_ENGINE, awake, request_of, run_of

pytestmark = ON_AN_ENGINE


async def steps_seen(client: PrefectClient, run, until: str) -> set[str]:
    """Read the steps the dashboard shows; they reach it as events, a moment later."""
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    names: set[str] = set()
    for _ in range(100):
        tasks = await client.read_task_runs(flow_run_filter=of_run, limit=50, sort=TaskRunSort.NAME_ASC)
        names = {task.name.rsplit("-", 1)[0] for task in tasks}
        if until in names:
            break
        await asyncio.sleep(0.2)
    return names


async def test_a_case_suspends_wakes_and_orders_once(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        asleep = await awake(client, run, hospital)
        assert (asleep.name, asleep.message) == ("Suspended", "Waits for implant-coordinator of OR")
        await hospital.answer(case, "ivo.petrov")
        await client.resume_flow_run(run.id)
        done = await awake(client, run, hospital)
        assert (done.name, done.is_completed()) == ("Ordered", True)
        seen = await steps_seen(client, run, until="tell_requester")
    assert len(hospital.erp.orders()) == 1
    assert {"look_up", "hold_funds", "issue_order", "tell_requester"} <= seen


async def test_a_resume_without_a_decision_only_sends_it_back_to_sleep(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        for _ in range(3):
            assert (await awake(client, run, hospital)).is_paused()
            await client.resume_flow_run(run.id)
    assert not hospital.erp.orders()
    assert len(list(hospital.desk.cards("approvals"))) == 1


async def test_a_run_begun_from_the_dashboards_form_becomes_a_case(hospital):
    form = {"requester": "rita.okafor", "cost_centre": "OR", "item": "IVSET-20", "quantity": 40}
    async with run_of("eager-otter", form) as (client, run):
        assert (await awake(client, run, hospital)).name == "Ordered"
        renamed = await client.read_flow_run(run.id)
        case = await hospital.chain(renamed.name)
    assert case.lines[0].source == "dashboard"


async def test_a_form_filled_in_for_somebody_who_left_says_so(hospital):
    form = {"requester": "gus.varga", "cost_centre": "OR", "item": "IVSET-20", "quantity": 40}
    async with run_of("brave-lynx", form) as (client, run):
        failed = await awake(client, run, hospital)
    assert failed.is_failed()
    assert "Gus Varga is no longer active" in failed.message


async def test_the_result_and_the_report_are_kept_in_the_store(hospital):
    case = await hospital.submit("IVSET-20", 40)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await awake(client, run, hospital)
    kept = [blob.key async for blob in hospital.ledger.store.list("results/1/")]
    chain = await hospital.chain(case)
    assert kept == [f"results/1/{case}/{chain.seq:08}~{chain.head}.json"]
