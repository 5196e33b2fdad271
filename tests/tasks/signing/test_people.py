"""Standing in, being away, and what both mean for an approval."""

from datetime import datetime, timedelta

import pytest

from blocks.errors import RefusedError
from blocks.records.people import Absence, Delegation, Duties
from blocks.rulebook import Shelf
from tasks.signing import people
from tests.hospital import MORNING, Hospital

WEEK = timedelta(days=7)


@pytest.fixture
async def hospital(tmp_path) -> Hospital:
    return await Hospital.opened(tmp_path)


async def lend(hospital: Hospital, of: str, to: str, *, by: str = "", **more: object) -> Duties:
    told = {"key": f"{of}-{to}", "of": of, "to": to, "start": hospital.now, "until": hospital.now + WEEK} | more
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    person = rulebook.directory.person(by or of)
    ledger = hospital.ledger
    return await people.delegate(
        Delegation.model_validate(told), person, "test", ledger=ledger, rulebook=rulebook, at=hospital.now
    )


async def away(hospital: Hospital, who: str, until: datetime, by: str = "") -> Duties:
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    absence = Absence(key=f"{who}-away", person=who, start=hospital.now, until=until)
    person = rulebook.directory.person(by or who)
    return await people.go_away(absence, person, "test", ledger=hospital.ledger, rulebook=rulebook, at=hospital.now)


async def waiting(hospital: Hospital) -> str:
    case = await hospital.submit("IVSET-20", 200)
    assert await hospital.wake(case) is None
    return case


async def test_a_stand_in_decides_in_the_name_of_who_lent_it_and_the_ledger_says_so(hospital):
    await lend(hospital, "ana.silva", "leo.brandt")
    case = await waiting(hospital)
    verdict = await hospital.answer(case, "leo.brandt")
    assert (verdict.taken, verdict.text) == ("counted", f"You approved {case} for Ana Silva.")
    assert verdict.decision is not None
    assert (verdict.decision.on_behalf_of, verdict.decision.counts_as) == ("ana.silva", ("ana.silva",))
    outcome = await hospital.wake(case)
    assert outcome is not None
    assert outcome.ended == "ordered"
    assert await hospital.verified()


async def test_without_it_the_same_click_does_not_count(hospital):
    case = await waiting(hospital)
    assert (await hospital.answer(case, "leo.brandt")).taken == "void"


async def test_what_was_lent_is_over_when_its_time_is(hospital):
    await lend(hospital, "ana.silva", "leo.brandt")
    case = await waiting(hospital)
    hospital.now += WEEK
    assert (await hospital.answer(case, "leo.brandt")).taken == "void"


async def test_what_was_ended_early_is_over(hospital):
    await lend(hospital, "ana.silva", "leo.brandt")
    case = await waiting(hospital)
    leo = (await Shelf(hospital.ledger).in_force(hospital.now)).directory.person("leo.brandt")
    await people.end("ana.silva-leo.brandt", leo, "test", ledger=hospital.ledger, at=hospital.now)
    assert (await hospital.answer(case, "leo.brandt")).taken == "void"


async def test_what_is_lent_is_not_lent_on(hospital):
    await lend(hospital, "ana.silva", "leo.brandt")
    await lend(hospital, "leo.brandt", "frida.ng")
    case = await waiting(hospital)
    assert (await hospital.answer(case, "frida.ng")).taken == "void"


async def test_who_asks_does_not_approve_through_a_stand_in(hospital):
    await lend(hospital, "ana.silva", "leo.brandt")
    case = await hospital.submit("IVSET-20", 200, by="ana.silva", centre="OR")
    outcome = await hospital.wake(case)
    if outcome is None:  # somebody else may decide; the one who stands in for the requester may not
        verdict = await hospital.answer(case, "leo.brandt")
        assert verdict.taken == "void"
        assert "You stand in for Ana Silva, who asked for this" in verdict.text
    else:
        assert outcome.ended == "refused"


async def test_a_decision_by_a_stand_in_still_counts_after_the_time_is_over(hospital):
    await lend(hospital, "ana.silva", "leo.brandt")
    case = await waiting(hospital)
    await hospital.answer(case, "leo.brandt")
    hospital.now += 2 * WEEK
    outcome = await hospital.wake(case)
    assert outcome is not None
    assert outcome.ended == "ordered"


async def test_who_is_away_is_not_asked_while_a_stand_in_is_there(hospital):
    await lend(hospital, "ana.silva", "leo.brandt")
    await away(hospital, "ana.silva", hospital.now + WEEK)
    await waiting(hospital)
    (card,) = hospital.desk.cards("approvals")
    assert "<@U0LEO> (for Ana Silva)" in str(card.blocks)
    assert "<@U0ANA>" not in str(card.blocks)


REFUSED = [
    ("ana.silva", "ana.silva", {}, "nobody stands in for themselves"),
    ("ana.silva", "gus.varga", {}, "gus.varga is not an active person"),
    ("ana.silva", "leo.brandt", {"by": "frida.ng"}, "only Ana Silva can lend"),
    ("ana.silva", "leo.brandt", {"until": MORNING + timedelta(days=31)}, "policy allows 30"),
    ("ana.silva", "leo.brandt", {"roles": ("implant-coordinator",)}, "holds no role there"),
    ("rita.okafor", "leo.brandt", {}, "holds no role there"),
    ("ana.silva", "leo.brandt", {"start": MORNING - WEEK, "until": MORNING - timedelta(days=1)}, "has passed"),
]


@pytest.mark.parametrize(("of", "to", "more", "why"), REFUSED, ids=[row[3] for row in REFUSED])
async def test_a_delegation_out_of_bounds_is_refused_with_the_field_and_the_reason(hospital, of, to, more, why):
    with pytest.raises(RefusedError, match=why):
        await lend(hospital, of, to, **more)


async def test_an_absence_is_told_by_oneself_or_ones_manager_alone(hospital):
    await away(hospital, "rita.okafor", hospital.now + WEEK, by="ana.silva")
    with pytest.raises(RefusedError, match="only Ana Silva or their manager"):
        await away(hospital, "ana.silva", hospital.now + WEEK, by="rita.okafor")


async def test_an_end_before_the_start_is_no_span(hospital):
    with pytest.raises(ValueError, match="is not after the start"):
        await lend(hospital, "ana.silva", "leo.brandt", until=hospital.now - WEEK)
