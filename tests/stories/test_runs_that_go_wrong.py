"""Runs that are overtaken, or fail to tell of the end, are set right from the ledger: on Prefect's own engine."""

from datetime import timedelta
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Failed

from blocks.errors import UnavailableError
from blocks.records.ledger import Line
from infrastructure.bell import answer
from tasks.groups import Carried, carry_all
from tasks.upkeep import settling
from tasks.upkeep.lookout import TOLD_S, Lookout
from tasks.upkeep.settling import keep_results, put_to_sleep, settle
from tests.hospital import Hospital
from tests.stories.engine import ON_AN_ENGINE, awake, request_of, run_of

pytestmark = ON_AN_ENGINE


def in_the_middle_of(hospital: Hospital, monkeypatch: pytest.MonkeyPatch, deed) -> None:
    """Do something while the run asks the ERP, once."""
    sourcing, done = hospital.erp.sourcing, []

    async def meanwhile(request, on):
        if not done:
            done.append(on)
            await deed()
        return await sourcing(request, on)

    monkeypatch.setattr(hospital.erp, "sourcing", meanwhile)


async def state_of(client: PrefectClient, run: FlowRun) -> tuple[str, str]:
    state = (await client.read_flow_run(run.id)).state
    return state.name, state.message


async def test_a_run_whose_case_ended_elsewhere_meanwhile_tells_the_end(hospital, monkeypatch):
    case = await hospital.submit("IVSET-20", 40)
    in_the_middle_of(hospital, monkeypatch, lambda: hospital.wake(case))
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        done = await awake(client, run, hospital)
    assert (done.name, done.is_completed()) == ("Ordered", True)
    assert len(hospital.erp.orders()) == 1


async def test_a_run_whose_case_waits_meanwhile_sleeps_and_says_for_whom(hospital, monkeypatch):
    case = await hospital.submit("KNEE-TIB-4", 1)
    in_the_middle_of(hospital, monkeypatch, lambda: hospital.wake(case))
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await awake(client, run, hospital)
        assert await state_of(client, run) == ("Suspended", "Waits for implant-coordinator of OR")
        await hospital.answer(case, "ivo.petrov")
        with hospital.bound():
            assert list((await answer([case], client)).now) == [run.id]
        assert (await awake(client, run, hospital)).name == "Ordered"
    assert len(hospital.erp.orders()) == 1


async def test_a_run_whose_case_another_run_carries_gives_way_and_can_be_woken(hospital, monkeypatch):
    case = await hospital.submit("IVSET-20", 40)

    async def write() -> None:
        line = Line(act="step", key="x", actor="process:requisition", at=hospital.now)
        await hospital.ledger.append(await hospital.chain(case), [line])

    in_the_middle_of(hospital, monkeypatch, write)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await awake(client, run, hospital)
        name, message = await state_of(client, run)
        assert (name, "another run has written entry 2, and carries the case" in message) == ("Overtaken", True)
        with hospital.bound():
            assert list((await answer([case], client)).now) == [run.id]
        assert (await awake(client, run, hospital)).name == "Ordered"


async def test_a_run_that_could_not_tell_of_the_end_is_woken_and_tells_it(hospital, monkeypatch):
    case = await hospital.submit("IVSET-20", 40)
    create = hospital.ledger.store.create

    async def full(key: str, data: bytes) -> None:
        if key.startswith("results/"):
            raise UnavailableError("store", "it is full")
        await create(key, data)

    lookout = Lookout(clock=lambda: hospital.now)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        with monkeypatch.context() as patched:
            patched.setattr(hospital.ledger.store, "create", full)
            assert (await awake(client, run, hospital)).is_failed()
        assert (await hospital.chain(case)).last("ended")
        hospital.now = (await hospital.chain(case)).lines[-1].at + timedelta(seconds=TOLD_S + 1)
        assert await lookout.standing_still(hospital.ledger) == [case]
        with hospital.bound():
            assert list((await answer([case], client)).now) == [run.id]
            assert (await awake(client, run, hospital)).name == "Ordered"
            assert list((await answer([case], client)).now) == []
        hospital.now += timedelta(hours=1)
        assert await lookout.standing_still(hospital.ledger) == []
    assert len(hospital.erp.orders()) == 1


STOPPED = [Failed(message="x"), Completed(name="Completed", message="by hand")]


@pytest.mark.parametrize("state", STOPPED, ids=lambda state: state.name)
async def test_a_group_lets_the_runs_of_cases_that_wait_sleep_whatever_state_they_were_in(hospital, state: State):
    case = await hospital.submit("KNEE-TIB-4", 1)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await client.set_flow_run_state(run.id, state, force=True)
        carried = await as_group(hospital, case)
        with hospital.bound():
            assert await put_to_sleep(carried, client) == []
        assert await state_of(client, run) == ("Suspended", "Waits for implant-coordinator of OR")
        states = await client.read_flow_run_states(run.id)
        with hospital.bound():
            await put_to_sleep(carried, client)
        assert len(await client.read_flow_run_states(run.id)) == len(states)
        await hospital.answer(case, "ivo.petrov")
        with hospital.bound():
            assert list((await answer([case], client)).now) == [run.id]
        assert (await awake(client, run, hospital)).name == "Ordered"


async def decided(hospital: Hospital, case: str, client: PrefectClient, run: FlowRun) -> None:
    """Let somebody decide what a run sleeps for, and the run come to its end."""
    await hospital.answer(case, "ivo.petrov")
    with hospital.bound():
        assert list((await answer([case], client)).now) == [run.id]
    assert (await awake(client, run, hospital)).name == "Ordered"


async def test_a_group_leaves_a_run_alone_whose_case_went_on_while_others_were_carried(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await awake(client, run, hospital)
        carried = await as_group(hospital, case)
        await decided(hospital, case, client, run)
        with hospital.bound():
            assert await put_to_sleep(carried, client) == []
        assert (await state_of(client, run))[0] == "Ordered"


async def test_a_group_rings_for_a_run_that_it_let_sleep_after_its_end(hospital, monkeypatch):
    case, other = await hospital.submit("KNEE-TIB-4", 1), await hospital.submit("KNEE-TIB-4", 1)
    set_idle = settling.set_idle
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await awake(client, run, hospital)
        await client.set_flow_run_state(run.id, Failed(message="x"), force=True)
        carried = await as_group(hospital, case, other)

        async def just_after_its_end(*of: Any) -> int:
            await decided(hospital, case, client, run)
            return await set_idle(*of)

        monkeypatch.setattr(settling, "set_idle", just_after_its_end)
        with hospital.bound():
            rung = await put_to_sleep(carried, client)
        assert rung == [case], "the other waits still"
        assert (await state_of(client, run))[0] == "Suspended"
        with hospital.bound():
            assert list((await answer(rung, client)).now) == [run.id]
        assert (await awake(client, run, hospital)).name == "Ordered"
        assert (await state_of(client, run))[0] == "Ordered"
    assert len(hospital.erp.orders()) == 1


async def test_a_group_settles_a_run_that_had_failed_before(hospital):
    case = await hospital.submit("IVSET-20", 40)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await client.set_flow_run_state(run.id, Failed(message="x"), force=True)
        carried = await as_group(hospital, case)
        assert await settle(carried, client) == 1
        name, message = await state_of(client, run)
        assert (name, message.startswith("ordered, carried by a group")) == ("Ordered", True)
        assert await settle(carried, client) == 0
    with hospital.bound():
        await keep_results(carried)
    kept = [blob.key async for blob in hospital.ledger.store.list("results/")]
    chain = await hospital.chain(case)
    assert kept == [f"results/1/{case}/{chain.seq:08}~{chain.head}.json"]


async def as_group(hospital: Hospital, *cases: str) -> list[Carried]:
    async def tell(_done: int, _of: int) -> None:
        """Hear of it."""

    with hospital.bound():
        return await carry_all([*cases], tell)
