"""Tryton reverses the entry of a bill once, whatever became of the bill, its period, the answer or our rights."""

import re
from datetime import timedelta

import pytest

from blocks.errors import RefusedError, UnknownError, UnreadableError
from blocks.records.purchasing import ReverseDraft
from blocks.tryton.erp import TrytonErp
from blocks.wire.names import reference
from infrastructure.local.erp.home import DATABASE
from infrastructure.local.erp.rpc import Rpc, SeedError
from infrastructure.local.erp.seed_service import ENTRIES_SEEN
from tests.blocks.erp.conftest import PURCHASE, Tryton, posted
from tests.blocks.erp.contract import Bill, booked, new_key, service_of
from tests.blocks.erp.test_tryton import Losing

pytestmark = pytest.mark.e2e


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


async def test_an_entry_whose_period_is_locked_is_not_reversed_and_it_says_what_to_do(
    tryton: Tryton, erp: TrytonErp, admin: Rpc
):
    key, first = new_key(), tryton.today.replace(day=1)
    on = first - timedelta(days=40) if first.month > 2 else first + timedelta(days=70)  # of a year that is open
    order = await erp.order(service_of(tryton.today), key=key)
    draft = ReverseDraft(entry=posted(admin, key, f"B-{key[:8]}", on).entry, of=key, number=order.number)
    month = admin.the("account.period", ["start_date", "<=", on], ["end_date", ">=", on], ["type", "=", "standard"])
    for button in ("close", "lock_"):
        admin.model("account.period", button, [month])
    with pytest.raises(RefusedError, match=f"the period {on:%Y-%m} is locked for good: correct it by an entry in"):
        await erp.reverse(draft, key=new_key())


async def test_an_entry_that_somebody_reversed_by_hand_is_not_reversed_again(
    tryton: Tryton, erp: TrytonErp, admin: Rpc, billed: Bill
):
    draft = await booked(erp, tryton.today, billed)
    move = admin.the("account.move", ["number", "=", draft.entry])
    admin.context |= {"active_model": "account.move", "active_id": move, "active_ids": [move]}
    with admin.wizard("account.move.cancel") as wizard:
        with pytest.raises(SeedError, match="You might want to cancel the invoices first") as asks:
            wizard.step("cancel", default={"reversal": True})
        (name,) = re.findall(r"[0-9a-f]+\.cancel_invoice_move", str(asks.value))
        admin.new("res.user.warning", user=admin.user, name=name, always=False)
        wizard.step("cancel", default={"reversal": True})
    with pytest.raises(RefusedError, match="is settled: it was paid, or its entry was reversed by hand"):
        await erp.reverse(draft, key=new_key())


async def test_a_service_that_may_not_press_the_button_says_what_to_do(
    tryton: Tryton, erp: TrytonErp, admin: Rpc, billed: Bill
):
    draft = await booked(erp, tryton.today, billed)
    button = admin.the("ir.model.button", ["model", "=", "account.invoice"], ["name", "=", "cancel"])
    group = admin.the("res.group", ["name", "=", "Almoner service"])
    admin.model("ir.model.button", "write", [button], {"groups": [["remove", [group]]]})
    try:
        with pytest.raises(UnreadableError, match=r"no right to POST account\.invoice/.*/cancel: .* their buttons"):
            await erp.reverse(draft, key=new_key())
    finally:
        admin.model("ir.model.button", "write", [button], {"groups": [["add", [group]]]})
    assert (await erp.reverse(draft, key=new_key())).state == "posted"


async def test_a_service_that_may_not_see_what_reverses_an_entry_changes_nothing_and_says_what_to_do(
    tryton: Tryton, erp: TrytonErp, admin: Rpc, billed: Bill
):
    draft = await booked(erp, tryton.today, billed)
    (rule,) = [one["id"] for one in admin.find("ir.rule", [], "domain") if one["domain"] == ENTRIES_SEEN]
    admin.model("ir.rule", "write", [rule], {"domain": '[["origin", "like", "account.invoice,%"]]'})
    try:
        with pytest.raises(UnreadableError, match="Almoner service: entries of invoices"):
            await erp.reverse(draft, key=new_key())
        (invoice,) = admin.find("account.invoice", [["move.number", "=", draft.entry]], "state", "number")
        assert invoice["state"] == "posted"
        admin.model("account.invoice", "cancel", [invoice["id"]])
        assert [one.number for one in await erp.trace(invoice["number"])] == [invoice["number"]]
        with pytest.raises(UnreadableError, match="Almoner service: entries of invoices"):
            await erp.trace(draft.entry)
    finally:
        admin.model("ir.rule", "write", [rule], {"domain": ENTRIES_SEEN})
    assert (await erp.reverse(draft, key=new_key())).state == "posted"


async def test_what_the_service_may_not_see_others_see_as_before(tryton: Tryton, erp: TrytonErp, admin: Rpc):
    on = tryton.today
    month = admin.the("account.period", ["start_date", "<=", on], ["end_date", ">=", on], ["type", "=", "standard"])
    company, journal = admin.the("company.company"), admin.the("account.journal")
    move = admin.new("account.move", company=company, journal=journal, period=month, date=on, description="payroll")
    assert admin.model("account.move", "read", [move], ["description"])[0]["description"] == "payroll"
    with pytest.raises(RefusedError, match="there is nothing at GET"):
        await erp._rest.read("account.move", move, ["description"], {"company": company})
