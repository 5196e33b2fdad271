"""Whoever wakes a run by hand, or sets it to an end, decides nothing and is noted: on Prefect's own engine."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled, Completed, Failed, Scheduled

from blocks.rulebook import Shelf
from blocks.wire.report import case_report, times_woken
from infrastructure.bell import answer
from tasks.case import utc_now
from tasks.runs import asleep
from tasks.upkeep.rounds import Rounds
from tasks.upkeep.sleepers import Tags, bring_back
from tasks.waking import AT_MOST_EVERY, rung, wakes_by_hand, woken
from tests.clockwork import CLOCK, with_clock
from tests.hospital import Hospital
from tests.stories.engine import NUMBERS, ON_AN_ENGINE, awake, request_of, run_of

pytestmark = ON_AN_ENGINE
FORCED = [
    Completed(name="Completed", message="by hand"),
    Failed(name="Failed", message="by hand"),
    Cancelled(name="Cancelled", message="by hand"),
]


async def asleep_for_somebody(hospital: Hospital, client: PrefectClient, run: FlowRun) -> None:
    state = await awake(client, run, hospital)
    assert (state.name, state.message) == ("Suspended", "Waits for implant-coordinator of OR")


async def tray(hospital: Hospital) -> str:
    return await hospital.submit("KNEE-TIB-4", 1)


async def test_a_resume_in_the_dashboard_is_noted_once_before_the_run_sleeps_again(hospital):
    case = await tray(hospital)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await asleep_for_somebody(hospital, client, run)
        await client.resume_flow_run(run.id)
        await asleep_for_somebody(hospital, client, run)
    chain = await hospital.chain(case)
    (line,) = chain.having("woken")
    assert (line.actor, line.body["run"], line.body["state"], line.body["times"]) == (
        "door:prefect", str(run.id), "Resuming", 1,
    )  # fmt: skip
    assert "woken by hand in Prefect (Resuming): nothing was decided, so it sleeps again" in case_report(chain)
    assert await hospital.verified()


async def test_what_starts_a_sleeping_run_by_the_api_is_noted_with_its_state_and_message(hospital):
    case = await tray(hospital)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await asleep_for_somebody(hospital, client, run)
        await client.set_flow_run_state(run.id, Scheduled(name="Mine", message="go on!"), force=True)
        await asleep_for_somebody(hospital, client, run)
    (line,) = (await hospital.chain(case)).having("woken")
    assert (line.body["state"], line.body["message"]) == ("Mine", "go on!")


async def test_the_bell_wakes_without_a_note_whether_or_not_there_is_anything_new(hospital):
    case = await tray(hospital)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await asleep_for_somebody(hospital, client, run)
        with hospital.bound():
            assert list((await answer([case], client)).now) == [run.id]
        await asleep_for_somebody(hospital, client, run)
        await hospital.answer(case, "ivo.petrov")
        with hospital.bound():
            assert list((await answer([case], client)).now) == [run.id]
        assert (await awake(client, run, hospital)).name == "Ordered"
    assert not (await hospital.chain(case)).having("woken")


async def test_many_resumes_are_few_entries_and_all_of_them_are_counted(hospital):
    case = await tray(hospital)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await asleep_for_somebody(hospital, client, run)
        for _ in range(7):
            await client.resume_flow_run(run.id)
            await asleep_for_somebody(hospital, client, run)
        chain = await hospital.chain(case)
        assert [line.body["times"] for line in chain.having("woken")] == [1]
        states, later = await client.read_flow_run_states(run.id), utc_now() + AT_MOST_EVERY
        line = woken(chain, states, str(run.id), later)
        assert line
        assert line.body["times"] == 6
        chain = await hospital.ledger.append(chain, [line])
        assert woken(chain, states, str(run.id), later + AT_MOST_EVERY) is None
    assert times_woken(chain.lines) == 7
    assert "(Resuming), 6 times: nothing was decided" in case_report(chain)


@pytest.mark.parametrize("forced", FORCED, ids=lambda state: state.name)
async def test_a_run_set_to_an_end_while_its_case_waits_is_noted_and_sleeps_again(hospital, forced: State):
    case = await tray(hospital)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await asleep_for_somebody(hospital, client, run)
        await client.set_flow_run_state(run.id, forced, force=True)
        assert await bring_back([case], client, hospital.ledger, utc_now()) == []
        state = (await client.read_flow_run(run.id)).state
        assert (state.name, state.message) == ("Suspended", "Waits for implant-coordinator of OR")
        (line,) = (await hospital.chain(case)).having("woken")
        assert (line.body["state"], line.body["message"]) == (forced.name, "by hand")
        states = len(await client.read_flow_run_states(run.id))
        assert await bring_back([case], client, hospital.ledger, utc_now()) == []
        assert len(await client.read_flow_run_states(run.id)) == states, "what sleeps is left alone"
        await hospital.answer(case, "ivo.petrov")
        with hospital.bound():
            assert list((await answer([case], client)).now) == [run.id]
        assert (await awake(client, run, hospital)).name == "Ordered"
    assert len(hospital.erp.orders()) == 1


async def test_a_run_that_came_to_its_end_by_itself_is_left_there(hospital):
    case = await hospital.submit("IVSET-20", 40)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        assert (await awake(client, run, hospital)).name == "Ordered"
        assert await bring_back([case], client, hospital.ledger, utc_now()) == []
        assert (await client.read_flow_run(run.id)).state_name == "Ordered"


async def test_a_run_is_tagged_with_whom_it_waits_for_until_it_waits_no_more(tmp_path):
    hospital = await with_clock(await Hospital.opened(tmp_path), CLOCK)
    hospital.sent = next(NUMBERS)
    case, tags = await tray(hospital), Tags()
    rounds = Rounds(hospital.ledger, Shelf(hospital.ledger), hospital.desk)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await client.update_flow_run(run.id, tags=["mine"])
        await awake(client, run, hospital)
        now = (await hospital.chain(case)).last("asked").at
        wanted = (await rounds.go(now)).tags
        assert await tags.show(wanted, client, now) == 1
        shown = set((await client.read_flow_run(run.id)).tags)
        assert {"mine", "waits", "waits:implant-coordinator", "cost-centre:OR"} < shown
        assert len([one for one in shown if one.startswith("due:20")]) == 1
        assert await tags.show(wanted, client, now) == 0, "what has not changed costs nothing"
        assert await Tags().show(wanted, client, now) == 0, "nor after a restart"
        assert await tags.show({}, client, now) == 1
        assert (await client.read_flow_run(run.id)).tags == ["mine"]


def test_who_ended_a_sleep_is_read_from_the_states_alone(waiting_chain):
    moments = (datetime(2026, 11, 25, tzinfo=UTC) + timedelta(minutes=n) for n in count())

    def states(*made: State) -> list[State]:
        return [one.model_copy(update={"timestamp": next(moments)}) for one in made]

    by_hand = wakes_by_hand(
        states(asleep("x"), Scheduled(name="Resuming"), asleep("x"), rung(), asleep("x"), asleep("x"), FORCED[0]),
        waiting_chain,
    )
    assert [one.name for one in by_hand] == ["Resuming", "Completed"]
    assert wakes_by_hand(states(Scheduled(), FORCED[1]), waiting_chain) == [], "who never slept was not woken"


@pytest.fixture
async def waiting_chain(hospital):
    case = await tray(hospital)
    await hospital.wake(case)
    return await hospital.chain(case)
