"""Runs are started, woken, told apart and ended as they should be."""

import asyncio
import time
from functools import partial
from uuid import UUID

import pytest
from prefect.client.schemas.sorting import LogSort

from tests.infrastructure.worker.house import House, Worker, until

pytestmark = [pytest.mark.engine, pytest.mark.e2e]


async def test_a_ring_wakes_a_suspended_run_at_once(house: House, worker: Worker) -> None:
    run = await house.waiting("RQ-1")
    worker.ring(run)
    await house.in_state(run, "Suspended")
    assert worker.health()["running"] == 0

    house.answer("RQ-1")
    rung = time.monotonic()
    worker.ring(run)
    await house.in_state(run, "Completed")
    assert time.monotonic() - rung < 5
    assert house.notes("RQ-1") == ["began", "began", "went on"]


async def test_a_suspended_run_leaves_no_error_in_its_log(house: House, worker: Worker) -> None:
    run = await house.waiting("RQ-1")
    worker.ring(run)
    await house.in_state(run, "Suspended")
    await until(lambda: _said(house, run, "Finished in state Suspended"), "the log to arrive")
    logs = await house.client.read_logs(limit=200, offset=0, sort=LogSort.TIMESTAMP_DESC)
    assert {log.level for log in logs if log.flow_run_id == run} == {20}


async def test_a_ring_for_a_run_that_is_about_to_suspend_is_not_lost(house: House, worker: Worker) -> None:
    run = await house.waiting("RQ-1", slow_s=2)
    worker.ring(run)
    await until(lambda: _noted(house, "RQ-1", "began"), "the run to begin")
    house.answer("RQ-1")  # too late for this attempt: it has looked already
    worker.ring(run)
    assert worker.health()["waiting"] <= 1
    await house.in_state(run, "Completed")
    assert house.notes("RQ-1") == ["began", "began", "went on"]


async def test_a_run_nobody_rang_for_is_found_by_the_poll(house: House) -> None:
    house.worker("--poll-s", "1")
    house.answer("RQ-1")
    await house.in_state(await house.waiting("RQ-1"), "Completed")
    assert house.notes("RQ-1") == ["began", "went on"]


async def test_a_run_rung_for_again_and_again_runs_once(house: House) -> None:
    workers = [house.worker("--poll-s", "1", "--name", name) for name in ("one", "two")]
    house.answer("RQ-1")
    run = await house.waiting("RQ-1")
    for worker in workers * 3:
        worker.ring(run)
    await house.in_state(run, "Completed")
    assert house.notes("RQ-1") == ["began", "went on"]


async def test_two_runs_at_once_keep_their_lines_apart(house: House, worker: Worker) -> None:
    words = ("aleph", "beth")
    runs = {word: await house.run("speaking", word=word, folder=str(house.folder), others=2) for word in words}
    worker.ring(*runs.values())
    for run in runs.values():
        await house.in_state(run, "Completed")
    for word, other in (words, words[::-1]):
        for logger in ("flow's own logger", "house's logger", "Prefect's run logger", "in a task"):
            told = partial(_told, house, runs[word], word, logger)
            await until(told, f"all that {word} told by {logger}")
        assert not [line for line in await house.lines(runs[word]) if line.startswith(other)]


async def test_a_running_run_is_cancelled_within_seconds(house: House, worker: Worker) -> None:
    from prefect.states import Cancelling

    run = await house.run("lasting", case="RQ-1", folder=str(house.folder))
    worker.ring(run)
    await until(lambda: _noted(house, "RQ-1", "began"), "the run to begin")
    await house.client.set_flow_run_state(run, Cancelling())
    await house.in_state(run, "Cancelled", within_s=5)
    await until(lambda: _idle(worker.health), "the worker to be idle", 5)
    assert house.notes("RQ-1") == ["began"]


async def test_a_suspended_run_can_be_cancelled(house: House, worker: Worker) -> None:
    from prefect.states import Cancelling

    run = await house.waiting("RQ-1")
    worker.ring(run)
    await house.in_state(run, "Suspended")
    await house.client.set_flow_run_state(run, Cancelling())
    house.answer("RQ-1")
    worker.ring(run)
    await asyncio.sleep(1)
    assert (await house.client.read_flow_run(run)).state_name == "Cancelled"
    assert house.notes("RQ-1") == ["began"]


async def test_a_run_suspended_from_outside_stops_at_its_next_step(house: House, worker: Worker) -> None:
    from prefect.states import Suspended

    house.answer("RQ-1")
    run = await house.run("stepping", case="RQ-1", folder=str(house.folder))
    worker.ring(run)
    await until(lambda: _noted(house, "RQ-1", "began"), "the run to begin")
    await house.client.set_flow_run_state(run, Suspended(timeout_seconds=None))
    await until(lambda: _idle(worker.health), "the worker to be idle", 10)
    assert (await house.client.read_flow_run(run)).state_name == "Suspended"


async def test_a_flow_that_exits_the_interpreter_is_crashed_and_the_worker_lives(house: House, worker: Worker) -> None:
    run = await house.run("leaving")
    worker.ring(run)
    crashed = await house.in_state(run, "Crashed")
    assert crashed.state is not None
    assert "system exit" in (crashed.state.message or "")
    assert worker.health()["running"] == 0


async def test_a_flow_that_fails_is_failed(house: House, worker: Worker) -> None:
    run = await house.run("failing")
    worker.ring(run)
    failed = await house.in_state(run, "Failed")
    assert "no such thing" in (failed.state.message if failed.state else "")


async def test_a_flow_that_is_no_coroutine_is_refused_with_a_reason(house: House, worker: Worker) -> None:
    run = await house.run("blocking")
    worker.ring(run)
    crashed = await house.in_state(run, "Crashed")
    assert "not an 'async def'" in (crashed.state.message if crashed.state else "")


async def _said(house: House, run: UUID, line: str) -> bool:
    return any(line in said for said in await house.lines(run))


async def _told(house: House, run: UUID, word: str, logger: str) -> bool:
    return len([line for line in await house.lines(run) if line.startswith(word) and logger in line]) == 3


async def _noted(house: House, case: str, what: str) -> bool:
    return what in house.notes(case)


async def _idle(health: object) -> bool:
    return health()["running"] == 0
