"""Parked effects: a person says what nobody else can say, once, and the case goes on from there."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.errors import UnavailableError
from blocks.ports import Personality
from blocks.wire.names import effect_key
from blocks.wire.report import headline
from tasks.doubts import waits_for_word
from tasks.effects import InDoubtError
from tasks.parked import SHOWS_WITHIN, CannotSettleError, Said, settle
from tests.fakes.erp import FakeErp
from tests.hospital import Hospital

NOTHING = Personality(key_kept_s=0, finds=False)
FINDS = Personality(key_kept_s=0, finds=True)


class Forgetful(FakeErp):
    """An ERP that knows no keys: the same key twice would be two orders."""

    async def order(self, draft, *, key):
        count = len(self.orders())
        return await super().order(draft, key=key if count == 0 else f"{key}/{count}")


async def left_in_doubt(root: Path) -> tuple[Hospital, str]:
    """Leave a case whose order was made, and nobody can say so."""
    hospital = await Hospital.opened(root)
    hospital.erp = Forgetful(personality=NOTHING)
    case = await hospital.submit("IVSET-20", 40)
    hospital.erp.lose = 1
    await parks(hospital, case)
    return hospital, case


@pytest.fixture
async def in_doubt(tmp_path) -> tuple[Hospital, str]:
    return await left_in_doubt(tmp_path)


async def parks(hospital: Hospital, case: str) -> None:
    """Wake it until it is parked: a step that tried and got no answer tries again by itself."""
    with pytest.raises(InDoubtError, match=f"`almoner case settle {case}`"):
        await hospital.wake(case)


async def says(
    hospital: Hospital,
    case: str,
    said: Said,
    by: str = "paula.reyes",
    *,
    after: timedelta = SHOWS_WITHIN,
    stood: timedelta = timedelta(),
) -> str:
    """Say it *after* a while, at a door that *stood* still before it took it."""
    heard = hospital.now = hospital.now + after
    hospital.now += stood
    with hospital.bound() as outside:
        rules = await outside.shelf.in_force(hospital.now)
        person, said = rules.directory.person(by), said._replace(case=case)
        ledger, erp = hospital.ledger, hospital.erp
        return await settle(
            said, person, "cli~ops", ledger=ledger, erp=erp, rulebook=rules, at=heard, clock=lambda: hospital.now
        )


async def test_it_was_made_is_taken_on_the_persons_word_where_the_system_cannot_be_asked(in_doubt):
    hospital, case = in_doubt
    (order,) = hospital.erp.orders()
    told = await says(hospital, case, Said("", "made", order.number))
    assert told == f"The order was made, as {order.number}."
    (line,) = (await hospital.chain(case)).having("settled")
    assert (line.actor, line.source, line.key) == ("person:paula.reyes", "cli~ops", effect_key(case, "order"))
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.document) == ("ordered", order.number)
    assert len(hospital.erp.orders()) == hospital.erp.calls["order"] == 1
    made = (await hospital.chain(case)).last("outcome").body
    assert (made["how"], made["document"]["state"]) == ("settled", "on the word of Paula Reyes")
    assert await hospital.verified()


async def test_it_was_not_made_is_tried_again_under_the_same_key(in_doubt):
    hospital, case = in_doubt
    hospital.erp._made.clear()  # it had never arrived
    assert await says(hospital, case, Said("", "not-made")) == "The order was not made; it is tried again."
    assert (await hospital.wake(case)).ended == "ordered"
    (order,) = hospital.erp.orders()
    assert order.key == effect_key(case, "order")
    assert await hospital.verified()


async def test_a_second_attempt_whose_answer_is_lost_is_in_doubt_again_and_is_not_repeated(in_doubt):
    hospital, case = in_doubt
    hospital.erp._made.clear()
    await says(hospital, case, Said("", "not-made"))
    hospital.erp.lose = 1
    await parks(hospital, case)
    await parks(hospital, case)
    assert len(hospital.erp.orders()) == 1
    assert hospital.erp.calls["order"] == 2
    assert len((await hospital.chain(case)).having("parked")) == 2
    (order,) = hospital.erp.orders()
    await says(hospital, case, Said("", "made", order.number))
    assert (await hospital.wake(case)).document == order.number


async def test_a_process_that_dies_in_the_second_attempt_does_not_make_a_third(in_doubt, monkeypatch):
    hospital, case = in_doubt
    await says(hospital, case, Said("", "not-made"))
    made = len(hospital.erp.orders())

    async def die(_self, draft, *, key):
        await FakeErp.order(hospital.erp, draft, key=f"{key}/again")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Forgetful, "order", die)
        with pytest.raises(KeyboardInterrupt):
            await hospital.wake(case)
    await parks(hospital, case)
    assert len(hospital.erp.orders()) == made + 1


async def test_given_up_it_ends_as_refused_and_lets_its_funds_go(in_doubt):
    hospital, case = in_doubt
    because = "the supplier knows nothing of it"
    assert await says(hospital, case, Said("", "given-up", because=because)) == f"The order is given up: {because}."
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.because) == ("refused", f"given up by Paula Reyes: {because}")
    assert hospital.erp.calls["order"] == 1
    book = await hospital.chain("book~funds~OR~2026")
    assert [line.act for line in book.lines] == ["held", "released"]
    assert await hospital.verified()


SOON = timedelta(seconds=SHOWS_WITHIN.total_seconds() - 1)


@pytest.mark.parametrize("said", [Said("", "not-made"), Said("", "given-up", because="enough")])
@pytest.mark.parametrize("stood", [timedelta(), timedelta(hours=1)])
async def test_that_nothing_is_there_counts_only_once_it_would_be_there_if_it_were_made(in_doubt, said, stood):
    hospital, case = in_doubt
    with pytest.raises(CannotSettleError, match=r"may still be made\. Please look in the ERP at 08:03 or later"):
        await says(hospital, case, said, after=SOON, stood=stood)
    assert not (await hospital.chain(case)).having("settled")
    await says(hospital, case, said)


async def test_that_it_is_there_counts_at_once(in_doubt):
    hospital, case = in_doubt
    (order,) = hospital.erp.orders()
    await says(hospital, case, Said("", "made", order.number), after=timedelta(seconds=1))
    assert (await hospital.wake(case)).document == order.number


async def test_only_the_first_word_counts(in_doubt):
    hospital, case = in_doubt
    await says(hospital, case, Said("", "not-made"))
    with pytest.raises(CannotSettleError, match="is not in doubt: Paula Reyes settled it at 14:02 UTC on 23 Nov"):
        await says(hospital, case, Said("", "given-up", because="late"), by="frida.ng")


async def test_of_two_words_at_once_one_counts(in_doubt):
    hospital, case = in_doubt
    words = [says(hospital, case, Said("", "not-made")), says(hospital, case, Said("", "given-up", because="enough"))]
    told = await asyncio.gather(*words, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["CannotSettleError", "str"]
    assert len((await hospital.chain(case)).having("settled")) == 1


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("nobody.here", "is not in the directory"),
        ("gus.varga", "Gus Varga is no longer active"),
        ("rita.okafor", "Rita Okafor asked for this"),
        ("leo.brandt", "Leo Brandt holds no role for OR"),
        ("omar.haddad", "Omar Haddad holds no role for OR"),
    ],
)
async def test_who_may_not_say_so_is_told_why(in_doubt, by, why):
    hospital, case = in_doubt
    with pytest.raises(CannotSettleError, match=why):
        await says(hospital, case, Said("", "not-made"), by=by)
    assert not (await hospital.chain(case)).having("settled")


@pytest.mark.parametrize(
    ("said", "why"),
    [(Said("", "made"), "number"), (Said("", "given-up"), "say why"), (Said("", "given-up", because="  "), "say why")],
)
async def test_half_a_word_is_not_taken(in_doubt, said, why):
    hospital, case = in_doubt
    with pytest.raises(CannotSettleError, match=why):
        await says(hospital, case, said)


async def test_a_case_that_is_not_in_doubt_is_left_alone(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    for name, why in ((case, "is not in doubt"), ("RQ-NEVERSEEN1", "no case RQ-NEVERSEEN1")):
        with pytest.raises(CannotSettleError, match=why):
            await says(hospital, name, Said("", "not-made"))


async def test_a_system_that_can_be_asked_by_now_has_the_last_word(in_doubt):
    hospital, case = in_doubt
    (order,) = hospital.erp.orders()
    hospital.erp.personality = FINDS
    for said, why in (
        (Said("", "made", "4711"), f"holds order {order.number} under our key, not 4711"),
        (Said("", "not-made"), f"holds order {order.number} under our key: say --made {order.number}"),
        (Said("", "given-up", because="x"), f"holds order {order.number} under our key"),
    ):
        with pytest.raises(CannotSettleError, match=why):
            await says(hospital, case, said)
    await says(hospital, case, Said("", "made", order.number))
    assert (await hospital.chain(case)).last("settled").body["document"] == order.model_dump(mode="json")


async def test_what_a_system_that_can_be_asked_does_not_hold_was_not_made(in_doubt):
    hospital, case = in_doubt
    hospital.erp._made.clear()
    hospital.erp.personality = FINDS
    with pytest.raises(CannotSettleError, match="holds no order under our key: say --not-made"):
        await says(hospital, case, Said("", "made", "4711"))


async def test_an_issue_from_stock_is_settled_alike(tmp_path):
    hospital = await Hospital.opened(tmp_path, personality=NOTHING)
    case = await hospital.submit("GLOVE-M", 20)
    hospital.erp.lose = 1
    await parks(hospital, case)
    (issue,) = hospital.erp.issues()
    assert await says(hospital, case, Said("", "made", issue.number)) == f"The issue was made, as {issue.number}."
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.document) == ("filled", issue.number)


async def test_the_headline_says_that_a_person_must_look(in_doubt):
    hospital, case = in_doubt
    assert headline(await hospital.chain(case)) == "**In doubt**: did the order happen? A person must look"
    await says(hospital, case, Said("", "not-made"))
    assert headline(await hospital.chain(case)) == "**Under way**"


@pytest.mark.parametrize("personality", [NOTHING, FINDS])
async def test_an_intent_that_could_not_be_written_lets_nothing_happen(tmp_path, monkeypatch, personality):
    monkeypatch.setattr("tasks.durable.BACKOFF_S", 0)
    hospital = await Hospital.opened(tmp_path, personality=personality)
    case = await hospital.submit("IVSET-20", 40)
    append, failed = hospital.ledger.append, []

    async def append_not_the_intent(chain, lines):
        if any(line.act == "intent" for line in lines):
            failed.append(chain.case)
            assert not hospital.erp.calls["order"]
            if len(failed) < 3:
                raise UnavailableError("store", "away")
        return await append(chain, lines)

    monkeypatch.setattr(hospital.ledger, "append", append_not_the_intent)
    assert (await hospital.wake(case)).ended == "ordered"
    assert len(failed) == 3
    assert not (await hospital.chain(case)).having("parked")
    assert hospital.erp.calls["order"] == 1


async def test_a_card_that_could_not_be_posted_is_posted_when_slack_is_back(tmp_path):
    hospital = await Hospital.opened(tmp_path)
    hospital.erp = Forgetful(personality=NOTHING)
    case = await hospital.submit("IVSET-20", 40)
    hospital.erp.lose, post = 1, hospital.desk.post

    async def away(*_args, **_more):
        raise UnavailableError("slack", "away")

    hospital.desk.post = away
    with pytest.raises(UnavailableError):
        await hospital.wake(case)
    assert not waits_for_word(await hospital.chain(case))
    hospital.desk.post = post
    for _ in range(2):
        await parks(hospital, case)
    assert waits_for_word(await hospital.chain(case))
    assert [card.key for card in hospital.desk.cards("approvals")] == [f"{case}/doubt-1"]


async def test_a_card_that_the_door_did_not_live_to_draw_is_drawn_by_the_process(in_doubt):
    hospital, case = in_doubt
    (order,) = hospital.erp.orders()
    await says(hospital, case, Said("", "made", order.number))
    await hospital.wake(case)
    (card,) = (card for card in hospital.desk.cards("approvals") if card.key == f"{case}/doubt-1")
    assert card.text.endswith(f"It was made, as {order.number}, says Paula Reyes.")
