"""Trying a policy on past cases: who would have been asked, how long it took, what changes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from blocks.ledger import entry_key
from blocks.records.policy import Band, Matrix, Policy, Tier
from blocks.rulebook import Shelf
from tasks.auditing.trying import try_policy
from tasks.rules.replay import Change, Replay
from tests.hospital import MORNING, Hospital, plain_policy


@pytest.fixture
async def hospital(tmp_path) -> Hospital:
    return await Hospital.opened(tmp_path)


async def tried(hospital: Hospital, proposed: Policy | None = None, since: Any = MORNING) -> Replay:
    shelf = Shelf(hospital.ledger)
    return await try_policy(proposed or plain_policy(), since, ledger=hospital.ledger, shelf=shelf, at=hospital.now)


def supplies(*roles: str, off_contract: tuple[str, ...] = ("procurement-lead",)) -> Policy:
    """Ask the same roles for all supplies."""
    everything = Matrix(category="supplies", tiers=(Tier(band=Band(lower=Decimal(0)), roles=roles),))
    matrices = (everything, *(one for one in plain_policy().matrices if one.category != "supplies"))
    return plain_policy().model_copy(update={"matrices": matrices, "off_contract": off_contract})


async def decided(hospital: Hospital, item: str, quantity: int, *answering: str, hours: int = 1, **more: Any) -> str:
    """Let people answer one after the other, each after so many hours."""
    case = await hospital.submit(item, quantity, **more)
    await hospital.wake(case)
    for one in answering:
        hospital.now += timedelta(hours=hours, minutes=-1)
        await hospital.answer(case, one)
        await hospital.wake(case)
    return case


async def test_the_policy_they_went_by_changes_nothing(hospital):
    await decided(hospital, "IVSET-20", 12)
    await decided(hospital, "GLOVE-M", 12)
    await decided(hospital, "HIP-STEM-12", 1, "ivo.petrov", "ana.silva")
    await decided(hospital, "CENTRI-5", 1, by="mei.tan", centre="LAB")  # no budget
    waits = await hospital.submit("HIP-STEM-12", 2)
    await hospital.wake(waits)
    told = await tried(hospital)
    assert (told.cases, told.unchanged, told.changes, told.conflicts) == (5, 5, (), ())
    assert {one.role: (one.was, one.would) for one in told.roles} == {
        "implant-coordinator": (2, 2),
        "department-manager": (1, 2),  # of one it is yet to be asked
    }


async def test_a_stricter_policy_asks_more_people_and_costs_their_hours(hospital):
    await decided(hospital, "IVSET-20", 12)
    await decided(hospital, "SVC-CALIB", 8, "ana.silva", hours=3)
    told = await tried(hospital, supplies("department-manager"))
    assert told.changes == (
        Change(was="nobody", would="department-manager", cases=1, amount="75.00", hours_was=0.0, hours_would=3.0),
    )
    (manager,) = told.roles
    assert (manager.was, manager.would, manager.median_hours) == (1, 2, 3.0)


async def test_a_laxer_policy_asks_fewer(hospital):
    await decided(hospital, "IVSET-20", 200, "ana.silva", hours=2)
    told = await tried(hospital, supplies())
    (change,) = told.changes
    assert (change.was, change.would) == ("department-manager", "nobody")
    assert (change.hours_was, change.hours_would) == (2.0, 0.0)


async def test_a_role_that_never_answered_has_no_hours(hospital):
    await decided(hospital, "IVSET-20", 12)
    (change,) = (await tried(hospital, supplies("chief-financial-officer"))).changes
    assert change.hours_would is None


async def test_cases_that_nobody_could_decide_are_named(hospital):
    case = await decided(hospital, "IVSET-20", 12, by="frida.ng")
    told = await tried(hospital, supplies("finance-director"))
    (conflict,) = told.conflicts
    assert conflict.case == case
    assert "nobody active holds finance-director for OR" in conflict.because
    assert told.changes[0].would == "nobody could decide"


async def test_what_policy_would_refuse_now_is_a_change(hospital):
    await decided(hospital, "VENT-T1", 2, "ana.silva", "frida.ng")
    (change,) = (await tried(hospital, plain_policy().model_copy(update={"amount_max": Decimal(1000)}))).changes
    assert (change.was, change.would) == ("department-manager → finance-director", "refused")


async def test_what_an_erp_refuses_is_no_change_of_policy(hospital):
    hospital.erp.refused.add("SUP-HALT")
    case = await decided(hospital, "SUTURE-30", 2)
    assert (await hospital.wake(case)).ended == "refused"
    assert (await tried(hospital)).unchanged == 1


async def test_what_tells_nothing_is_counted_by_reason(hospital, tmp_path):
    await decided(hospital, "IVSET-20", 12)
    hospital.now += timedelta(days=3)
    await hospital.submit("IVSET-20", 12)
    broken = await decided(hospital, "IVSET-20", 12)
    path = tmp_path / entry_key(broken, 1)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"quantity":12', b'"quantity":13'))
    nameless = tmp_path / entry_key(await hospital.submit("IVSET-20", 12), 1)
    nameless.write_bytes(nameless.read_bytes().replace(b'"quantity":', b'"quantitY":'))  # nothing links to it yet
    told = await tried(hospital, since=MORNING + timedelta(days=1))
    assert told.cases == 0
    assert told.skipped == {
        "received before 2026-11-24": 1,
        "not looked at yet": 1,
        "unreadable: `almoner ledger verify` says why": 2,
    }


async def test_fewer_approved_counts_as_fewer_at_the_next_look(hospital):
    case = await hospital.submit("IVSET-20", 200)
    await hospital.wake(case)
    await hospital.answer(case, "ana.silva", quantity=100)
    assert (await hospital.wake(case)).ended == "ordered"
    assert (await tried(hospital)).unchanged == 1


async def test_where_nothing_happened_nothing_changes(hospital):
    told = await tried(hospital)
    assert (told.cases, told.roles, told.changes, told.skipped) == (0, (), (), {})
