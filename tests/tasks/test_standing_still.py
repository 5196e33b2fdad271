"""A process may stand still between any two lines, and its clocks with it: what it knew before is no longer so."""

from datetime import timedelta

import pytest

from blocks.errors import UnavailableError, UnknownError
from tasks import effects, parked
from tasks.effects import InDoubtError
from tasks.parked import CannotSettleError, Said
from tests.tasks.test_claims import LOOKS, Unkeyed, Worker
from tests.tasks.test_claims import opened as claims_opened
from tests.tasks.test_effects import PERSONALITIES, acts, attempt, opened
from tests.tasks.test_further_calls import FINDING, JudgesFirst
from tests.tasks.test_parked import left_in_doubt, says

DAY = PERSONALITIES["keeps keys for a day"]
HALF_AN_HOUR = timedelta(minutes=30)


async def test_between_the_keys_age_and_the_claim_the_key_may_be_forgotten(tmp_path, monkeypatch):
    hospital, case = await opened(tmp_path, DAY)
    hospital.erp.lose = 1
    with pytest.raises(UnknownError):
        await attempt(hospital, case)
    hospital.now += timedelta(hours=23, minutes=36)
    known_s = effects.known_s

    async def then_stands_still(*of):
        known = await known_s(*of)
        hospital.now += HALF_AN_HOUR
        return known

    monkeypatch.setattr(effects, "known_s", then_stands_still)
    with pytest.raises(UnavailableError, match="this process stood still"):
        await attempt(hospital, case)
    monkeypatch.setattr(effects, "known_s", known_s)
    with pytest.raises(InDoubtError):
        await attempt(hospital, case)
    assert hospital.erp.calls["order"] == 1


async def test_where_both_of_its_clocks_stood_still_the_store_tells_how_old_a_look_is(tmp_path, monkeypatch):
    good = FINDING["a key for good"]
    erp = JudgesFirst(personality=good)
    hospital, case = await opened(tmp_path, good, erp)
    age_s, find, later_s = hospital.ledger.age_s, erp.find_order, 0

    async def by_the_store(*of):
        return await age_s(*of) + later_s

    async def found_nothing_and_was_paused(key):
        nonlocal later_s
        found = await find(key)
        if await acts(hospital, case) == ["intent", "unknown", "taken"]:
            await erp.work_off()
            later_s = 1800
        return found

    monkeypatch.setattr(hospital.ledger, "age_s", by_the_store)
    with pytest.raises(UnknownError):
        await attempt(hospital, case)
    erp.find_order = found_nothing_and_was_paused
    with pytest.raises(UnknownError, match="may have been made"):
        await attempt(hospital, case)
    assert [await attempt(hospital, case)] == erp.orders()


async def test_what_could_not_be_written_is_not_yet_quiet_whatever_our_clock_says(tmp_path, monkeypatch):
    hospital, case = await claims_opened(tmp_path, LOOKS, Unkeyed)
    hospital.erp._lag_s = LOOKS.lag_s
    worker, hospital.erp.lose = Worker(hospital, await hospital.chain(case)), 1
    append, away = hospital.ledger.append, True

    async def is_away_for_what_is_unknown(chain, lines):
        if away and any(line.act == "unknown" for line in lines):
            raise UnavailableError("store", "it does not answer")
        return await append(chain, lines)

    monkeypatch.setattr(hospital.ledger, "append", is_away_for_what_is_unknown)
    with pytest.raises(UnavailableError, match="it does not answer"):
        await worker.order()
    away = False
    worker.case.clock = lambda: hospital.now + HALF_AN_HOUR  # set forward meanwhile
    with pytest.raises(UnavailableError, match="may not be visible yet"):
        await worker.order()
    hospital.now += timedelta(seconds=61)
    assert [await worker.order()] == hospital.erp.orders()


async def test_whoever_says_so_too_early_and_stands_still_at_the_store_has_said_it_too_early(tmp_path, monkeypatch):
    hospital, case = await left_in_doubt(tmp_path)
    age_s = hospital.ledger.age_s

    async def after_half_an_hour(*of):
        hospital.now += timedelta(minutes=30)
        return await age_s(*of)

    monkeypatch.setattr(hospital.ledger, "age_s", after_half_an_hour)
    with pytest.raises(CannotSettleError, match="may still be made"):
        await says(hospital, case, Said("", "not-made"), after=timedelta(seconds=10))


async def test_whoever_stands_still_while_the_clock_is_set_back_has_said_it_too_early(tmp_path, monkeypatch):
    hospital, case = await left_in_doubt(tmp_path)
    age_s, moments = hospital.ledger.age_s, iter((0.0, 1800.0))

    async def half_an_hour_older(*of):
        return await age_s(*of) + 1800

    monkeypatch.setattr(parked, "monotonic", lambda: next(moments))
    monkeypatch.setattr(hospital.ledger, "age_s", half_an_hour_older)
    with pytest.raises(CannotSettleError, match="may still be made"):
        await says(hospital, case, Said("", "not-made"), after=timedelta(seconds=10), stood=timedelta(minutes=-5))
