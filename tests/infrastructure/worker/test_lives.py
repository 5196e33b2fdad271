"""Workers stop, die, are renewed; no run is lost and none is taken from the living."""

import asyncio

import pytest

from infrastructure.worker import CANNOT_START, RENEW
from tests.bench import rig
from tests.infrastructure.worker.house import House, Worker, until

pytestmark = [pytest.mark.engine, pytest.mark.e2e]


async def test_runs_of_a_killed_worker_are_crashed_and_run_again(house: House) -> None:
    worker = house.worker("--poll-s", "60")
    run = await house.run("lasting", case="RQ-1", folder=str(house.folder), seconds=3)
    worker.ring(run)
    await until(lambda: _noted(house, "RQ-1", 1), "the run to begin")
    worker.kill()
    house.worker("--poll-s", "60", port=worker.port)
    await house.in_state(run, "Completed")
    assert house.notes("RQ-1") == ["began", "began", "ended"]
    history = await house.history(run)
    assert history.index("Crashed") < history.index("AwaitingRetry") < history.index("Completed")


async def test_runs_of_another_living_worker_are_left_alone(house: House) -> None:
    one = house.worker("--poll-s", "60", "--name", "one")
    run = await house.run("lasting", case="RQ-1", folder=str(house.folder), seconds=8)
    one.ring(run)
    await until(lambda: _noted(house, "RQ-1", 1), "the run to begin")
    house.worker("--poll-s", "60", "--rescue-s", "1", "--name", "two")
    await house.in_state(run, "Completed")
    assert house.notes("RQ-1") == ["began", "ended"]
    assert "Crashed" not in await house.history(run)


async def test_runs_of_another_worker_that_died_are_taken_over(house: House) -> None:
    one = house.worker("--poll-s", "60", "--name", "one")
    run = await house.run("lasting", case="RQ-1", folder=str(house.folder), seconds=8)
    one.ring(run)
    await until(lambda: _noted(house, "RQ-1", 1), "the run to begin")
    one.kill()  # before the other starts: on a busy machine that takes longer than the run lasts
    house.worker("--poll-s", "60", "--rescue-s", "1", "--name", "two")
    await house.in_state(run, "Completed", within_s=60)
    assert house.notes("RQ-1") == ["began", "began", "ended"]
    assert "Crashed" in await house.history(run)


async def test_a_run_that_keeps_killing_its_worker_is_left_alone_in_the_end(house: House) -> None:
    run = await house.run("killing")
    port = rig.free_port()
    for _ in range(4):
        worker = Worker(house.api_url, house.pool, house.folder / "killed.log", port=port)
        house.workers.append(worker)
        try:
            worker.process.wait(timeout=20)
        except Exception:  # noqa: BLE001  # it lived: the run was left alone
            break
    crashed = await house.in_state(run, "Crashed")
    assert crashed.state is not None
    assert "left alone" in (crashed.state.message or "")


async def test_a_stop_lets_short_runs_finish_and_hands_back_long_ones(house: House) -> None:
    worker = house.worker("--poll-s", "60", "--grace-s", "4")
    short = await house.run("lasting", case="SHORT", folder=str(house.folder), seconds=2)
    long = await house.run("lasting", case="LONG", folder=str(house.folder), seconds=60)
    worker.ring(short, long)
    await until(lambda: _noted(house, "SHORT", 1), "the runs to begin")
    await until(lambda: _noted(house, "LONG", 1), "the runs to begin")
    assert worker.stop() == 0
    assert (await house.client.read_flow_run(short)).state_name == "Completed"
    handed_back = await house.client.read_flow_run(long)
    assert handed_back.state is not None
    assert handed_back.state.is_scheduled()

    house.worker("--poll-s", "1")
    await until(lambda: _noted(house, "LONG", 2), "the long run to go on elsewhere")


async def test_a_worker_asks_to_be_renewed_after_its_runs(house: House) -> None:
    worker = house.worker("--poll-s", "1", "--max-runs", "1")
    house.answer("RQ-1")
    run = await house.waiting("RQ-1")
    await house.in_state(run, "Completed")
    code = await asyncio.to_thread(worker.process.wait, 20)
    assert code == RENEW


async def test_a_worker_asks_to_be_renewed_beyond_its_memory(house: House) -> None:
    log = house.folder / "large.log"
    worker = Worker(house.api_url, house.pool, log, "--max-rss-mb", "20")
    code = await asyncio.to_thread(worker.process.wait, 40)
    assert code == RENEW


@pytest.mark.long
async def test_two_hundred_small_runs_do_not_grow_the_worker(house: House) -> None:
    worker = house.worker("--poll-s", "60", "--limit", "8")

    async def rounds(number: int) -> None:
        runs = [await house.run("small", number=n) for n in range(number)]
        worker.ring(*runs)
        await rig.all_in(house.client, runs, "Completed", within_s=200)

    await rounds(40)
    before = worker.health()["rss_mb"]
    await rounds(160)
    assert worker.health()["rss_mb"] - before < 30


async def test_a_second_worker_on_the_same_bell_cannot_start(house: House) -> None:
    first = house.worker("--poll-s", "60")
    log = house.folder / "second.log"
    second = Worker(house.api_url, house.pool, log, port=first.port)
    assert await asyncio.to_thread(second.process.wait, 30) == CANNOT_START
    assert "is taken" in log.read_text()


async def _noted(house: House, case: str, times: int) -> bool:
    return house.notes(case).count("began") == times
