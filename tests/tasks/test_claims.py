"""Claims: one case, one caller, although any number carry it: the chain is the fence."""

import asyncio
from datetime import timedelta

import pytest

from blocks.errors import UnavailableError
from blocks.ports import Personality
from blocks.records.purchasing import OrderDraft
from blocks.wire.names import effect_key
from tasks.case import Case, OvertakenError, in_hand
from tasks.claims import CALL_WITHIN_S, LEASE_S
from tasks.effects import InDoubtError, once
from tests.fakes.erp import FakeErp
from tests.hospital import Hospital
from tests.samples import usd
from tests.tasks.test_effects import now_of

LOOKS = Personality(key_kept_s=0, finds=True, lag_s=60)
KEEPS = Personality(key_kept_s=None, finds=False)
A_DAY = Personality(key_kept_s=86_400, finds=False)


class Worker:
    """Somebody who carries a case, and can be stopped for a while just before a call."""

    def __init__(self, hospital: Hospital, chain, off: timedelta = timedelta()) -> None:
        self.case = Case(hospital.ledger, chain, "process:requisition", clock=lambda: hospital.now + off)
        self.erp: FakeErp = hospital.erp
        self.date = hospital.now.date()

    async def order(self):
        draft = OrderDraft(
            requester="rita.okafor", cost_centre="OR", item="KNEE-TIB-4", quantity=2, supplier="SUP-CORDIS",
            unit_price=usd("2890.00"), order_on=self.date,
        )  # fmt: skip
        erp = self.erp
        with in_hand(self.case):
            return await once("order", draft, do=erp.order, find=erp.find_order, personality=erp.personality)


class Unkeyed(FakeErp):
    """An ERP that takes every call for a new one."""

    async def order(self, draft, *, key):
        return await super().order(draft, key=key if not self.booked() else f"{key}/{len(self.booked())}")


async def opened(tmp_path, personality: Personality, erp: type[FakeErp] = FakeErp) -> tuple[Hospital, str]:
    hospital = await Hospital.opened(tmp_path)
    hospital.erp = erp(personality=personality, lag_s=0, clock=now_of(hospital))
    return hospital, await hospital.submit("KNEE-TIB-4", 2)


async def epochs(hospital: Hospital, case: str) -> list[tuple[str, int]]:
    return [(x.act, x.body["epoch"]) for x in (await hospital.chain(case)).lines if "epoch" in x.body]


def pausing(hospital: Hospital, monkeypatch, act: str = "intent") -> tuple[asyncio.Event, asyncio.Event]:
    """Stop whoever has written an intent, or another act, until the second event is set."""
    stopped, wake = asyncio.Event(), asyncio.Event()
    append = hospital.ledger.append

    async def stops(chain, lines):
        done = await append(chain, lines)
        if any(line.act == act for line in lines):
            stopped.set()
            await wake.wait()
        return done

    monkeypatch.setattr(hospital.ledger, "append", stops)
    return stopped, wake


@pytest.mark.parametrize("personality", [LOOKS, KEEPS])
async def test_a_worker_that_stood_still_cannot_post_after_it_was_overtaken(tmp_path, monkeypatch, personality):
    hospital, case = await opened(tmp_path, personality, Unkeyed)
    stopped, wake = pausing(hospital, monkeypatch)
    slow = asyncio.create_task(Worker(hospital, await hospital.chain(case)).order())
    await stopped.wait()
    hospital.now += timedelta(seconds=LEASE_S + 60)
    order = await Worker(hospital, await hospital.chain(case)).order()
    hospital.now += timedelta(minutes=10)
    wake.set()
    with pytest.raises((UnavailableError, OvertakenError)):
        await slow
    assert hospital.erp.orders() == [order]
    assert await epochs(hospital, case) == [("intent", 1), ("taken", 2)]


async def test_a_worker_that_stood_still_loses_to_who_has_claimed_and_not_called_yet(tmp_path, monkeypatch):
    hospital, case = await opened(tmp_path, KEEPS, Unkeyed)
    stopped, wake = pausing(hospital, monkeypatch)
    slow = Worker(hospital, await hospital.chain(case))
    first = asyncio.create_task(slow.order())
    await stopped.wait()
    hospital.now += timedelta(seconds=CALL_WITHIN_S)
    other = Worker(hospital, await hospital.chain(case))
    hospital.erp.lose = 1
    with pytest.raises(UnavailableError):
        await other.order()
    wake.set()
    with pytest.raises(UnavailableError, match="stood still"):
        await first
    with pytest.raises(OvertakenError):
        await slow.order()
    assert len(hospital.erp.orders()) == 1


async def test_who_stood_still_before_a_second_call_asks_anew_whether_the_key_is_known(tmp_path, monkeypatch):
    hospital, case = await opened(tmp_path, A_DAY, Unkeyed)
    worker, hospital.erp.lose = Worker(hospital, await hospital.chain(case)), 1
    with pytest.raises(UnavailableError, match="answer was lost"):
        await worker.order()
    stopped, wake = pausing(hospital, monkeypatch, "taken")
    again = asyncio.create_task(worker.order())
    await stopped.wait()
    hospital.now += timedelta(hours=25)
    wake.set()
    with pytest.raises(UnavailableError, match="stood still"):
        await again
    with hospital.bound(), pytest.raises(InDoubtError):
        await worker.order()
    assert len(hospital.erp.orders()) == 1


async def test_who_overtakes_waits_until_the_other_can_no_longer_begin(tmp_path, monkeypatch):
    hospital, case = await opened(tmp_path, LOOKS, Unkeyed)
    stopped, wake = pausing(hospital, monkeypatch)
    slow = asyncio.create_task(Worker(hospital, await hospital.chain(case)).order())
    await stopped.wait()
    hospital.now += timedelta(seconds=CALL_WITHIN_S - 1)
    with pytest.raises(UnavailableError, match="not be visible yet"):
        await Worker(hospital, await hospital.chain(case)).order()
    wake.set()
    order = await slow
    assert hospital.erp.orders() == [order]


@pytest.mark.parametrize("behind", [timedelta(minutes=20), -timedelta(minutes=20)])
async def test_a_worker_whose_clock_is_wrong_waits_as_long_as_any_other(tmp_path, monkeypatch, behind):
    hospital, case = await opened(tmp_path, LOOKS, Unkeyed)
    stopped, _ = pausing(hospital, monkeypatch)
    slow = asyncio.create_task(Worker(hospital, await hospital.chain(case), -behind).order())
    await stopped.wait()
    other = Worker(hospital, await hospital.chain(case), behind)
    hospital.now += timedelta(seconds=LEASE_S + LOOKS.lag_s - 1)
    with pytest.raises(UnavailableError, match="not be visible yet"):
        await other.order()
    hospital.now += timedelta(seconds=2)
    order = await other.order()
    slow.cancel()
    assert hospital.erp.orders() == [order]


async def test_a_key_is_forgotten_by_the_stores_clock_whatever_ours_says(tmp_path):
    hospital, case = await opened(tmp_path, A_DAY, Unkeyed)
    hospital.erp.lose = 1
    with pytest.raises(UnavailableError, match="answer was lost"):
        await Worker(hospital, await hospital.chain(case)).order()
    hospital.now += timedelta(hours=25)
    stands = Worker(hospital, await hospital.chain(case), -timedelta(hours=25))
    with hospital.bound(), pytest.raises(InDoubtError):
        await stands.order()
    assert len(hospital.erp.orders()) == 1


async def test_of_two_who_overtake_at_once_one_calls(tmp_path):
    hospital, case = await opened(tmp_path, LOOKS, Unkeyed)
    hospital.erp.fail = 1
    with pytest.raises(UnavailableError):
        await Worker(hospital, await hospital.chain(case)).order()
    chain = await hospital.chain(case)
    both = await asyncio.gather(*(Worker(hospital, chain).order() for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["ErpDocument", "OvertakenError"]
    assert len(hospital.erp.orders()) == 1


async def test_the_outcome_of_whoever_was_overtaken_is_refused(tmp_path):
    hospital, case = await opened(tmp_path, KEEPS)
    slow = Worker(hospital, await hospital.chain(case))
    make = hospital.erp.order

    async def overtaken(draft, *, key):
        made = await make(draft, key=key)
        hospital.erp.order = make
        await Worker(hospital, await hospital.chain(case)).order()
        return made

    slow.erp.order = overtaken
    with pytest.raises(OvertakenError):
        await slow.order()
    (outcome,) = (await hospital.chain(case)).having("outcome")
    assert outcome.key == effect_key(case, "order")


async def test_on_the_ordinary_path_there_is_one_claim_and_no_further_entry(tmp_path):
    hospital, case = await opened(tmp_path, KEEPS)
    before = (await hospital.chain(case)).seq
    await Worker(hospital, await hospital.chain(case)).order()
    assert await epochs(hospital, case) == [("intent", 1)]
    assert (await hospital.chain(case)).seq == before + 2
