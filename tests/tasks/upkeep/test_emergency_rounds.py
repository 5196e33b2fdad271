"""Emergency access that is over waits for a review: told once, again each day when late, and on top of what waits."""

from datetime import timedelta

import pytest

from blocks.rulebook import Shelf
from blocks.wire.reminders import Late, waiting_rows
from tasks.upkeep.rounds import Round, Rounds
from tests.hospital import Hospital
from tests.tasks.signing.emergencies import Night

DAY = timedelta(days=1)


@pytest.fixture
async def night(hospital: Hospital) -> Night:
    night = await Night.fallen(hospital)
    await night.granted()
    return night


async def go(night: Night) -> Round:
    hospital = night.hospital
    return await Rounds(hospital.ledger, Shelf(hospital.ledger), hospital.desk).go(hospital.now)


def told(night: Night) -> list[str]:
    return [card.text for card in night.hospital.desk.cards("U0CARL") if card.key.startswith("emergency/")]


async def test_while_it_is_in_force_nothing_is_to_be_reviewed(night):
    assert (await go(night)).waiting == ()
    assert told(night) == []


async def test_once_it_is_over_who_may_review_it_is_told_once(night):
    night.hospital.now += DAY
    for _ in range(3):
        (late,) = (await go(night)).waiting
    assert late.people == ("Carl Moss",)  # Frida Ng has agreed to it
    assert "almoner people emergency review em-1" in late.note
    (text,) = told(night)
    assert "Mei Tan was department manager of OR" in text
    assert "granted by Paula Reyes and Frida Ng" in text


async def test_when_it_is_late_they_are_told_once_a_day_and_it_stands_on_top(night):
    await night.end("mei.tan")
    for hour in range(0, 24 * 5, 6):
        night.hospital.now += timedelta(hours=6)
        (late,) = (await go(night)).waiting
        assert late.first == (hour + 6 >= 48)
    assert len(told(night)) == 5  # once it is over, and after two, three, four and five days
    older = Late("RQ-1", "", (), "", night.hospital.now - 90 * DAY, night.hospital.now - 80 * DAY)
    assert [row["case"] for row in waiting_rows([older, late], night.hospital.now, "UTC")] == ["em-1", "RQ-1"]


async def test_who_died_before_they_were_told_tells_them_without_telling_twice(night, monkeypatch):
    night.hospital.now += DAY

    async def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tasks.upkeep.emergency_rounds._note_told", dies)
        with pytest.raises(KeyboardInterrupt):
            await go(night)
    for _ in range(2):
        night.hospital.now += timedelta(minutes=1)
        await go(night)
    assert len(told(night)) == 1


async def test_what_was_reviewed_waits_for_nobody(night):
    await night.end("mei.tan")
    await night.review("carl.moss")
    night.hospital.now += 9 * DAY
    assert (await go(night)).waiting == ()


async def test_while_it_holds_the_card_asks_whoever_holds_it_too(night):
    case = await night.waiting()
    await go(night)
    (card,) = night.hospital.desk.cards("approvals")
    assert "<@U0MEI>" in str(card.blocks)
    await night.end("frida.ng")
    await go(night)
    assert (await night.hospital.chain(case)).last("rerouted").body["gone"] == []
    (card,) = night.hospital.desk.cards("approvals")
    assert "<@U0MEI>" not in str(card.blocks)
