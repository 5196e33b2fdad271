"""Escalation: who is above may decide as well, and nothing that holds for others is lifted for them."""

import pytest

from blocks.books import DUTIES
from blocks.records.ledger import Line
from blocks.records.money import Money
from blocks.records.people import Absence, Delegation
from blocks.rulebook import adopt
from infrastructure.local.hospital.__main__ import directory
from tests.clockwork import ASKED, CLOCK, LATER, WEDNESDAY, at, tick, waiting, with_clock
from tests.hospital import Hospital


@pytest.fixture
async def hospital(tmp_path) -> Hospital:
    return await with_clock(await Hospital.opened(tmp_path), CLOCK)


async def escalated(hospital: Hospital, case: str) -> list[str]:
    await tick(hospital, case, WEDNESDAY)
    return (await hospital.chain(case)).last("escalated").body["people"]


async def test_somebody_above_may_decide_as_well_and_it_counts_on_the_way_out(hospital):
    case = await waiting(hospital, "IVSET-20", 200, by="rita.okafor", centre="OR")
    assert (await hospital.answer(case, "frida.ng")).taken == "void"
    assert await escalated(hospital, case) == ["frida.ng"]
    assert (await hospital.answer(case, "frida.ng")).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"
    assert await hospital.verified()


async def test_those_who_were_asked_first_may_still_decide(hospital):
    case = await waiting(hospital, "IVSET-20", 200, by="rita.okafor", centre="OR")
    await escalated(hospital, case)
    assert (await hospital.answer(case, "ana.silva")).taken == "counted"
    assert (await hospital.wake(case)).ended == "ordered"


async def test_it_passes_by_the_last_one_left_for_a_later_step(hospital):
    """The finance director alone can take the next step, so it goes on to her own manager."""
    case = await waiting(hospital)
    assert await escalated(hospital, case) == ["carl.moss"]
    await hospital.answer(case, "carl.moss")
    assert await hospital.wake(case) is None
    await hospital.answer(case, "frida.ng")
    assert (await hospital.wake(case)).ended == "ordered"


async def test_who_decided_it_for_somebody_below_decides_no_other_step(hospital):
    case = await waiting(hospital)
    await escalated(hospital, case)
    await hospital.answer(case, "carl.moss")
    await hospital.wake(case)
    told = await hospital.answer(case, "carl.moss")
    assert told.taken == "void"


async def adopt_people(hospital: Hospital, **changed: dict) -> None:
    staff = directory()
    people = tuple(one.model_copy(update=changed.get(one.id.replace(".", "_"), {})) for one in staff.people)
    await adopt(hospital.ledger, staff.model_copy(update={"people": people}), actor="door:test", at=hospital.now)


def limited(who: str, amount: int) -> dict:
    (grant,) = directory().person(who).grants
    return {"grants": (grant.model_copy(update={"limit": Money.of(amount, "USD")}),)}


async def test_a_manager_with_too_low_a_limit_is_passed_by(hospital):
    case = await waiting(hospital, "IVSET-20", 200, by="rita.okafor", centre="OR")
    await adopt_people(hospital, frida_ng=limited("frida.ng", 100))
    assert await escalated(hospital, case) == ["carl.moss"]


async def test_a_limit_that_is_lowered_afterwards_counts_at_the_click(hospital):
    case = await waiting(hospital, "IVSET-20", 200, by="rita.okafor", centre="OR")
    assert await escalated(hospital, case) == ["frida.ng"]
    await adopt_people(hospital, frida_ng=limited("frida.ng", 100))
    told = await hospital.answer(case, "frida.ng")
    assert (told.taken, "above your limit of $100.00" in told.text) == ("void", True)


async def test_who_asked_is_passed_by_even_where_they_manage_who_was_asked(hospital):
    case = await waiting(hospital, "IVSET-20", 200, by="frida.ng", centre="OR")
    assert await escalated(hospital, case) == ["carl.moss"]


async def test_who_left_or_is_away_is_passed_by(hospital):
    case = await waiting(hospital, "IVSET-20", 200, by="rita.okafor", centre="OR")
    absence = Absence(key="f", person="frida.ng", start=ASKED, until=LATER)
    line = Line(
        act="away", key="f", actor="person:frida.ng", at=ASKED, body={"absence": absence.model_dump(mode="json")}
    )
    await hospital.ledger.append(await hospital.ledger.read(DUTIES), [line])
    assert await escalated(hospital, case) == ["carl.moss"]
    other = await waiting(hospital, "IVSET-20", 200, by="rita.okafor", centre="OR")
    await adopt_people(hospital, frida_ng={"active": False}, carl_moss={"active": False})
    await tick(hospital, other, at("2026-12-01 09:00"))
    assert (await hospital.chain(other)).last("escalated").body["people"] == []


async def test_who_stands_in_for_somebody_above_may_decide_in_their_name(hospital):
    case = await waiting(hospital, "IVSET-20", 200, by="rita.okafor", centre="OR")
    assert (await hospital.answer(case, "paula.reyes")).taken == "void"
    await escalated(hospital, case)
    lent = Delegation(key="d", of="frida.ng", to="paula.reyes", start=ASKED, until=LATER)
    body = {"delegation": lent.model_dump(mode="json")}
    line = Line(act="delegated", key="d", actor="person:frida.ng", at=ASKED, body=body)
    await hospital.ledger.append(await hospital.ledger.read(DUTIES), [line])
    told = await hospital.answer(case, "paula.reyes")
    assert (told.taken, told.decision.on_behalf_of) == ("counted", "frida.ng")
    assert (await hospital.wake(case)).ended == "ordered"


async def test_it_may_go_to_whoever_holds_a_role(tmp_path):
    told = CLOCK.model_copy(update={"escalate_to": "chief-financial-officer"})
    hospital = await with_clock(await Hospital.opened(tmp_path), told)
    case = await waiting(hospital, "IVSET-20", 200, by="rita.okafor", centre="OR")
    assert await escalated(hospital, case) == ["carl.moss"]
    await adopt_people(hospital, carl_moss={"grants": directory().person("ivo.petrov").grants})
    assert (await hospital.answer(case, "carl.moss")).taken == "void"
