"""Effects: intent before effect, and unknown is not failed: every personality, at every point of a crash."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.errors import RefusedError, UnavailableError, UnknownError, UnreadableError
from blocks.ports import Personality
from blocks.records.purchasing import OrderDraft
from blocks.wire.names import effect_key
from tasks.case import Case, in_hand
from tasks.effects import InDoubtError, once
from tests.fakes.erp import FakeErp
from tests.hospital import Hospital
from tests.samples import usd

PERSONALITIES = {
    "finds at once": Personality(key_kept_s=None, finds=True),
    "finds, and keeps no keys": Personality(key_kept_s=0, finds=True),
    "keeps keys for good": Personality(key_kept_s=None, finds=False),
    "keeps keys for a day": Personality(key_kept_s=86_400, finds=False),
}
NOTHING = Personality(key_kept_s=0, finds=False)


class Forgetful(FakeErp):
    """An ERP that knows no keys: the same key twice would be two orders."""

    async def order(self, draft, *, key):
        count = len(self.orders())
        return await super().order(draft, key=key if count == 0 else f"{key}/{count}")


def now_of(hospital: Hospital) -> Callable[[], float]:
    """Make an ERP's clock of the story's."""

    def now() -> float:
        return hospital.now.timestamp()

    return now


async def opened(tmp_path: Path, personality: Personality, erp: FakeErp | None = None) -> tuple[Hospital, str]:
    hospital = await Hospital.opened(tmp_path)
    hospital.erp = erp or FakeErp(personality=personality, clock=now_of(hospital))
    return hospital, await hospital.submit("KNEE-TIB-4", 2)


async def attempt(hospital: Hospital, case: str, *, price: str = "2890.00"):
    """Try to order, as a fresh process would."""
    draft = OrderDraft(
        requester="rita.okafor", cost_centre="OR", item="KNEE-TIB-4", quantity=2, supplier="SUP-CORDIS",
        unit_price=usd(price), order_on=hospital.now.date(),
    )  # fmt: skip
    held = Case(hospital.ledger, await hospital.chain(case), "process:requisition", clock=lambda: hospital.now)
    erp = hospital.erp
    with hospital.bound(), in_hand(held):
        return await once("order", draft, do=erp.order, find=erp.find_order, personality=erp.personality)


@pytest.fixture(params=PERSONALITIES)
def personality(request: pytest.FixtureRequest) -> Personality:
    return PERSONALITIES[request.param]


async def acts(hospital: Hospital, case: str) -> list[str]:
    return [line.act for line in (await hospital.chain(case)).lines[1:]]


async def test_it_is_intended_made_and_confirmed(tmp_path, personality):
    hospital, case = await opened(tmp_path, personality)
    order = await attempt(hospital, case)
    assert order.key == effect_key(case, "order")
    assert await acts(hospital, case) == ["intent", "outcome"]
    assert await attempt(hospital, case) == order
    assert len(hospital.erp.orders()) == hospital.erp.calls["order"] == 1


async def test_a_crash_after_the_intent_orders_once(tmp_path, personality):
    hospital, case = await opened(tmp_path, personality)
    hospital.erp.fail = 1
    with pytest.raises(UnavailableError):
        await attempt(hospital, case)
    assert await acts(hospital, case) == (["intent"] if personality.knows_keys else ["intent", "unsent"])
    order = await attempt(hospital, case)
    assert hospital.erp.orders() == [order]


async def test_a_system_that_could_not_be_reached_did_nothing_even_where_nobody_could_say(tmp_path):
    hospital, case = await opened(tmp_path, NOTHING)
    for _ in range(2):
        hospital.erp.fail = 1
        with pytest.raises(UnavailableError):
            await attempt(hospital, case)
    assert await attempt(hospital, case) == hospital.erp.orders()[0]
    assert await acts(hospital, case) == ["intent", "unsent", "taken", "unsent", "taken", "outcome"]


async def test_a_lost_answer_is_looked_up_or_asked_again_under_the_same_key(tmp_path, personality):
    hospital, case = await opened(tmp_path, personality)
    hospital.erp.lose = 1
    with pytest.raises(UnavailableError):
        await attempt(hospital, case)
    assert await acts(hospital, case) == ["intent", "unknown"]
    order = await attempt(hospital, case)
    assert hospital.erp.orders() == [order]
    how = (await hospital.chain(case)).last("outcome").body["how"]
    assert how == ("adopted" if personality.finds else "made")


async def test_what_is_sent_again_is_what_was_intended(tmp_path, personality):
    hospital, case = await opened(tmp_path, personality)
    hospital.erp.fail = 1
    with pytest.raises(UnavailableError):
        await attempt(hospital, case, price="2890.00")
    order = await attempt(hospital, case, price="9999.00")
    assert order.amount == usd("5780.00")


async def test_a_refusal_is_remembered_and_not_asked_for_again(tmp_path, personality):
    hospital, case = await opened(tmp_path, personality)
    hospital.erp.refused.add("SUP-CORDIS")
    for _ in range(2):
        with pytest.raises(RefusedError, match="no address for invoices"):
            await attempt(hospital, case)
    assert await acts(hospital, case) == ["intent", "outcome"]
    assert hospital.erp.calls["order"] == 1
    assert not hospital.erp.orders()


async def test_where_documents_show_late_it_waits_before_it_tries_again(tmp_path):
    slow = Personality(key_kept_s=0, finds=True, lag_s=60)
    hospital, case = await opened(tmp_path, slow)
    hospital.erp = FakeErp(personality=slow, lag_s=60, clock=now_of(hospital))
    hospital.erp.lose = 1
    with pytest.raises(UnavailableError):
        await attempt(hospital, case)
    hospital.now += timedelta(seconds=59)
    with pytest.raises(UnavailableError, match="may not be visible yet"):
        await attempt(hospital, case)
    hospital.now += timedelta(seconds=1)
    order = await attempt(hospital, case)
    assert hospital.erp.orders() == [order]
    assert (await hospital.chain(case)).last("outcome").body["how"] == "adopted"


@pytest.mark.parametrize(
    ("personality", "waited"), [(NOTHING, timedelta(0)), (PERSONALITIES["keeps keys for a day"], timedelta(days=1))]
)
async def test_where_nobody_can_say_it_waits_for_a_person(tmp_path, personality, waited):
    hospital, case = await opened(tmp_path, personality, Forgetful(personality=personality))
    hospital.erp.lose = 1
    with pytest.raises(UnavailableError):
        await attempt(hospital, case)
    hospital.now += waited
    for _ in range(2):
        with pytest.raises(InDoubtError, match=f"almoner:{effect_key(case, 'order')}"):
            await attempt(hospital, case)
    assert (await acts(hospital, case)).count("parked") == 1
    assert len(hospital.erp.orders()) == 1


async def test_a_key_that_is_kept_for_a_day_is_kept_from_its_first_use(tmp_path):
    day = PERSONALITIES["keeps keys for a day"]
    hospital, case = await opened(tmp_path, day)
    for _ in range(2):
        hospital.erp.lose = 1
        hospital.erp._made.clear()  # each answer is lost, and so is what was made
        with pytest.raises(UnavailableError):
            await attempt(hospital, case)
        hospital.now += timedelta(hours=12)
    with pytest.raises(InDoubtError):
        await attempt(hospital, case)


async def test_a_key_that_was_forgotten_during_an_outage_is_looked_up_before_it_is_used_again(tmp_path):
    both = Personality(key_kept_s=86_400, finds=True, lag_s=60)
    hospital, case = await opened(tmp_path, both, Forgetful(personality=both, lag_s=60, clock=lambda: 0.0))
    hospital.erp._clock = now_of(hospital)
    hospital.erp.lose = 1
    with pytest.raises(UnavailableError):
        await attempt(hospital, case)
    hospital.now += timedelta(hours=25)
    order = await attempt(hospital, case)
    assert hospital.erp.orders() == [order]
    assert hospital.erp.calls["order"] == 1


async def test_something_else_under_our_key_is_left_to_a_person_and_is_no_refusal(tmp_path, personality):
    hospital, case = await opened(tmp_path, personality._replace(finds=False))
    held = OrderDraft(
        requester="rita.okafor", cost_centre="OR", item="KNEE-TIB-4", quantity=9, supplier="SUP-CORDIS",
        unit_price=usd("2890.00"), order_on=hospital.now.date(),
    )  # fmt: skip
    await hospital.erp.order(held, key=effect_key(case, "order"))
    for _ in range(2):
        with pytest.raises(InDoubtError):
            await attempt(hospital, case)
    (parked,) = (await hospital.chain(case)).having("parked")
    assert parked.body["why"] == "1 already has this key, with other contents"
    assert len(hospital.erp.orders()) == hospital.erp.calls["order"] - 1 == 1


async def test_a_no_to_the_look_up_says_nothing_about_the_order(tmp_path):
    hospital, case = await opened(tmp_path, PERSONALITIES["finds at once"])
    order, find = hospital.erp.order, hospital.erp.find_order

    async def loses(draft, *, key):
        await order(draft, key=key)
        raise UnknownError("Tryton", "its answer was lost")

    async def forbids(key):
        raise RefusedError("Tryton", f"no look at {key}")

    hospital.erp.order, hospital.erp.find_order = loses, forbids
    for lost in (UnknownError, UnreadableError):
        with pytest.raises(lost):
            await attempt(hospital, case)
    assert not (await hospital.chain(case)).having("outcome")
    hospital.erp.find_order = find
    made = await attempt(hospital, case)
    assert [one.number for one in hospital.erp.orders()] == [made.number]
