"""What a run set aside, or counted, that was overtaken or killed, is given back and counts no more."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

import flows.requisition
from blocks.errors import UnknownError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.outcome import Hold
from blocks.records.purchasing import Requisition
from blocks.store import FolderStore
from tasks.case import Case, OvertakenError, in_hand
from tasks.effects import InDoubtError
from tasks.purchasing import hold_funds, look_up
from tasks.rules.books import funds_book, spend_book
from tests.crashes.points import Killed
from tests.fakes.erp import FakeErp
from tests.fakes.erp_server import PERSONALITIES
from tests.hospital import Hospital
from tests.samples import usd
from tests.stores import Overtaken


async def test_what_a_run_held_that_died_after_another_had_refused_is_given_back_by_the_next_request(tmp_path):
    first = await Hospital.opened(tmp_path / "store")
    case = await first.submit("SUTURE-30", 2)
    store = Overtaken(tmp_path / "store")
    store.at, store.first = "cases/book~funds", lambda: first.wake(case)
    died = Hospital(Ledger(store), first.erp, first.desk, first.now + timedelta(minutes=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.requisition.let_go_if_over", dies)
        with pytest.raises(Killed):
            await died.wake(case)
    assert await funds_of(first, case) == ["held", "released", "held"]
    for minutes, given_back in ((5, False), (10, True)):
        first.now += timedelta(minutes=minutes)
        await first.wake(await first.submit("SUTURE-30", 1))
        assert (await funds_of(first, case) == ["held", "released", "held", "released"]) is given_back


async def test_what_was_counted_with_it_is_taken_out_of_the_requesters_book(hospital):
    case = await hospital.submit("GLOVE-M", 20)
    assert (await hospital.wake(case)).ended == "filled"
    amount = usd("90.00")
    spent = {"supplier": "SUP-CORDIS", "amount": amount.model_dump(mode="json")}
    held = {"hold": Hold(case=case, amount=amount, order_key="k").model_dump(mode="json")}
    for name, act, body in ((spend_book("rita.okafor"), "spent", spent), (funds_book("OR", 2026), "held", held)):
        line = Line(act=act, key=case, actor="process:requisition", at=hospital.now, body=body)
        await hospital.ledger.append(await hospital.chain(name), [line])
    hospital.now += timedelta(minutes=15)
    await hospital.wake(await hospital.submit("SUTURE-30", 1))
    assert (await funds_of(hospital, case))[-1] == "released"
    book = await hospital.chain(spend_book("rita.okafor"))
    assert [line.act for line in book.lines if line.key == case] == ["spent", "dropped"]


async def funds_of(hospital: Hospital, case: str) -> list[str]:
    book = await hospital.chain(funds_book("OR", 2026))
    return [line.act for line in book.lines if line.key == case]


async def test_what_is_in_doubt_stays_held_however_long_it_takes(hospital):
    hospital.erp = NeverSays(personality=PERSONALITIES["nothing at all"])
    case = await hospital.submit("IVSET-20", 96)
    with pytest.raises(InDoubtError):
        await hospital.wake(case)
    hospital.now += timedelta(days=3)
    await hospital.wake(await hospital.submit("SUTURE-30", 1))
    assert (await hospital.chain(funds_book("OR", 2026))).last("released", case) is None


async def test_what_an_overtaken_run_counted_as_ordered_counts_no_more(tmp_path):
    first = await Hospital.opened(tmp_path / "store")
    case = await first.submit("KNEE-TIB-4", 1)
    store = Overtaken(tmp_path / "store")

    async def refuse() -> None:
        first.erp.stock["KNEE-TIB-4"] = 3
        assert (await first.wake(case)).ended == "filled"

    store.at, store.first = "cases/book~spend", refuse
    with pytest.raises(OvertakenError):
        await Hospital(Ledger(store), first.erp, first.desk, first.now + timedelta(minutes=1)).wake(case)
    spend = await first.chain("book~spend~rita.okafor")
    assert [line.act for line in spend.lines] == ["spent", "dropped"]


async def test_who_refuses_on_what_it_saw_before_another_ordered_gives_nothing_back_and_tells_nobody(tmp_path):
    first = await Hospital.opened(tmp_path / "store")
    case = await first.submit("IVSET-20", 96)
    slow = Hospital(Ledger(FolderStore(tmp_path / "store")), first.erp, first.desk, first.now + timedelta(minutes=1))

    async def order() -> None:
        assert (await first.wake(case)).ended == "ordered"
        first.erp.post("OR", 400_000)

    first.erp.sourcing = before(first.erp.sourcing, order)
    with pytest.raises(OvertakenError):
        await slow.wake(case)
    assert [line.act for line in (await first.chain("book~spend~rita.okafor")).lines] == ["spent"]
    assert await funds_of(first, case) == ["held"]
    (told,) = first.desk.cards("U0RITA")
    assert "ordered" in told.text.lower()


async def test_a_refusal_stands_whatever_the_next_run_sees(hospital, monkeypatch):
    hospital.erp.post("OR", 400_000)
    case = await hospital.submit("IVSET-20", 96)
    monkeypatch.setattr("flows.requisition.release_funds", dies)
    with pytest.raises(Killed):
        await hospital.wake(case)
    monkeypatch.undo()
    hospital.erp.post("OR", -400_000)
    assert (await hospital.wake(case)).ended == "refused"
    assert not hospital.erp.orders()


async def test_an_order_of_another_process_that_the_erp_shows_by_now_counts_once(tmp_path):
    first = await Hospital.opened(tmp_path / "store")
    case, other = [await first.submit("IVSET-20", 40) for _ in range(2)]
    second = Hospital(Ledger(FolderStore(tmp_path / "store")), first.erp, first.desk, first.now)
    cost = first.erp.prices["IVSET-20"] * 40

    async def order() -> None:
        assert (await second.wake(other)).ended == "ordered"
        first.erp.post("OR", 400_000 - cost * Decimal("2.5"))  # with both of them, half of one is left

    first.erp.sourcing = before(first.erp.sourcing, order)
    chain = await first.chain(case)
    request = Requisition.model_validate(chain.lines[0].body["request"])
    with first.bound(), in_hand(Case(first.ledger, chain, "process:requisition", clock=lambda: first.now)):
        facts = await look_up(request, 1)
        assert (await hold_funds(facts, usd(cost))).amount == usd(cost)


async def test_who_stands_still_over_new_year_orders_in_the_year_whose_funds_it_holds(tmp_path, monkeypatch):
    hospital = await Hospital.opened(tmp_path / "store")
    hospital.now = datetime(2026, 12, 31, 23, 50, tzinfo=UTC)
    case = await hospital.submit("IVSET-20", 40)
    hold = flows.requisition.hold_funds

    async def and_stands_still(*given):
        held = await hold(*given)
        hospital.now += timedelta(hours=12)
        return held

    monkeypatch.setattr(flows.requisition, "hold_funds", and_stands_still)
    assert (await hospital.wake(case)).ended == "ordered"
    (booked,) = hospital.erp.booked()
    assert booked.draft.charge_on == date(2026, 12, 31)
    assert await funds_of(hospital, case) == ["held"]


def before(call, deed):
    """Let something happen before a call is made the first time."""
    deeds = [deed]

    async def called(*given):
        while deeds:
            await deeds.pop()()
        return await call(*given)

    return called


async def dies(_request: object) -> None:
    raise Killed


class NeverSays(FakeErp):
    """Its orders are made, and nobody hears of them."""

    async def order(self, draft, *, key):
        await super().order(draft, key=key)
        raise UnknownError("erp", "the answer was lost")
