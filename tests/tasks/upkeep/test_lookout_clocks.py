"""The lookout's own clock: one that is wrong, or that is set back, keeps nobody waiting."""

from datetime import timedelta

import pytest

from blocks.errors import UnavailableError
from tasks.upkeep.lookout import Lookout
from tests.tasks.upkeep.test_lookout import rounds


def _away(prefix, *, after=""):
    raise UnavailableError("store", f"503 on {prefix}{after}")


@pytest.mark.parametrize("off_s", [-1_200, 1_200])
async def test_a_lookout_whose_clock_is_wrong_finds_what_stands_still_all_the_same(hospital, off_s):
    lookout = Lookout(clock=lambda: hospital.now + timedelta(seconds=off_s))
    case = await hospital.submit("IVSET-20", 40)
    found = []
    for _ in range(5):
        hospital.now += timedelta(seconds=3)
        found += await lookout.standing_still(hospital.ledger)
    assert found == [case]


async def test_a_clock_that_is_set_back_keeps_nobody_waiting(hospital):
    off = timedelta()
    lookout = Lookout(clock=lambda: hospital.now + off)
    early = await hospital.submit("IVSET-20", 40)
    assert await rounds(hospital, lookout, 1) == [[early]]
    late = await hospital.submit("IVSET-20", 41)
    assert await lookout.standing_still(hospital.ledger) == []
    off = timedelta(minutes=-20)
    found = []
    for _ in range(10):
        hospital.now += timedelta(seconds=3)
        found += await lookout.standing_still(hospital.ledger)
    assert sorted(found) == sorted([early, late])


async def test_a_clock_that_is_set_back_during_an_outage_is_set_back_once(hospital, monkeypatch):
    off = timedelta()
    lookout = Lookout(clock=lambda: hospital.now + off)
    case = await hospital.submit("IVSET-20", 40)
    assert await lookout.standing_still(hospital.ledger) == []
    off = timedelta(seconds=-5)
    with monkeypatch.context() as patched:
        patched.setattr(hospital.ledger.store, "list", _away)
        for _ in range(9):
            with pytest.raises(UnavailableError):
                await lookout.standing_still(hospital.ledger)
    assert await lookout.standing_still(hospital.ledger) == []
    assert await rounds(hospital, lookout, 1) == [[case]]


async def test_a_clock_that_is_set_back_puts_off_no_look_at_everything(hospital):
    off = timedelta()
    lookout = Lookout(clock=lambda: hospital.now + off, share=1e-9)
    await rounds(hospital, lookout, 1)
    case = await hospital.submit("IVSET-20", 40)
    off = timedelta(days=-3650)
    assert await rounds(hospital, lookout, 2) == [[], []]
    hospital.now += timedelta(days=3650)
    assert await rounds(hospital, lookout, 1) == [[case]]
