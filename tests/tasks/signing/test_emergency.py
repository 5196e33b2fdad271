"""Emergency access: some hours, on the word of two, and looked at by a third; what is decided by it says so."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from blocks.errors import RefusedError
from blocks.records.people import Delegation
from blocks.rulebook import Shelf
from blocks.wire.report import reasons
from tasks.auditing.explaining import explain_case
from tasks.decide import decision_of
from tasks.showing import card_of
from tasks.signing import people
from tasks.signing.emergency import shown_of
from tests.hospital import Hospital
from tests.tasks.signing.emergencies import RULES, Night


@pytest.fixture
async def night(hospital: Hospital) -> Night:
    return await Night.fallen(hospital)


async def test_on_the_word_of_two_somebody_decides_for_some_hours_and_it_says_so_everywhere(night, hospital):
    case = await night.waiting()
    assert (await hospital.answer(case, "mei.tan")).taken == "void"
    access = await night.granted()
    verdict = await hospital.answer(case, "mei.tan")
    assert verdict.taken == "counted"
    lent = verdict.decision.emergency
    assert (lent.key, lent.granted_by, lent.until) == ("em-1", ("Paula Reyes", "Frida Ng"), access.asked.until)
    assert (await hospital.wake(case)).ended == "ordered"
    chain = await hospital.chain(case)
    said = "by emergency access, granted by Paula Reyes and Frida Ng"
    assert f"{said} until 2026-11-23 22:01 UTC" in str(reasons(chain))
    card = card_of(chain, verdict.ask, await night.rules(), hospital.now)
    assert said in card.text
    assert said in str(card.blocks)
    told = await explain_case(case, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=hospital.now)
    (right,) = [x.because for x in told.steps[0].able if x.person == "mei.tan"]
    assert right == f"{said} until 23 Nov 22:01 UTC: department-manager of OR, without limit"
    assert await hospital.verified()


async def test_the_word_of_one_is_not_enough(night, hospital):
    case = await night.waiting()
    await night.ask()
    await night.agree("frida.ng")
    assert (await hospital.answer(case, "mei.tan")).taken == "void"


async def test_it_is_over_at_its_end(night, hospital):
    case = await night.waiting()
    await night.granted()
    hospital.now += timedelta(hours=8)
    assert (await hospital.answer(case, "mei.tan")).taken == "void"


@pytest.mark.parametrize("by", ["mei.tan", "paula.reyes", "frida.ng", "ana.silva"])
async def test_any_of_them_and_who_could_have_agreed_ends_it_early(night, hospital, by):
    case = await night.waiting()
    await night.granted()
    await night.end(by)
    assert (await hospital.answer(case, "mei.tan")).taken == "void"
    with pytest.raises(RefusedError, match="has been ended"):
        await night.end(by)


async def test_once_ended_it_is_over_for_a_door_too_whose_clock_is_behind(night, hospital):
    case = await night.waiting()
    await night.granted()
    hospital.now += timedelta(minutes=30)
    await night.end("ana.silva")
    hospital.now -= timedelta(minutes=15)
    assert (await hospital.answer(case, "mei.tan")).taken == "void"


async def test_what_was_decided_before_somebody_ended_it_counts(night, hospital):
    case = await night.waiting()
    await night.granted()
    assert (await hospital.answer(case, "mei.tan")).taken == "counted"
    await night.end("ana.silva")
    assert (await hospital.wake(case)).ended == "ordered"
    assert await hospital.verified()


async def test_nobody_else_ends_it(night):
    await night.granted()
    with pytest.raises(RefusedError, match="can end it"):
        await night.end("sam.lind")


async def test_what_was_decided_in_time_counts_after_it_is_over(night, hospital):
    case = await night.waiting()
    await night.granted()
    await hospital.answer(case, "mei.tan")
    hospital.now += timedelta(days=9)
    assert (await hospital.wake(case)).ended == "ordered"


async def test_nobody_approves_by_it_what_they_asked_for_themselves(night, hospital):
    await night.granted("rita.okafor")
    case = await night.waiting(by="rita.okafor")
    assert "You asked for this yourself" in (await hospital.answer(case, "rita.okafor")).text


async def test_nobody_lets_somebody_approve_what_they_ask_for_themselves(night, hospital):
    await night.ask(asked_by="rita.okafor")
    await night.agree("paula.reyes")
    await night.agree("frida.ng")
    case = await night.waiting(by="rita.okafor")
    told = await hospital.answer(case, "mei.tan")
    assert told.text == "Rita Okafor, who asked for this, had a part in your emergency access. Somebody else has to."


async def test_nobody_fills_two_seats_of_a_case_by_it(night, hospital):
    await night.granted("ivo.petrov")
    case = await hospital.submit("HIP-STEM-12", 5)
    assert await hospital.wake(case) is None
    assert (await hospital.answer(case, "ivo.petrov")).taken == "counted"
    assert await hospital.wake(case) is None
    told = await hospital.answer(case, "ivo.petrov")
    assert told.text.startswith("You have already decided an earlier step of this case")


async def test_who_may_decide_anyway_decides_by_that_right(night, hospital):
    case = await night.waiting()
    await night.granted("leo.brandt")
    told = {"key": "d", "of": "ana.silva", "to": "leo.brandt", "start": hospital.now, "until": night.at(9)}
    who = await night.acted("ana.silva")
    await people.delegate(
        Delegation.model_validate(told), who.by, "test", ledger=hospital.ledger, rulebook=who.rulebook, at=who.at
    )
    decision = (await hospital.answer(case, "leo.brandt")).decision
    assert (decision.on_behalf_of, decision.emergency) == ("ana.silva", None)


async def test_its_limit_holds(night, hospital):
    case = await night.waiting()
    await night.granted(limit={"amount": "10", "currency": "USD"})
    assert "above your limit of $10.00" in (await hospital.answer(case, "mei.tan")).text


async def test_what_is_held_in_an_emergency_is_not_lent_on(night, hospital):
    await night.granted()
    told = {"key": "d", "of": "mei.tan", "to": "sam.lind", "start": hospital.now, "until": night.at(1)}
    who = await night.acted("mei.tan")
    with pytest.raises(RefusedError, match="holds no role there that could be lent"):
        await people.delegate(
            Delegation.model_validate(told), who.by, "test", ledger=hospital.ledger, rulebook=who.rulebook, at=who.at
        )


ASKED = [
    ({"role": "finance-director"}, "finance-director is not lent in an emergency; policy lends department-manager"),
    ({"person": "gus.varga"}, "gus.varga is not an active person"),
    ({"cost_centres": ("O.R.",)}, "nobody works for O.R."),
    ({"hours": 13}, "13 hours are too long, policy allows 12"),
    ({"reason": " "}, "why: it is empty"),
    ({"reason": "for Zebediah Smith, MRN 1234567"}, "please leave patients out"),
    ({"limit": {"amount": "10", "currency": "EUR"}}, "limit: give it in USD"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "because"), ASKED)
async def test_what_cannot_be_asked_for_is_refused_by_field(night, told: dict[str, Any], because):
    hours = told.pop("hours", 8)
    with pytest.raises(RefusedError, match=because):
        await night.ask(**told | {"asked_by": "mei.tan", "until": night.at(hours)})


async def test_policy_may_bound_the_amount(hospital):
    night = await Night.fallen(hospital, emergency_access=RULES.model_copy(update={"amount_max": Decimal(5000)}))
    with pytest.raises(RefusedError, match=r"limit: policy lends up to 5,000 USD"):
        await night.ask()
    await night.ask(limit={"amount": "5000", "currency": "USD"})


async def test_where_policy_knows_none_there_is_none(hospital):
    night = await Night.fallen(hospital, emergency_access=None)
    with pytest.raises(RefusedError, match="policy knows no emergency access"):
        await night.ask()


AGREED = [
    ("mei.tan", "nobody lets themselves decide"),
    ("sam.lind", "only department-manager or procurement-lead or finance-director of OR can agree"),
    ("leo.brandt", "of OR can agree"),
    ("carl.moss", "can agree"),
    ("paula.reyes", "you have agreed: a second has to"),
    ("gus.varga", "only an active person"),
]


@pytest.mark.parametrize(("by", "because"), AGREED)
async def test_the_word_of_some_does_not_count(night, by, because):
    await night.ask()
    await night.agree("paula.reyes")
    with pytest.raises(RefusedError, match=because):
        await night.agree(by)


async def test_who_counts_as_one_who_has_agreed_is_no_second_person(night, hospital):
    await night.ask()
    told = {"key": "d", "of": "paula.reyes", "to": "ana.silva", "start": hospital.now, "until": night.at(9)}
    who = await night.acted("paula.reyes")
    await people.delegate(
        Delegation.model_validate(told), who.by, "test", ledger=hospital.ledger, rulebook=who.rulebook, at=who.at
    )
    await night.agree("paula.reyes")
    with pytest.raises(RefusedError, match="Paula Reyes, as whom you count, has agreed"):
        await night.agree("ana.silva")


async def test_who_stands_in_for_whoever_gets_it_does_not_agree(night, hospital):
    told = {"key": "d", "of": "ivo.petrov", "to": "ana.silva", "start": hospital.now, "until": night.at(9)}
    who = await night.acted("ivo.petrov")
    await people.delegate(
        Delegation.model_validate(told), who.by, "test", ledger=hospital.ledger, rulebook=who.rulebook, at=who.at
    )
    await night.ask("ivo.petrov")
    with pytest.raises(RefusedError, match="stand in for one another"):
        await night.agree("ana.silva")


async def test_who_agrees_agrees_to_what_they_saw(night):
    access = await night.ask()
    with pytest.raises(RefusedError, match="what you saw is not what was asked for"):
        await night.agree("frida.ng", shown="0" * 64)
    await night.agree("frida.ng", shown=shown_of(access.asked))


async def test_of_many_who_agree_at_once_two_do(night):
    await night.ask()
    crowd = ["paula.reyes", "frida.ng", "ana.silva"] * 3
    told = await asyncio.gather(*(night.agree(by) for by in crowd), return_exceptions=True)
    access = await night.access()
    assert len(access.agreed) == len(access.granted) == len({one.by for one in access.agreed}) == 2
    refused = [one for one in told if isinstance(one, Exception)]
    assert {type(one) for one in refused} == {RefusedError}
    assert any("have agreed already: it is in force" in str(one) for one in refused)


async def test_a_third_person_reviews_it_having_seen_what_was_decided_under_it(night, hospital):
    case = await night.waiting()
    await night.granted()
    await hospital.answer(case, "mei.tan")
    await night.end("mei.tan")
    (one,) = await night.under()
    assert (one.case, one.decision) == (case, decision_of(await hospital.chain(case), "1-department-manager"))
    access = await night.review("carl.moss")
    assert access.review is not None
    assert (access.review.name, access.review.verdict) == ("Carl Moss", "accepted")
    line = (await hospital.chain("book~duties")).last("emergency-reviewed")
    assert line.body["decisions"] == [f"{case}#{one.entry}"]
    assert await hospital.ledger.fetch(line.seen)
    with pytest.raises(RefusedError, match="Carl Moss has accepted it"):
        await night.review("carl.moss", verdict="objected")


REVIEWED = [
    ("frida.ng", "you were part of it"),
    ("leo.brandt", "only chief-financial-officer or finance-director reviews it"),
    ("gus.varga", "only an active person"),
]


@pytest.mark.parametrize(("by", "because"), REVIEWED)
async def test_nobody_else_reviews_it(night, by, because):
    await night.granted()
    await night.end("mei.tan")
    with pytest.raises(RefusedError, match=because):
        await night.review(by)


async def test_it_is_reviewed_once_it_is_over_and_in_words_without_patients(night):
    await night.granted()
    with pytest.raises(RefusedError, match="still in force"):
        await night.review("carl.moss")
    await night.end("mei.tan")
    with pytest.raises(RefusedError, match="words: please say"):
        await night.review("carl.moss", words=" ")
    with pytest.raises(RefusedError, match="leave patients out"):
        await night.review("carl.moss", words="for Zebediah Smith, MRN 1234567")


async def test_what_never_came_into_force_needs_no_review(night, hospital):
    await night.ask()
    hospital.now += timedelta(hours=9)
    assert not (await night.access()).to_review(hospital.now)
    with pytest.raises(RefusedError, match="never in force"):
        await night.review("carl.moss")
    with pytest.raises(RefusedError, match="its time is over, for Mei Tan"):
        await night.agree("frida.ng")
