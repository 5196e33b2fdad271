"""Somebody who alone may fill two seats of a case blocks none of them silently."""

from decimal import Decimal

import pytest

from blocks.records.people import Grant, Person
from blocks.rulebook import Shelf
from infrastructure.local.hospital.__main__ import directory
from tasks.upkeep.rounds import Rounds
from tests.clockwork import CLOCK
from tests.hospital import Hospital
from tests.stories.test_steps import BOTH, asked, card, say, staffed, under
from tests.tasks.rules.test_plan import step


def gaining(person: str, role: str) -> dict[str, tuple[Grant, ...]]:
    who: Person = next(one for one in directory().people if one.id == person)
    return {"grants": (*who.grants, Grant.model_validate({"role": role}))}


@pytest.fixture
async def ana_alone(hospital: Hospital) -> Hospital:
    """Ana Silva alone is manager of the wards, and one of two finance directors."""
    await under(hospital, BOTH, clock=CLOCK, step_up_from=None)
    await staffed(hospital, ana_silva=gaining("ana.silva", "finance-director"))
    return hospital


async def test_who_alone_may_fill_another_seat_is_asked_to_leave_this_one_to_others(ana_alone):
    case = await asked(ana_alone)
    told = await say(ana_alone, case, "ana.silva", "1-finance-director")
    assert told.taken == "void"
    assert told.text.startswith(
        "Nobody but you may decide this case as department manager, and nobody decides it twice"
    )
    assert told.text.endswith(": please leave this to Frida Ng.")
    assert (await say(ana_alone, case, "ana.silva", "1-department-manager")).taken == "counted"
    assert (await say(ana_alone, case, "frida.ng", "1-finance-director")).taken == "counted"
    assert (await ana_alone.wake(case)).ended == "ordered"


async def test_they_may_still_say_no_in_any_seat(ana_alone):
    case = await asked(ana_alone)
    assert (await say(ana_alone, case, "ana.silva", "1-finance-director", "reject")).taken == "counted"


async def test_before_a_later_step_that_only_they_can_decide_they_leave_the_earlier_one_to_others(hospital):
    await under(hospital, step("finance-director"), step("department-manager"), step_up_from=None)
    await staffed(hospital, ana_silva=gaining("ana.silva", "finance-director"))
    case = await asked(hospital)
    assert "please leave this to Frida Ng" in (await say(hospital, case, "ana.silva", "1-finance-director")).text


async def test_where_people_have_left_the_card_and_the_table_say_whom_it_lacks(hospital):
    await under(hospital, BOTH, clock=CLOCK, step_up_from=None, low_budget_share=Decimal(0))
    case = await asked(hospital)
    await say(hospital, case, "ana.silva", "1-department-manager")
    gone = {"frida_ng": {"active": False}, "carl_moss": {"active": False}}
    await staffed(hospital, ana_silva=gaining("ana.silva", "finance-director"), **gone)
    lacks = "Ana Silva has decided another step: the directory must name somebody else"
    (late,) = (await Rounds(hospital.ledger, Shelf(hospital.ledger), hospital.desk).go(hospital.now)).waiting
    assert (late.people, late.note) == ((), lacks)
    shown = next(one for one in hospital.desk.cards("approvals") if one.key.endswith("1-finance-director"))
    assert f"*Nobody may decide this just now*, {lacks}" in str(shown.blocks)
    assert card(hospital, "1-finance-director")
