"""Slack does wrong: whatever becomes of a post or its answer, each ask has one card, and in time it has one."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from blocks.errors import OutsideError
from blocks.slack import SlackDesk
from tests.faults.doors import captured, slack_hospital
from tests.faults.wrongs import black_hole, misreported, refused, reset, slow, swapped, unheard
from tests.hospital import Hospital
from tests.judging import judged

pytestmark = pytest.mark.long  # real time: each waits until Slack is given up
POSTS = r"chat\.postMessage"
WRONGS = {
    "posted, and the answer lost": unheard,
    "posted, and 500": partial(misreported, 500),
    "posted after we gave up": partial(slow, 2.5),
    "reset": reset,
    "never answered": black_hole,
    "503": partial(refused, 503),
    "429, come back in a second": partial(refused, 429, retry_after_s=1),
}
ROUNDS = 3


async def waits(hospital: Hospital, *cases: str) -> None:
    """Let cases be woken until each waits, as upkeep does; each is given its time."""
    for _ in range(ROUNDS):
        hospital.now += timedelta(minutes=1)
        with suppress(OutsideError):
            await asyncio.gather(*map(hospital.wake, cases))
        await asyncio.sleep(0.6)  # what is late by now has come


async def cards_of(hospital: Hospital, case: str) -> int:
    asked = (await hospital.chain(case)).last("asked")
    assert asked
    seen = await captured(hospital.desk)
    return sum(card.key.startswith(f"{case}/") for card in seen.messages.values())


@pytest.mark.parametrize("wrong", WRONGS)
async def test_whatever_slack_does_with_a_post_there_is_one_card(tmp_path: Path, wrong: str):
    async with slack_hospital(tmp_path) as (hospital, desk):
        case = await hospital.submit("KNEE-TIB-4", 1)
        desk.arm(POSTS, WRONGS[wrong]())
        await waits(hospital, case)
        assert len(desk.faults()) == 1
        assert await cards_of(hospital, case) == 1
        await hospital.answer(case, "ivo.petrov")
        assert await hospital.wake(case)
        assert await judged(hospital, hospital.erp, await captured(hospital.desk)) == []


async def test_two_posts_that_overtake_each_other_are_one_card_each(tmp_path: Path):
    async with slack_hospital(tmp_path) as (hospital, desk):
        cases = [await hospital.submit("KNEE-TIB-4", 1), await hospital.submit("HIP-STEM-12", 1)]
        desk.arm(POSTS, swapped(), times=2)
        await waits(hospital, *cases)
        assert desk.faults() == ["reorder", "reorder"]
        assert [await cards_of(hospital, case) for case in cases] == [1, 1]


async def test_without_the_look_for_its_own_card_there_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def finds_nothing(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(SlackDesk, "_find", finds_nothing)
    async with slack_hospital(tmp_path) as (hospital, desk):
        case = await hospital.submit("KNEE-TIB-4", 1)
        desk.arm(POSTS, unheard())
        await waits(hospital, case)
        assert await cards_of(hospital, case) == 2
