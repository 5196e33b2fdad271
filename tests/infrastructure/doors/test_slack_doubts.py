"""Slack's door: what became of an effect in doubt is said on its card, by whoever may say it."""

import asyncio
from datetime import timedelta

import pytest

from blocks.ports import Personality
from blocks.records.approval import Posted
from infrastructure.doors import doubts
from tasks.effects import InDoubtError
from tasks.parked import SHOWS_WITHIN
from tests.fakes.erp import FakeErp
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import SlackLike, afterwards, told
from tests.infrastructure.doors.test_slack_requests import press, send

NOTHING, FINDS = Personality(key_kept_s=0, finds=False), Personality(key_kept_s=0, finds=True)


@pytest.fixture(autouse=True)
def _no_patience_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.durable.BACKOFF_S", 0)


@pytest.fixture
async def doubted(hospital: Hospital, desk: SlackLike) -> tuple[Hospital, str, Posted]:
    """A case whose order was made, and nobody can say so; its card."""
    hospital.erp = FakeErp(personality=NOTHING)
    case = await hospital.submit("IVSET-20", 40)
    hospital.erp.lose = 1
    with pytest.raises(InDoubtError):
        await hospital.wake(case)
    hospital.now += SHOWS_WITHIN + timedelta(minutes=1)
    (posted,) = (where for where, card in desk.messages.items() if card.key == f"{case}/doubt-1")
    return hospital, case, posted


def value_of(hospital: Hospital, posted: Posted) -> str:
    actions = next(block for block in hospital.desk.messages[posted].blocks if block["type"] == "actions")
    return actions["elements"][0]["value"]


async def said(hospital: Hospital, posted: Posted, action: str, user: str = "U0PAULA", **typed: str):
    with hospital.bound():
        await afterwards(await press(user, action, value_of(hospital, posted)))
        return await send(user, hospital.desk.modals[-1][1], **typed)


async def test_the_card_tells_both_sides_and_asks_those_who_may_say(doubted):
    hospital, case, posted = doubted
    card = hospital.desk.messages[posted]
    drawn = str(card.blocks)
    assert posted.channel == "approvals"
    for what in ("<@U0PAULA>", "40 × IVSET-20 from", "its answer was lost", "`almoner:", case):
        assert what in drawn
    for who in ("<@U0RITA>", "<@U0LEO>", "<@U0GUS>"):
        assert who not in drawn


async def test_it_was_made_takes_its_number_and_the_case_goes_on(doubted):
    hospital, case, posted = doubted
    (order,) = hospital.erp.orders()
    assert "number" in told(await said(hospital, posted, "doubt-made", number=""))["errors"]
    with hospital.bound():
        await afterwards(await said(hospital, posted, "doubt-made", number=order.number))
    line = (await hospital.chain(case)).last("settled")
    assert (line.actor, line.source, line.body["verdict"]) == ("person:paula.reyes", "slack", "made")
    assert f"It was made, as {order.number}, says Paula Reyes" in hospital.desk.messages[posted].text
    assert (await hospital.wake(case)).document == order.number
    assert len(hospital.erp.orders()) == 1


async def test_it_was_not_made_takes_one_press_and_is_tried_again(doubted):
    hospital, case, posted = doubted
    hospital.erp._made.clear()
    with hospital.bound():
        await afterwards(await press("U0PAULA", "doubt-not-made", value_of(hospital, posted)))
    assert hospital.desk.whispers[-1][2] == "The order was not made; it is tried again."
    assert "is tried again" in hospital.desk.messages[posted].text
    assert (await hospital.wake(case)).ended == "ordered"


async def test_given_up_ends_it_and_the_requester_reads_why(doubted):
    hospital, case, posted = doubted
    assert "note" in told(await said(hospital, posted, "doubt-give-up", note=" "))["errors"]
    with hospital.bound():
        await afterwards(await said(hospital, posted, "doubt-give-up", note="they know nothing of it"))
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.because) == ("refused", "given up by Paula Reyes: they know nothing of it")


@pytest.mark.parametrize(("user", "why"), [("U0RITA", "asked for this"), ("U0LEO", "holds no role"), ("U9", "not in")])
async def test_who_may_not_say_so_is_told_why_and_the_card_still_asks(doubted, user, why):
    hospital, case, posted = doubted
    before = hospital.desk.messages[posted]
    with hospital.bound():
        await afterwards(await press(user, "doubt-not-made", value_of(hospital, posted)))
    assert why in hospital.desk.whispers[-1][2]
    assert hospital.desk.messages[posted] == before
    assert not (await hospital.chain(case)).having("settled")


async def test_a_card_of_an_earlier_doubt_is_over(doubted):
    hospital, case, posted = doubted
    value = value_of(hospital, posted)
    hospital.erp._made.clear()
    with hospital.bound():
        await afterwards(await press("U0PAULA", "doubt-not-made", value))
    hospital.erp.lose = 1
    with pytest.raises(InDoubtError):
        await hospital.wake(case)
    assert [card.key for card in hospital.desk.cards("approvals")] == [f"{case}/doubt-1", f"{case}/doubt-2"]
    with hospital.bound():
        await afterwards(await press("U0PAULA", "doubt-not-made", value))
    assert "in doubt anew" in hospital.desk.whispers[-1][2]
    assert len((await hospital.chain(case)).having("settled")) == 1


async def test_an_erp_that_does_not_answer_in_time_settles_nothing(doubted, monkeypatch):
    hospital, case, posted = doubted
    hospital.erp.personality = FINDS
    monkeypatch.setattr(doubts, "PATIENCE_S", 0.01)
    monkeypatch.setattr(hospital.erp, "find_order", lambda _: asyncio.sleep(60))
    with hospital.bound():
        await afterwards(await press("U0PAULA", "doubt-not-made", value_of(hospital, posted)))
    assert "did not answer in time" in hospital.desk.whispers[-1][2]
    assert not (await hospital.chain(case)).having("settled")
