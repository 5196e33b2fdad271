"""A no to a further call, while the first may be at work: it ends nothing before it can count."""

from datetime import timedelta
from typing import Any

import pytest

from blocks.errors import RefusedError, UnavailableError, UnknownError
from blocks.ports import Personality
from blocks.records.purchasing import OrderDraft
from tasks.effects import InDoubtError
from tests.fakes.erp import FakeErp
from tests.hospital import Hospital
from tests.tasks.test_effects import PERSONALITIES, acts, attempt, opened


class JudgesFirst(FakeErp):
    """An ERP that is still at work on the first call, and says no to every further one before it looks at the key."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.at_work: list[tuple[OrderDraft, str]] = []

    async def order(self, draft, *, key):
        if self.at_work:
            raise RefusedError("Tryton", "the period is closed")
        self.at_work.append((draft, key))
        raise UnknownError("Tryton", "its answer was lost")

    async def work_off(self) -> None:
        """Make at last what the first call asked for."""
        for draft, key in self.at_work:
            await super().order(draft, key=key)


A_MOMENT = timedelta(seconds=1)
FINDING = {
    "a key for good": Personality(None, finds=True),
    "a key for a day": Personality(86_400, finds=True, lag_s=120),
    "a key for a day, and a long lag": Personality(86_400, finds=True, lag_s=600),
}


async def lost_and_refused(hospital: Hospital, case: str) -> None:
    """Lose the answer to a first call, and have a second one refused."""
    for _ in range(2):
        with pytest.raises(UnknownError):
            await attempt(hospital, case)
    assert await acts(hospital, case) == ["intent", "unknown", "taken", "unknown"]


@pytest.mark.parametrize("how", FINDING)
async def test_a_no_to_a_further_call_ends_nothing_while_the_first_may_be_at_work(tmp_path, how):
    erp = JudgesFirst(personality=FINDING[how])
    hospital, case = await opened(tmp_path, FINDING[how], erp)
    await lost_and_refused(hospital, case)
    hospital.now += timedelta(seconds=100)
    with pytest.raises(UnavailableError, match="not be visible yet"):
        await attempt(hospital, case)
    await erp.work_off()
    made = await attempt(hospital, case)
    assert ([made], (await hospital.chain(case)).last("outcome").body["how"]) == (erp.orders(), "adopted")


@pytest.mark.parametrize("how", FINDING)
async def test_a_no_counts_once_the_first_can_be_at_work_no_more_and_nothing_is_found(tmp_path, how):
    erp = JudgesFirst(personality=FINDING[how])
    hospital, case = await opened(tmp_path, FINDING[how], erp)
    await lost_and_refused(hospital, case)
    hospital.now += A_MOMENT + timedelta(seconds=max(120, FINDING[how].lag_s))
    for _ in range(2):
        with pytest.raises(RefusedError, match="the period is closed"):
            await attempt(hospital, case)
    assert (await acts(hospital, case))[4:] == ["taken", "outcome"]
    assert not erp.orders()


async def test_a_no_to_a_further_call_is_put_before_a_person_where_nothing_can_look(tmp_path):
    day = PERSONALITIES["keeps keys for a day"]
    erp = JudgesFirst(personality=day)
    hospital, case = await opened(tmp_path, day, erp)
    with pytest.raises(UnknownError):
        await attempt(hospital, case)
    for _ in range(2):
        hospital.now += timedelta(hours=1)
        with pytest.raises(InDoubtError):
            await attempt(hospital, case)
    (parked,) = (await hospital.chain(case)).having("parked")
    assert "the period is closed" in parked.body["why"]


async def test_where_a_key_is_known_before_it_is_judged_a_no_counts_after_a_while(tmp_path):
    knows = Personality(86_400, finds=False, knows_before_it_judges=True)
    hospital, case = await opened(tmp_path, knows, JudgesFirst(personality=knows))
    await lost_and_refused(hospital, case)
    hospital.now += A_MOMENT + timedelta(seconds=120)
    with pytest.raises(RefusedError, match="the period is closed"):
        await attempt(hospital, case)


async def test_whoever_dies_over_a_no_leaves_it_in_doubt_as_long_as_if_nothing_was_heard(tmp_path):
    both = FINDING["a key for a day"]
    erp = JudgesFirst(personality=both)
    hospital, case = await opened(tmp_path, both, erp)
    with pytest.raises(UnknownError):
        await attempt(hospital, case)
    find = erp.find_order

    async def falls_silent(_):
        raise UnavailableError("Tryton", "it does not answer")

    hospital.now += timedelta(minutes=10)
    looks = iter((find, falls_silent))

    async def once_more(key):
        return await next(looks)(key)

    erp.find_order = once_more
    with pytest.raises(UnavailableError, match="does not answer"):
        await attempt(hospital, case)
    erp.find_order = find
    with pytest.raises(UnknownError):
        await attempt(hospital, case)
    await erp.work_off()
    made = await attempt(hospital, case)
    assert erp.orders() == [made]


async def test_whoever_stands_still_after_a_look_takes_no_old_answer_for_a_new_one(tmp_path):
    good = FINDING["a key for good"]
    erp = JudgesFirst(personality=good)
    hospital, case = await opened(tmp_path, good, erp)
    find = erp.find_order

    async def then_stands_still(key):
        found = await find(key)
        await erp.work_off()
        hospital.now += timedelta(minutes=30)
        return found

    with pytest.raises(UnknownError):
        await attempt(hospital, case)
    looks = iter((find, then_stands_still))

    async def once_more(key):
        return await next(looks)(key)

    erp.find_order = once_more
    with pytest.raises(UnknownError):
        await attempt(hospital, case)
    erp.find_order = find
    made = await attempt(hospital, case)
    assert erp.orders() == [made]


async def test_whoever_stands_still_over_a_no_counts_from_before_the_call(tmp_path):
    knows = Personality(86_400, finds=False, knows_before_it_judges=True)
    erp = JudgesFirst(personality=knows)
    hospital, case = await opened(tmp_path, knows, erp)
    order = erp.order

    async def then_stands_still(draft, *, key):
        try:
            return await order(draft, key=key)
        finally:
            hospital.now += timedelta(minutes=30)

    with pytest.raises(UnknownError):
        await attempt(hospital, case)
    erp.order = then_stands_still
    with pytest.raises(UnknownError, match="may have been made"):
        await attempt(hospital, case)
    erp.order = order
    with pytest.raises(RefusedError, match="the period is closed"):
        await attempt(hospital, case)
