"""While people think, the world moves: after every approval the process looks again."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from blocks.errors import UnavailableError
from blocks.ledger import Ledger
from blocks.rulebook import adopt
from infrastructure.local.hospital.__main__ import directory
from tasks import durable
from tasks.case import OvertakenError
from tasks.decide import decision_of
from tasks.effects import InDoubtError
from tests.crashes.points import Killed
from tests.fakes.erp import FakeErp
from tests.fakes.erp_server import PERSONALITIES
from tests.hospital import Hospital
from tests.invariants import check_invariants
from tests.stores import Overtaken


async def test_split_orders_are_summed_across_the_threshold(hospital):
    """Two orders of $600 pass together where one of $1,200 would have needed the manager."""
    first = await hospital.submit("IVSET-20", 96)
    assert (await hospital.wake(first)).ended == "ordered"
    second = await hospital.submit("IVSET-20", 97)
    assert await hospital.wake(second) is None
    (ask,) = await hospital.asks(second)
    assert ask.role == "department-manager"
    assert "with $600.00 asked for from Acme Medical in 30 days" in ask.why
    assert str(ask.counted) == "$1,206.25"


@pytest.mark.parametrize(("days", "summed"), [(30, True), (31, False)])
async def test_after_thirty_days_an_order_counts_no_more(hospital, days, summed):
    await hospital.wake(await hospital.submit("IVSET-20", 96))
    hospital.now += timedelta(days=days, seconds=-1)
    second = await hospital.submit("IVSET-20", 96)
    outcome = await hospital.wake(second)
    assert (outcome is None) is summed


async def test_what_was_rejected_counts_towards_no_threshold(hospital):
    first = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(first)
    await hospital.answer(first, "ivo.petrov", "reject", "use the consigned tray")
    await hospital.wake(first)
    second = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(second)
    assert [str(ask.counted) for ask in await hospital.asks(second)] == ["$2,890.00"]


async def test_a_price_that_changed_is_asked_about_again_with_the_new_price(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    hospital.erp.prices["KNEE-TIB-4"] = Decimal("2990.00")
    assert await hospital.wake(case) is None
    first, second = await hospital.asks(case)
    assert (first.key, str(first.amount)) == ("1-implant-coordinator", "$2,890.00")
    assert (second.key, str(second.amount)) == ("2-implant-coordinator", "$2,990.00")
    assert not hospital.erp.orders()
    await hospital.answer(case, "ivo.petrov")
    outcome = await hospital.wake(case)
    assert (outcome.ended, str(outcome.amount)) == ("ordered", "$2,990.00")
    assert await hospital.verified()


async def test_what_counts_towards_a_threshold_is_what_was_ordered_not_what_was_first_asked(hospital):
    first = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(first)
    await hospital.answer(first, "ivo.petrov")
    hospital.erp.prices["KNEE-TIB-4"] = Decimal("2990.00")
    await hospital.wake(first)
    await hospital.answer(first, "ivo.petrov")
    assert (await hospital.wake(first)).ended == "ordered"
    second = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(second)
    assert [str(ask.counted) for ask in await hospital.asks(second)] == ["$5,980.00"]


async def test_a_price_that_came_back_needs_nobody_again_who_had_approved_it(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    for price in ("2890.00", "2990.00", "2890.00"):
        hospital.erp.prices["KNEE-TIB-4"] = Decimal(price)
        outcome = await hospital.wake(case)
        if outcome is None:
            await hospital.answer(case, "ivo.petrov")
    assert (outcome.ended, str(outcome.amount)) == ("ordered", "$2,890.00")
    assert [ask.key for ask in await hospital.asks(case)] == ["1-implant-coordinator", "2-implant-coordinator"]
    spent = (await hospital.chain("book~spend~rita.okafor")).having("spent")
    assert [line.body["amount"]["amount"] for line in spent] == ["2890.00", "2990.00", "2890.00"]


async def test_a_budget_that_ran_low_while_people_thought_asks_finance_and_nobody_twice(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    hospital.erp.post("OR", "380000")
    await hospital.answer(case, "ivo.petrov")
    assert await hospital.wake(case) is None
    assert not hospital.erp.orders()
    coordinator, finance = await hospital.asks(case)
    assert (coordinator.key, finance.key) == ("1-implant-coordinator", "2-finance-director")
    assert finance.why == "only $17,110.00 of the budget would be left"
    await hospital.answer(case, "frida.ng")
    assert (await hospital.wake(case)).ended == "ordered"
    assert len((await hospital.chain(case)).having("decided")) == 2
    assert await hospital.verified()


async def test_what_counts_besides_and_grew_meanwhile_is_asked_about_again(hospital):
    """An earlier request of hers became dearer: together the two now pass the bound from which the manager is asked."""
    hospital.erp.prices["HIP-STEM-12"] = Decimal(1000)
    first, second = await hospital.submit("HIP-STEM-12", 1), await hospital.submit("KNEE-TIB-4", 1)
    for case in (first, second):
        await hospital.wake(case)
        await hospital.answer(case, "ivo.petrov")
    hospital.erp.prices["HIP-STEM-12"] = Decimal(2500)
    here, hospital.ledger = hospital.ledger, Ledger(hospital.ledger.store)  # another process carries the first
    assert await hospital.wake(first) is None
    hospital.ledger = here
    assert await hospital.wake(second) is None
    asks = await hospital.asks(second)
    assert [(ask.key, str(ask.counted)) for ask in asks] == [
        ("1-implant-coordinator", "$3,890.00"), ("2-implant-coordinator", "$5,390.00"),
    ]  # fmt: skip
    assert asks[-1].after == "then the department manager is asked"


async def test_yesterdays_card_decides_nothing_about_todays_price(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    old = (await hospital.chain(case)).last("asked")
    await hospital.answer(case, "ivo.petrov")
    hospital.erp.prices["KNEE-TIB-4"] = Decimal("2990.00")
    await hospital.wake(case)
    told = await hospital.answer(case, "ivo.petrov", shown=old.seen)
    assert told.taken == "changed"
    assert (await hospital.answer(case, "ivo.petrov", ask=old.key, shown=old.seen)).taken == "late"
    assert await hospital.wake(case) is None


async def test_a_budget_that_went_while_people_thought_refuses_after_the_approval(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    hospital.erp.post("OR", "399000")
    outcome = await hospital.wake(case)
    assert (outcome.ended, "$1,890.00 too much" in outcome.because) == ("refused", True)
    assert not hospital.erp.orders()
    book = await hospital.chain("book~funds~OR~2026")
    assert not book.having("held")


async def test_two_cases_do_not_spend_the_same_money(hospital):
    hospital.erp.post("OR", str(400_000 - 3000))
    cases = [await hospital.submit("KNEE-TIB-4", 1, by=asker) for asker in ("rita.okafor", "ana.silva")]
    for case in cases:
        await hospital.wake(case)
        for ask in await hospital.asks(case):
            await hospital.answer(case, {"implant-coordinator": "ivo.petrov", "finance-director": "frida.ng"}[ask.role])
        if await hospital.wake(case) is None:
            await hospital.answer(case, "frida.ng")
    ended = [await hospital.wake(case) for case in cases]
    assert sorted(outcome.ended for outcome in ended) == ["ordered", "refused"]
    assert len(hospital.erp.orders()) == 1


async def test_stock_that_arrived_meanwhile_fills_it(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    hospital.erp.stock["KNEE-TIB-4"] = 3
    await hospital.answer(case, "ivo.petrov")
    outcome = await hospital.wake(case)
    assert (outcome.ended, outcome.because) == ("filled", f"1 of 3 on the shelf: issue {outcome.document}")
    assert not hospital.erp.orders()
    spend = await hospital.chain("book~spend~rita.okafor")
    assert [line.act for line in spend.lines] == ["spent", "dropped"]


async def test_an_approver_who_left_between_card_and_click_is_told_so(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    staff = directory()
    left = [one.model_copy(update={"active": one.id != "ivo.petrov"}) for one in staff.people]
    today = staff.model_copy(update={"people": tuple(left), "effective_from": date(2026, 11, 23)})
    await adopt(hospital.ledger, today, actor="door:test", at=hospital.now)
    told = await hospital.answer(case, "ivo.petrov")
    assert (told.taken, told.text) == ("void", "Your account is no longer active, so you cannot decide this.")
    assert await hospital.wake(case) is None
    assert decision_of(await hospital.chain(case), "1-implant-coordinator") is None


async def test_an_approval_stands_although_who_gave_it_left_afterwards(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    staff = directory()
    left = [one.model_copy(update={"active": one.id != "ivo.petrov"}) for one in staff.people]
    today = staff.model_copy(update={"people": tuple(left), "effective_from": date(2026, 11, 23)})
    await adopt(hospital.ledger, today, actor="door:test", at=hospital.now)
    assert (await hospital.wake(case)).ended == "ordered"


async def test_who_holds_funds_for_a_case_that_another_run_has_refused_meanwhile_gives_them_back(tmp_path):
    first = await Hospital.opened(tmp_path / "store")
    case = await first.submit("SUTURE-30", 2)
    store = Overtaken(tmp_path / "store")
    store.at, store.first = "cases/book~funds", lambda: first.wake(case)
    with pytest.raises(OvertakenError):
        await Hospital(Ledger(store), first.erp, first.desk, first.now + timedelta(minutes=1)).wake(case)
    assert (await first.chain(case)).last("ended").body["outcome"]["ended"] == "refused"
    assert not await check_invariants(first.ledger, first.erp)


class TurnsAwayThenFallsSilent(FakeErp):
    """Its first order is turned away; the second is made, and whoever sent it is gone before it hears."""

    tried = 0

    async def order(self, draft, *, key):
        self.tried += 1
        if self.tried == 1:
            raise UnavailableError("erp", "come back later")
        await super().order(draft, key=key)
        raise Killed


async def test_who_is_turned_away_and_dies_over_the_second_call_leaves_a_doubt_and_no_second_order(
    hospital, monkeypatch
):
    monkeypatch.setattr(durable, "BACKOFF_S", 0)
    hospital.erp = erp = TurnsAwayThenFallsSilent(personality=PERSONALITIES["nothing at all"])
    case = await hospital.submit("IVSET-20", 96)
    with pytest.raises(Killed):
        await hospital.wake(case)
    hospital.now += timedelta(minutes=2)
    with pytest.raises(InDoubtError):
        await hospital.wake(case)
    assert erp.tried == 2
