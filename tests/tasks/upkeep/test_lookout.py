"""The lookout: who stands still is rung for, less and less often; who waits, is in doubt or is finished is not."""

from datetime import timedelta
from itertools import pairwise

import pytest

from blocks.errors import UnavailableError
from blocks.ledger import Ledger
from blocks.ports import Personality
from blocks.records.ledger import Line
from blocks.sealing.notes import HeadsLog
from blocks.store import FolderStore
from infrastructure.warm.worker import Habits
from tasks.effects import InDoubtError
from tasks.results import keep_result, result_of
from tasks.upkeep.lookout import AGAIN_MAX_S, AGAIN_MIN_S, AGAIN_SHARE, TOLD_S, Lookout
from tests.hospital import Hospital

MINUTE = timedelta(minutes=1)


class Counting(FolderStore):
    """A folder that counts what is read of it."""

    gets = lists = 0

    async def get(self, key):
        self.gets += 1
        return await super().get(key)

    def list(self, prefix, *, after=""):
        self.lists += 1
        return super().list(prefix, after=after)

    def count(self) -> tuple[int, int]:
        counted, self.gets, self.lists = (self.gets, self.lists), 0, 0
        return counted


async def rounds(hospital: Hospital, lookout: Lookout, count: int) -> list[list[str]]:
    """Look once a minute, and return what was found each time."""
    found = []
    for _ in range(count):
        hospital.now += MINUTE
        found.append(await lookout.standing_still(hospital.ledger))
    return found


def failing(read, *, times):
    """Read, but for the first few times."""
    failures = iter([UnavailableError("store", "503")] * times)

    async def reads(case, **known):
        for failure in failures:
            raise failure
        return await read(case, **known)

    return reads


def lookout_of(hospital: Hospital, **habits: float) -> Lookout:
    return Lookout(clock=lambda: hospital.now, **habits)


async def finish(hospital: Hospital, case: str) -> None:
    outcome = await hospital.wake(case)
    await keep_result(result_of(await hospital.chain(case), outcome), hospital.ledger)


async def test_a_case_that_nobody_rang_for_is_found_once_it_has_been_quiet(hospital):
    lookout = lookout_of(hospital)
    case = await hospital.submit("IVSET-20", 40)
    assert await lookout.standing_still(hospital.ledger) == []
    assert await rounds(hospital, lookout, 1) == [[case]]


async def test_a_case_that_could_not_be_read_is_read_again_each_round(hospital, monkeypatch):
    lookout = lookout_of(hospital, share=1e-9)
    case = await hospital.submit("IVSET-20", 40)
    monkeypatch.setattr(hospital.ledger, "read", failing(hospital.ledger.read, times=9))
    assert await rounds(hospital, lookout, 10) == [*[[]] * 9, [case]]


async def test_a_case_that_does_not_move_is_rung_for_less_and_less_often(hospital):
    lookout = lookout_of(hospital)
    await hospital.submit("IVSET-20", 40)
    began, rung = hospital.now, []
    while hospital.now - began < timedelta(days=3):
        hospital.now += timedelta(seconds=5 + (hospital.now - began).total_seconds() / 1_000)
        if await lookout.standing_still(hospital.ledger):
            rung.append((hospital.now - began).total_seconds())
    waits = [(b - a, a) for a, b in pairwise(rung)]
    assert all(AGAIN_MIN_S <= wait <= AGAIN_MAX_S + 300 for wait, _ in waits)
    assert all(wait <= max(stood * AGAIN_SHARE, AGAIN_MIN_S) * 1.1 + 10 for wait, stood in waits)
    assert waits[0][0] < 25  # an outage of five minutes is over for everybody 15 s after its end
    assert waits[-1][0] > 3_000


async def test_a_case_that_moved_and_stands_still_again_is_rung_for_at_once(hospital):
    lookout = lookout_of(hospital)
    case = await hospital.submit("IVSET-20", 40)
    await rounds(hospital, lookout, 60)
    assert await rounds(hospital, lookout, 2) != [[case], [case]]
    line = Line(act="step", key="k", actor="process:requisition", at=hospital.now)
    await hospital.ledger.append(await hospital.chain(case), [line])
    assert await rounds(hospital, lookout, 2) == [[case], [case]]


async def test_to_have_tried_once_more_is_not_to_have_moved(hospital):
    lookout = lookout_of(hospital)
    case = await hospital.submit("IVSET-20", 40)
    rung = []
    for number in range(120):  # whoever carries it writes each time that nothing was sent
        hospital.now += MINUTE
        if await lookout.standing_still(hospital.ledger):
            rung.append(number)
            line = Line(act="unsent", key="k", actor="process:requisition", at=hospital.now)
            await hospital.ledger.append(await hospital.chain(case), [line])
    assert len(rung) < 60
    assert rung[-1] - rung[-2] >= 5


async def test_as_soon_as_one_gets_further_all_others_are_rung_for(hospital):
    lookout = lookout_of(hospital)
    cases = sorted([await hospital.submit("IVSET-20", 40 + number) for number in range(3)])
    hospital.now += timedelta(hours=5)
    assert await lookout.standing_still(hospital.ledger) == cases
    assert await rounds(hospital, lookout, 2) == [[], []]
    await finish(hospital, cases[1])
    assert await rounds(hospital, lookout, 2) == [[], [cases[0], cases[2]]]
    assert await rounds(hospital, lookout, 2) == [[], []]


async def test_who_waits_for_people_is_not_rung_for_until_they_have_answered(hospital):
    lookout = lookout_of(hospital)
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    assert await rounds(hospital, lookout, 3) == [[], [], []]
    await hospital.answer(case, "ivo.petrov")
    assert await rounds(hospital, lookout, 2) == [[], [case]]


async def test_an_effect_in_doubt_is_not_rung_for_until_a_person_has_settled_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.durable.RETRIES", 0)
    hospital = await Hospital.opened(tmp_path, personality=Personality(key_kept_s=0, finds=False))
    lookout = lookout_of(hospital)
    case = await hospital.submit("IVSET-20", 40)
    hospital.erp.lose = 1
    with pytest.raises(UnavailableError):
        await hospital.wake(case)
    assert await rounds(hospital, lookout, 1) == [[case]]
    with pytest.raises(InDoubtError):
        await hospital.wake(case)
    assert await rounds(hospital, lookout, 5) == [[]] * 5
    parked = (await hospital.chain(case)).last("parked")
    settled = Line(act="settled", key=parked.key, actor="person:paula.reyes", at=hospital.now)
    await hospital.ledger.append(await hospital.chain(case), [settled])
    assert await rounds(hospital, lookout, 2) == [[], [case]]


async def test_a_case_that_ended_and_has_no_result_is_rung_for_until_it_has_one(hospital):
    lookout = lookout_of(hospital)
    case = await hospital.submit("IVSET-20", 40)
    await hospital.wake(case)
    before = int(TOLD_S / 60)
    assert await rounds(hospital, lookout, before + 2) == [[]] * before + [[case], [case]]
    await finish(hospital, case)
    assert await rounds(hospital, lookout, 3) == [[], [], []]


async def test_a_bell_that_nobody_heard_is_rung_again_at_the_next_look(hospital):
    lookout = lookout_of(hospital)
    case = await hospital.submit("IVSET-20", 40)
    assert await rounds(hospital, lookout, 1) == [[case]]
    lookout.not_heard([case, "RQ-OF-ANOTHER"])
    assert await lookout.standing_still(hospital.ledger) == [case]
    assert await lookout.standing_still(hospital.ledger) == []


async def test_whoever_starts_rings_for_what_stands_still_since_a_moment_ago(hospital):
    case, waits = await hospital.submit("IVSET-20", 40), await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(waits)
    hospital.now += timedelta(milliseconds=1)
    assert await lookout_of(hospital).standing_still(hospital.ledger, patience_s=0) == [case]


async def test_finished_cases_are_not_even_read(tmp_path):
    hospital = await Hospital.opened(tmp_path)
    for number in range(5):
        await finish(hospital, await hospital.submit("IVSET-20", 1 + number))
    store = hospital.ledger.store = Counting(tmp_path)
    assert await rounds(hospital, lookout_of(hospital), 3) == [[], [], []]
    assert store.gets == 0


async def test_a_finished_case_that_is_to_be_taken_back_is_found_by_a_lookout_that_starts_only_then(hospital):
    case = await hospital.submit("IVSET-20", 40)
    await finish(hospital, case)
    await hospital.cancel(case, "rita.okafor")
    looks = lookout_of(hospital)
    assert await rounds(hospital, looks, 2) == [[case], [case]]
    await finish(hospital, case)
    assert (await hospital.chain(case)).last("ended").body["outcome"]["ended"] == "cancelled"
    assert await rounds(hospital, looks, 5) == [[]] * 5


async def test_between_two_looks_at_everything_only_what_was_written_is_looked_at(tmp_path):
    hospital = await Hospital.opened(tmp_path)
    store = Counting(tmp_path)
    heads = HeadsLog(store)
    hospital.ledger = Ledger(store, observers=[heads])
    for number in range(5):
        await finish(hospital, await hospital.submit("IVSET-20", 1 + number))
    await heads.flush(hospital.now)
    lookout = lookout_of(hospital, share=1e-9)
    await rounds(hospital, lookout, 1)
    store.count()
    assert await rounds(hospital, lookout, 3) == [[], [], []]
    assert store.count() == (1, 3)  # the note of what was written before
    hospital.now += MINUTE
    case = await hospital.submit("IVSET-20", 50)
    await heads.flush(hospital.now)
    store.count()
    found = await rounds(hospital, lookout, 5)
    assert [number for number, one in enumerate(found, 1) if one == [case]] == [1, 2, 3, 4, 5]
    assert store.count() == (1 + 5 * 5, 5)  # a note, and five looks at the one case
    await finish(hospital, case)
    await heads.flush(hospital.now)
    assert await rounds(hospital, lookout, 2) == [[], []]


async def test_a_case_of_which_no_head_was_noted_is_found_by_the_next_look_at_everything(tmp_path):
    hospital = await Hospital.opened(tmp_path)
    lookout = lookout_of(hospital, share=1e-9)
    await rounds(hospital, lookout, 1)
    case = await hospital.submit("IVSET-20", 50)
    assert await rounds(hospital, lookout, 2) == [[], []]
    hospital.now += timedelta(days=3650)
    assert await rounds(hospital, lookout, 1) == [[case]]


async def test_a_broken_chain_does_not_keep_the_others_waiting(hospital, tmp_path):
    broken, good = await hospital.submit("IVSET-20", 40), await hospital.submit("IVSET-20", 41)
    path = tmp_path / "store" / "cases" / broken / "00000001.json"
    path.write_bytes(b"{}")
    assert (await rounds(hospital, lookout_of(hospital), 1))[0] == [good]


async def test_an_effect_that_was_begun_and_not_confirmed_is_rung_for_within_thirty_seconds(hospital, monkeypatch):
    monkeypatch.setattr("tasks.durable.RETRIES", 0)
    every, looks = timedelta(seconds=Habits().lookout_s), lookout_of(hospital)
    for since_the_last_look_s in range(3):  # whenever between two looks whoever carried it dies
        await looks.standing_still(hospital.ledger)
        next_look = hospital.now + every
        hospital.now += timedelta(seconds=since_the_last_look_s)
        case = await hospital.submit("IVSET-20", 1)
        hospital.erp.lose = 1
        with pytest.raises(UnavailableError):
            await hospital.wake(case)
        died = (await hospital.chain(case)).last("intent").at
        assert not (await hospital.chain(case)).having("outcome")
        hospital.now = max(next_look, hospital.now)
        while case not in await looks.standing_still(hospital.ledger):
            hospital.now += every
        assert hospital.now - died <= timedelta(seconds=30)
        await finish(hospital, case)
