"""Tryton keeps the contract, also when answers are lost, clients die and people change the master data."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import httpx
import pytest

from blocks.errors import RefusedError, UnknownError, UnreadableError
from blocks.records.money import Money
from blocks.tryton.erp import TrytonErp
from blocks.tryton.http import TrytonRest
from infrastructure.local.erp.home import DATABASE
from infrastructure.local.erp.rpc import Rpc
from tests.blocks.erp.conftest import PURCHASE, Tryton
from tests.blocks.erp.contract import (
    Bill,
    ErpContract,
    asked,
    issue_of,
    new_key,
    open_under,
    order_of,
    service_of,
)

pytestmark = pytest.mark.e2e

SHIPMENT = "stock.shipment.internal"


class Losing(httpx.AsyncBaseTransport):
    """A network that delivers, and loses the answer to the n-th change."""

    def __init__(self, nth: int) -> None:
        self._network = httpx.AsyncHTTPTransport()
        self._left = nth
        self.lost = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._network.handle_async_request(request)
        if request.method == "GET":
            return answer
        self._left -= 1
        if self._left:
            return answer
        await answer.aread()
        await answer.aclose()
        self.lost.set()
        raise httpx.ReadTimeout("lost", request=request)

    async def aclose(self) -> None:
        await self._network.aclose()


class Stalling(Losing):
    """A network that sends the n-th change and never comes back with the answer."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sending = asyncio.create_task(self._network.handle_async_request(request))
        if request.method != "GET":
            self._left -= 1
            if self._left == 0:
                await asyncio.wait([sending], timeout=0.02)
                self.lost.set()
        return await sending


@pytest.fixture
def today(tryton: Tryton) -> date:
    return tryton.today


class TestTrytonErp(ErpContract):
    """The contract, held against the real ERP."""


@pytest.mark.parametrize("nth", [1, 2, 3], ids=["draft", "quotation", "confirmation"])
async def test_whichever_answer_is_lost_the_key_leads_to_one_order(tryton: Tryton, erp: TrytonErp, nth: int):
    key, losing = new_key(), Losing(nth)
    unlucky = TrytonErp(tryton.url, DATABASE, tryton.key, transport=losing)
    with pytest.raises(UnknownError):
        await unlucky.order(order_of(tryton.today), key=key)
    await unlucky.aclose()
    assert (await erp.order(order_of(tryton.today), key=key)).state == "processing"
    assert tryton.count(PURCHASE, key) == 1


@pytest.mark.parametrize("nth", [1, 2, 3], ids=["draft", "waiting", "assignment"])
async def test_whichever_answer_is_lost_the_key_leads_to_one_issue(tryton: Tryton, erp: TrytonErp, nth: int):
    key, losing = new_key(), Losing(nth)
    unlucky = TrytonErp(tryton.url, DATABASE, tryton.key, transport=losing)
    with pytest.raises(UnknownError):
        await unlucky.issue(issue_of(tryton.today), key=key)
    await unlucky.aclose()
    assert (await erp.issue(issue_of(tryton.today), key=key)).state == "assigned"
    assert tryton.count(SHIPMENT, key) == 1


async def test_an_order_whose_confirmation_was_lost_is_found_as_placed(tryton: Tryton, erp: TrytonErp):
    key = new_key()
    unlucky = TrytonErp(tryton.url, DATABASE, tryton.key, transport=Losing(3))
    with pytest.raises(UnknownError):
        await unlucky.order(order_of(tryton.today), key=key)
    await unlucky.aclose()
    found = await erp.find_order(key)
    assert found is not None
    assert found.state == "processing"


async def test_a_mere_draft_is_not_found_as_placed(tryton: Tryton, erp: TrytonErp):
    key = new_key()
    unlucky = TrytonErp(tryton.url, DATABASE, tryton.key, transport=Losing(1))
    with pytest.raises(UnknownError):
        await unlucky.order(order_of(tryton.today), key=key)
    await unlucky.aclose()
    assert tryton.count(PURCHASE, key) == 1
    assert await erp.find_order(key) is None


async def test_the_order_of_a_client_that_died_after_confirming_is_found(tryton: Tryton, erp: TrytonErp):
    key, stalling = new_key(), Stalling(3)
    doomed = TrytonErp(tryton.url, DATABASE, tryton.key, transport=stalling)
    ordering = asyncio.create_task(doomed.order(order_of(tryton.today), key=key))
    await stalling.lost.wait()
    ordering.cancel()
    await asyncio.gather(ordering, return_exceptions=True)
    await doomed.aclose()
    async with asyncio.timeout(10):
        while (found := await erp.find_order(key)) is None:  # noqa: ASYNC110 -- another process acts
            await asyncio.sleep(0.05)
    assert found == await erp.order(order_of(tryton.today), key=key)
    assert tryton.count(PURCHASE, key) == 1


async def test_eight_clients_with_one_key_leave_one_document(tryton: Tryton):
    key = new_key()
    clients = [TrytonErp(tryton.url, DATABASE, tryton.key) for _ in range(8)]
    placed = await asyncio.gather(*(client.order(order_of(tryton.today), key=key) for client in clients))
    await asyncio.gather(*(client.aclose() for client in clients))
    assert len({order.number for order in placed}) == 1
    assert tryton.count(PURCHASE, key) == 1


async def test_a_refused_order_leaves_not_even_a_draft(tryton: Tryton, erp: TrytonErp):
    key = new_key()
    with pytest.raises(RefusedError, match='A value is required for field "Invoice Address"'):
        await erp.order(order_of(tryton.today, item="SUTURE-30", supplier="SUP-HALT"), key=key)
    assert tryton.count(PURCHASE, key) == 0


async def test_once_the_supplier_has_an_address_the_same_key_goes_through(tryton: Tryton, erp: TrytonErp, admin: Rpc):
    key, code = new_key(), f"SUP-{new_key()[:6]}"
    party = admin.new("party.party", name="New Surgical", code=code)
    draft = order_of(tryton.today, supplier=code)
    with pytest.raises(RefusedError):
        await erp.order(draft, key=key)
    admin.new("party.address", party=party, street="1 New Street")
    assert (await erp.order(draft, key=key)).state == "processing"


async def test_an_order_that_a_person_cancelled_is_not_placed_behind_their_back(
    tryton: Tryton, erp: TrytonErp, admin: Rpc
):
    key = new_key()
    unlucky = TrytonErp(tryton.url, DATABASE, tryton.key, transport=Losing(1))
    with pytest.raises(UnknownError):
        await unlucky.order(order_of(tryton.today), key=key)
    await unlucky.aclose()
    admin.model(PURCHASE, "cancel", [admin.the(PURCHASE, ["reference", "=", f"almoner:{key}"])])
    with pytest.raises(RefusedError, match="is cancelled in the ERP"):
        await erp.order(order_of(tryton.today), key=key)


async def test_a_posted_bill_is_spent_and_its_order_no_longer_open(tryton: Tryton, erp: TrytonErp, billed: Bill):
    key, centre = new_key(), {"cost_centre": "ED"}
    before = (await erp.sourcing(asked(**centre), tryton.today)).budget
    await erp.order(service_of(tryton.today), key=key)
    assert open_under((await erp.sourcing(asked(**centre), tryton.today)).budget, key) == [Money.of(580, "USD")]
    billed(key, f"B-{key[:8]}")
    after = (await erp.sourcing(asked(**centre), tryton.today)).budget
    assert after.posted - before.posted == Money.of(580, "USD")
    assert not open_under(after, key)


async def test_a_larger_quantity_gets_the_price_of_its_tier(tryton: Tryton, erp: TrytonErp, admin: Rpc):
    row = admin.the("purchase.product_supplier", ["template.code", "=", "CENTRI-5"])
    tier = admin.new("purchase.product_supplier.price", product_supplier=row, quantity=10.0, unit_price=Decimal(7500))
    try:
        few = await erp.sourcing(asked(item="CENTRI-5", quantity=9), tryton.today)
        many = await erp.sourcing(asked(item="CENTRI-5", quantity=10), tryton.today)
    finally:
        admin.model("purchase.product_supplier.price", "delete", [tier])
    assert (few.unit_price, many.unit_price) == (Money.of("7900.00", "USD"), Money.of("7500", "USD"))


async def test_the_note_and_the_day_it_is_needed_are_on_the_order(tryton: Tryton, erp: TrytonErp, admin: Rpc):
    key, needed = new_key(), tryton.today + timedelta(days=9)
    await erp.order(order_of(tryton.today, needed_by=needed, note="call before delivery"), key=key)
    fields = ("comment", "delivery_date", "description")
    found = admin.find(PURCHASE, [["reference", "=", f"almoner:{key}"]], *fields)[0]
    assert (found["comment"], found["delivery_date"]) == ("call before delivery", needed)
    assert found["description"] == f"rita.okafor for OR, charged on {tryton.today}"


async def test_the_service_sees_of_the_ledger_of_accounts_the_entries_of_invoices_alone(tryton: Tryton, admin: Rpc):
    by_hand = admin.new(
        "account.move",
        journal=admin.the("account.journal", ["type", "=", "general"]),
        period=admin.the("account.period", ["start_date", "<=", tryton.today], ["end_date", ">=", tryton.today]),
        date=tryton.today,
    )
    service, company = TrytonRest(tryton.url, DATABASE, tryton.key, timeout_s=30), {"company": 1}
    seen = await service.search("account.move", [], ["id", "origin"], company)
    lines = await service.search("account.move.line", [], ["id", "move.id"], company)
    await service.aclose()
    assert by_hand not in {one["id"] for one in seen}
    everything = {one["id"]: one["origin"] or "" for one in admin.find("account.move", [], "origin")}
    invoiced = {one for one, origin in everything.items() if origin.startswith("account.invoice,")}
    invoiced |= {one for one, origin in everything.items() if origin in {f"account.move,{x}" for x in invoiced}}
    assert {one["id"] for one in seen} == invoiced
    assert {one["move"]["id"] for one in lines} <= invoiced


async def test_the_service_may_not_read_what_it_has_no_use_for(tryton: Tryton):
    service = TrytonRest(tryton.url, DATABASE, tryton.key, timeout_s=30)
    with pytest.raises(UnreadableError, match=r"our user has no right to GET account\.budget: .* its groups"):
        await service.search("account.budget", [], ["name"], {"company": 1})
    await service.aclose()


async def test_a_wrong_key_needs_a_person(tryton: Tryton):
    stranger = TrytonErp(tryton.url, DATABASE, "not-the-key")
    with pytest.raises(UnreadableError, match="ALMONER_ERP_KEY"):
        await stranger.find_order(new_key())
    await stranger.aclose()


async def test_a_wrong_database_needs_a_person(tryton: Tryton):
    stranger = TrytonErp(tryton.url, "elsewhere", tryton.key)
    with pytest.raises(UnreadableError, match="ALMONER_ERP_DATABASE"):
        await stranger.find_order(new_key())
    await stranger.aclose()
