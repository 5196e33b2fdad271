"""The case in hand: what it remembers, and how two runs of one case stay out of each other's way."""

import pytest

from blocks.records.ledger import Line
from tasks.case import Case, OvertakenError, current, in_hand, today
from tests.samples import NOON


async def held(hospital, case: str, actor: str = "process:requisition") -> Case:
    return Case(hospital.ledger, await hospital.chain(case), actor, clock=lambda: NOON)


@pytest.fixture
async def case(hospital) -> str:
    return await hospital.submit("KNEE-TIB-4")


async def test_what_is_noted_is_remembered_before_it_is_written(hospital, case):
    one = await held(hospital, case)
    one.note("step", "a", body={"n": 1})
    assert one.recall("step", "a").body == {"n": 1}
    assert (await hospital.chain(case)).seq == 1
    await one.write()
    await one.write()
    chain = await hospital.chain(case)
    assert (chain.seq, chain.last("step", "a").body) == (2, {"n": 1})
    assert (await held(hospital, case)).recall("step", "a").body == {"n": 1}


async def test_notes_are_written_together_in_their_order(hospital, case):
    one = await held(hospital, case)
    for key in "abc":
        one.note("step", key)
    await one.write()
    assert [line.key for line in (await hospital.chain(case)).entries[1].lines] == ["a", "b", "c"]


async def test_what_a_person_wrote_meanwhile_is_taken_in_and_the_notes_follow(hospital, case):
    one = await held(hospital, case)
    line = Line(act="question", key="1-x", actor="person:ana.silva", at=NOON)
    await hospital.ledger.append(await hospital.chain(case), [line])
    one.note("step", "a")
    await one.write()
    assert one.recall("question", "1-x") == line
    assert [entry.lines[0].act for entry in (await hospital.chain(case)).entries] == ["received", "question", "step"]


async def test_of_two_runs_of_one_case_the_later_one_stops(hospital, case):
    one, other = await held(hospital, case), await held(hospital, case)
    one.note("step", "a")
    other.note("step", "b")
    await one.write()
    with pytest.raises(OvertakenError, match="another run has written entry 2"):
        await other.write()
    assert (await hospital.chain(case)).last("step", "b") is None


async def test_one_who_always_loses_gives_way_in_the_end(hospital, case):
    one = await held(hospital, case)
    one.note("step", "a")

    async def append(*_):
        await type(hospital.ledger).append(
            hospital.ledger, await hospital.chain(case), [Line(act="late", actor="person:x", at=NOON)]
        )
        return await type(hospital.ledger).append(hospital.ledger, one.chain, [Line(act="n", actor="a", at=NOON)])

    hospital.ledger.append = append
    with pytest.raises(OvertakenError, match="lost 20 writes in a row"):
        await one.write()


async def test_outside_of_a_case_there_is_none(hospital, case):
    with pytest.raises(LookupError):
        current()
    with in_hand(await held(hospital, case)) as one:
        assert current() is one
        assert today() == NOON.date()
    with pytest.raises(LookupError):
        today()
