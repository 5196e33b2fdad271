"""Tryton reverses the entry of a bill once, whatever became of the bill, its period, the answer or our rights."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from blocks.errors import UnknownError, UnreadableError
from blocks.records.purchasing import ReverseDraft
from blocks.tryton.erp import TrytonErp
from blocks.wire.names import reference
from infrastructure.local.erp.home import DATABASE
from infrastructure.local.erp.rpc import Rpc
from tests.blocks.erp.conftest import Tryton
from tests.blocks.erp.contract import Bill, booked, new_key, service_of
from tests.blocks.erp.test_tryton import PURCHASE, Losing, posted

pytestmark = pytest.mark.e2e


@pytest.fixture
async def erp(tryton: Tryton) -> AsyncIterator[TrytonErp]:
    adapter = TrytonErp(tryton.url, DATABASE, tryton.key)
    yield adapter
    await adapter.aclose()


@pytest.fixture
def billed(tryton: Tryton, admin: Rpc) -> Bill:
    return lambda key, theirs: posted(admin, key, theirs, tryton.today)


async def test_an_entry_whose_period_is_closed_is_reversed_today(tryton: Tryton, erp: TrytonErp, admin: Rpc):
    key, first = new_key(), tryton.today.replace(day=1)
    on = first - timedelta(days=3) if first.month > 1 else first + timedelta(days=40)  # of a year that is open
    order = await erp.order(service_of(tryton.today), key=key)
    entry = posted(admin, key, f"B-{key[:8]}", on).entry
    month = admin.the("account.period", ["start_date", "<=", on], ["end_date", ">=", on], ["type", "=", "standard"])
    admin.model("account.period", "close", [month])
    try:
        mirror = await erp.reverse(ReverseDraft(entry=entry, of=key, number=order.number), key=new_key())
    finally:
        admin.model("account.period", "reopen", [month])
    (found,) = [one for one in await erp.trace(mirror.number) if one.kind == "journal entry"]
    assert (found.state, found.dated) == ("posted", tryton.today)


async def test_a_bill_that_somebody_cancelled_by_hand_is_reversed_by_what_reversed_it_then(
    tryton: Tryton, erp: TrytonErp, admin: Rpc, billed: Bill
):
    draft = await booked(erp, tryton.today, billed)
    bills = admin.find(PURCHASE, [["reference", "=", reference(draft.of)]], "invoices")[0]["invoices"]
    admin.model("account.invoice", "cancel", bills)
    by_hand = admin.find("account.invoice", [["id", "in", bills]], "cancel_move.number")[0]["cancel_move."]["number"]
    assert (await erp.reverse(draft, key=new_key())).number == by_hand


async def test_a_lost_answer_to_a_reversal_is_unknown_and_the_next_finds_what_it_made(
    tryton: Tryton, erp: TrytonErp, billed: Bill
):
    draft = await booked(erp, tryton.today, billed)
    unlucky = TrytonErp(tryton.url, DATABASE, tryton.key, transport=Losing(1))
    with pytest.raises(UnknownError):
        await unlucky.reverse(draft, key=new_key())
    await unlucky.aclose()
    first = await erp.reverse(draft, key=new_key())
    assert first == await erp.reverse(draft, key=new_key())


async def test_a_service_that_may_not_press_the_button_says_what_to_do(
    tryton: Tryton, erp: TrytonErp, admin: Rpc, billed: Bill
):
    draft = await booked(erp, tryton.today, billed)
    button = admin.the("ir.model.button", ["model", "=", "account.invoice"], ["name", "=", "cancel"])
    group = admin.the("res.group", ["name", "=", "Almoner service"])
    admin.model("ir.model.button", "write", [button], {"groups": [["remove", [group]]]})
    try:
        with pytest.raises(UnreadableError, match="have an administrator give its group that button"):
            await erp.reverse(draft, key=new_key())
    finally:
        admin.model("ir.model.button", "write", [button], {"groups": [["add", [group]]]})
    assert (await erp.reverse(draft, key=new_key())).state == "posted"
