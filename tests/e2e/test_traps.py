"""Where runs are woken wrongly, twice, too early or not at all: one order, or none with a reason."""

import asyncio

import pytest

from tests.e2e.house import House, until

CALIBRATION = ("SVC-CALIB", 7)  # $1,015.00: a department manager decides


async def test_a_resume_without_a_decision_decides_nothing(house: House) -> None:
    case = await house.submit(*CALIBRATION)
    run = await house.sleeps(case)
    resumed = await house.prefect("POST", f"/flow_runs/{run['id']}/resume")
    assert resumed["status"] == "ACCEPT"
    await house.sleeps(case, times=2)
    assert await house.orders(case) == []
    assert len((await house.chain(case)).having("asked")) == 1
    (woken,) = (await house.chain(case)).having("woken")
    assert (woken.body["run"], woken.body["state"]) == (run["id"], "Resuming")
    await house.click(await house.asked(case), "leo.brandt")
    assert (await house.assert_settled(case)).ended == "ordered"


async def test_a_run_set_to_an_end_while_its_case_waits_is_noted_sleeps_again_and_is_found_by_its_tags(
    house: House,
) -> None:
    case = await house.submit(*CALIBRATION)
    run = await house.sleeps(case)
    forced = {"state": {"type": "CANCELLED", "name": "Cancelled"}, "force": True}
    await house.prefect("POST", f"/flow_runs/{run['id']}/set_state", forced)
    await until(lambda: _shown(house, case), "a round lets it sleep again, and tags it", within_s=150)
    (woken,) = (await house.chain(case)).having("woken")
    assert woken.body["state"] == "Cancelled"
    await house.click(await house.asked(case), "leo.brandt", "reject", "not this quarter")
    await house.assert_settled(case)


async def _shown(house: House, case: str) -> bool | None:
    (run,) = await house.runs(case)
    tags = {"waits", "waits:department-manager", "cost-centre:IT"}
    return True if run["state_type"] == "PAUSED" and tags < set(run["tags"]) else None


async def test_a_double_click_is_one_decision(house: House) -> None:
    case = await house.submit(*CALIBRATION)
    asked = await house.asked(case)
    answers = await asyncio.gather(*(house.click(asked, "leo.brandt") for _ in range(2)))
    again = await house.click(asked, "leo.brandt")
    assert [answer.status_code for answer in (*answers, again)] == [200, 200, 200]
    assert (await house.assert_settled(case)).ended == "ordered"
    chain = await house.chain(case)
    assert len(chain.having("decided")) == 1
    assert "Already approved by Leo Brandt" in chain.having("late")[-1].body["because"]


async def test_of_two_opposite_clicks_at_once_one_counts(house: House) -> None:
    case = await house.submit(*CALIBRATION)
    asked = await house.asked(case)
    await asyncio.gather(
        house.click(asked, "leo.brandt"),
        house.click(asked, "leo.brandt", "reject", "we calibrate in house now"),
    )
    outcome = await house.assert_settled(case)
    (decided,) = (await house.chain(case)).having("decided")
    verdict = decided.body["decision"]["verdict"]
    assert outcome.ended == {"approve": "ordered", "reject": "rejected"}[verdict]


async def test_an_answer_that_comes_before_the_run_sleeps_is_not_lost(house: House) -> None:
    case = await house.submit(*CALIBRATION)
    asked = await house.asked(case, "asked")  # the card is not even posted
    await house.click(asked, "leo.brandt")
    assert (await house.assert_settled(case)).ended == "ordered"
    assert len((await house.chain(case)).having("asked")) == 1


async def test_a_suspended_run_forced_to_completed_orders_nothing_until_somebody_decides(house: House) -> None:
    case = await house.submit(*CALIBRATION)
    run = await house.sleeps(case)
    forced = {"state": {"type": "COMPLETED", "name": "Completed"}, "force": True}
    assert (await house.prefect("POST", f"/flow_runs/{run['id']}/set_state", forced))["status"] == "ACCEPT"
    assert await house.orders(case) == []
    await house.click(await house.asked(case), "leo.brandt")
    assert (await house.assert_settled(case)).ended == "ordered"
    await house.run_ends(case, "Ordered")


async def test_the_answer_of_somebody_without_the_role_wakes_nobody(house: House) -> None:
    case = await house.submit(*CALIBRATION)
    await house.sleeps(case)
    asked = await house.asked(case)
    await house.click(asked, "ana.silva")
    chain = await house.chain(case)
    assert "a role you do not hold" in chain.having("refused-click")[0].body["because"]
    await house.click(asked, "leo.brandt", "reject", "not this quarter")
    assert (await house.assert_settled(case)).because == "Leo Brandt: not this quarter"


@pytest.mark.parametrize("message", ["one", "two"])
async def test_the_same_message_twice_is_one_case_and_one_run(house: House, message: str) -> None:
    fields = {"requester": "omar.haddad", "cost_centre": "IT", "item": "GLOVE-M", "quantity": 1}
    name = f"{house.born}-same-{message}"
    answers = await asyncio.gather(*(house.event(fields, name=name) for _ in range(3)))
    (case,) = {answer.json()["accepted"][0]["case"] for answer in answers}
    assert (await house.ended(case)).ended == "filled"
    assert len(await house.runs(case)) == 1
    assert len(await house.documents("stock.shipment.internal", case, "issue")) == 1


async def test_a_click_whose_bell_nobody_heard_is_made_good(house: House) -> None:
    case = await house.submit(*CALIBRATION)
    asked = await house.asked(case)
    await house.sleeps(case)
    house.stack.kill("worker")
    await house.click(asked, "leo.brandt")
    assert (await house.chain(case)).last("decided")
    await asyncio.to_thread(house.stack.until_well, "worker")

    async def woken() -> bool | None:
        return True if (await house.chain(case)).last("ended") else None

    await until(woken, "the upkeep rings again", within_s=180)
    assert (await house.assert_settled(case)).ended == "ordered"
