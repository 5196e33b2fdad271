"""What Tryton's answers mean to us, without a Tryton."""

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from blocks.errors import OutsideError, RefusedError, UnavailableError, UnknownError, UnreadableError
from blocks.tryton import http as tryton_http
from blocks.tryton.erp import TrytonErp
from blocks.tryton.http import GoneError, TakenError, TrytonRest
from blocks.tryton.json import dumps, header
from tests.blocks.erp.contract import asked

PAGE = "<!doctype html><title>500</title><h1>Error</h1><p>{}</p>"
UNIQUE = PAGE.format("UNIQUE constraint failed: purchase_purchase.reference")
REFUSAL = b'{"message": "A value is required in record \\"7 [k]\\" of \\"Purchase\\".", "description": ""}'
NO_ACCESS = b'{"message": "You are not allowed to access \\"Purchase\\".", "description": null}'
NO_RULE = b'{"message": "You are not allowed to read records \\"3\\" because of at least one of these rules:\\nOurs"}'
NO_BUTTON = b'{"message": "Calling button \\"confirm on \\"Purchase\\" is not allowed.", "description": null}'

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryton_http, "BUSY_PAUSE_S", 0.0)


def rest(handler: Handler) -> TrytonRest:
    return TrytonRest("http://erp.test", "erp", "k", timeout_s=1, transport=httpx.MockTransport(handler))


def always(status: int, body: str | bytes = b"") -> Handler:
    return lambda _: httpx.Response(status, content=body)


def failing(error: type[httpx.RequestError]) -> Handler:
    def raise_(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    return raise_


async def read(handler: Handler) -> object:
    return await rest(handler).search("purchase.purchase", [], ["state"], {})


async def change(handler: Handler) -> object:
    return await rest(handler).act("purchase.purchase", 7, "confirm", ["state"], {})


@pytest.mark.parametrize(
    ("handler", "on_read", "on_change"),
    [
        pytest.param(always(400, REFUSAL), RefusedError, RefusedError, id="a business answer"),
        pytest.param(always(401), UnreadableError, UnreadableError, id="a wrong key"),
        pytest.param(always(400, NO_ACCESS), UnreadableError, UnreadableError, id="no right to a kind of record"),
        pytest.param(always(400, NO_RULE), UnreadableError, UnreadableError, id="no right to one record"),
        pytest.param(always(400, NO_BUTTON), UnreadableError, UnreadableError, id="no right to a button"),
        pytest.param(always(403), UnreadableError, UnreadableError, id="no right to an act"),
        pytest.param(always(400, PAGE), UnreadableError, UnreadableError, id="a complaint of what stands between"),
        pytest.param(always(404), UnreadableError, GoneError, id="nothing there"),
        pytest.param(always(413), UnreadableError, UnreadableError, id="another complaint"),
        pytest.param(always(429), UnavailableError, UnavailableError, id="too many requests"),
        pytest.param(always(500, UNIQUE), TakenError, TakenError, id="a key that is taken"),
        pytest.param(always(500), UnreadableError, UnknownError, id="a failure"),
        pytest.param(always(502), UnavailableError, UnknownError, id="a gateway without an answer"),
        pytest.param(always(503), UnavailableError, UnavailableError, id="too busy for long"),
        pytest.param(always(504), UnavailableError, UnknownError, id="a gateway that waited in vain"),
        pytest.param(always(200, b'[{"sta'), UnreadableError, UnknownError, id="half an answer"),
        pytest.param(failing(httpx.ConnectError), UnavailableError, UnavailableError, id="nobody there"),
        pytest.param(failing(httpx.ConnectTimeout), UnavailableError, UnavailableError, id="nobody answers the bell"),
        pytest.param(failing(httpx.ReadTimeout), UnavailableError, UnknownError, id="silence after the question"),
        pytest.param(failing(httpx.WriteError), UnavailableError, UnknownError, id="cut off while asking"),
        pytest.param(failing(httpx.RemoteProtocolError), UnavailableError, UnknownError, id="hung up"),
    ],
)
async def test_each_answer_says_what_to_do_about_it(
    handler: Handler, on_read: type[OutsideError], on_change: type[OutsideError]
):
    for ask, meaning in ((read, on_read), (change, on_change)):
        with pytest.raises(OutsideError) as raised:
            await ask(handler)
        assert type(raised.value) is meaning


async def test_a_record_that_is_gone_is_no_way_that_is_lost():
    with pytest.raises(GoneError):
        await rest(always(404)).read("purchase.purchase", 7, ["state"], {})
    with pytest.raises(UnknownError, match=r"nobody answers to POST purchase\.purchase: check ALMONER_ERP_URL"):
        await rest(always(404)).create("purchase.purchase", {}, ["state"], {})


async def test_a_business_answer_is_shown_without_the_name_of_the_record():
    with pytest.raises(RefusedError) as raised:
        await change(always(400, REFUSAL))
    assert raised.value.detail == 'A value is required of "Purchase".'


@pytest.mark.parametrize("handler", [always(403), *(always(400, said) for said in (NO_ACCESS, NO_RULE, NO_BUTTON))])
async def test_a_right_that_our_user_lacks_is_told_with_what_to_check(handler: Handler):
    with pytest.raises(UnreadableError, match=r"no right to POST purchase\.purchase/7/confirm: .* its groups"):
        await change(handler)


async def test_a_page_is_shown_as_text():
    with pytest.raises(UnreadableError) as raised:
        await read(always(500, PAGE.format("it&#39;s <b>broken</b>")))
    assert raised.value.detail == "it failed with 500: it's broken"


async def test_a_busy_server_is_asked_again():
    answers = iter([httpx.Response(503), httpx.Response(503), httpx.Response(200, content=b"[]")])
    assert await read(lambda _: next(answers)) == []


async def test_a_deletion_is_asked_for_once_and_answers_nothing():
    asked_for: list[httpx.Request] = []

    def gone(request: httpx.Request) -> httpx.Response:
        asked_for.append(request)
        return httpx.Response(204)

    await rest(gone).delete("purchase.purchase", 7, {"company": 1})
    (request,) = asked_for
    assert (request.method, request.url.path) == ("DELETE", "/erp/rest/model/purchase.purchase/7")
    assert (request.headers["X-Tryton-Context"], request.content) == (header({"company": 1}), b"")


async def test_the_key_never_shows_in_an_error():
    secret = "5ecret"
    client = TrytonRest("http://erp.test", "erp", secret, timeout_s=1, transport=httpx.MockTransport(always(500)))
    with pytest.raises(OutsideError) as raised:
        await client.search("purchase.purchase", [], [], {})
    assert secret not in repr(raised.value)


class Scripted:
    """A Tryton that answers each model with what it is given, and its masters with one company."""

    def __init__(self, **answers: Any) -> None:
        self._answers = {
            "company.company": [{"id": 1, "currency": {"id": 1, "code": "USD"}}],
            "stock.location": [{"id": 5, "storage_location": {"id": 3}}],
            "account.period": [{"id": 9, "state": "open"}],
            "purchase.line": [],
            "analytic_account.budget.line": [BUDGET],
            "product.product": [ITEM],
        } | {name.replace("__", "."): answer for name, answer in answers.items()}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        model = request.url.path.rpartition("/")[2]
        self.asked.append(model)
        return httpx.Response(200, content=dumps(self._answers[model]))


BUDGET = {
    "id": 1,
    "total_amount": -1000,
    "actual_amount": 0,
    "budget": {"name": "2026", "end_date": date(2026, 12, 31)},
}
OFFER = {
    "id": 4,
    "code": "",
    "product": None,
    "currency": {"code": "USD"},
    "party": {"code": "SUP-X", "name": "X"},
    "prices": [],
}
TEMPLATE = {"name": "Thing", "purchasable": True, "purchase_uom": {"id": 1}, "product_suppliers": [OFFER]}
ITEM = {
    "id": 2,
    "quantity": 1.5,
    "account_category": {"code": "supplies"},
    "default_uom": {"id": 1, "symbol": "u"},
    "template": TEMPLATE,
}
LINE = {
    "id": 8,
    "quantity": 3.0,
    "unit_price": 2,
    "invoice_lines": [],
    "purchase": {
        "reference": None,
        "number": "77",
        "description": None,
        "purchase_date": date(2026, 11, 1),
        "currency": {"code": "USD"},
    },
}


@pytest.fixture
def today() -> date:
    return date(2026, 11, 23)


def erp(scripted: Scripted) -> TrytonErp:
    return TrytonErp("http://erp.test", "erp", "k", transport=httpx.MockTransport(scripted))


async def test_a_second_look_asks_four_questions_and_no_more(today: date):
    scripted = Scripted()
    adapter = erp(scripted)
    await adapter.sourcing(asked(), today)
    scripted.asked.clear()
    await adapter.sourcing(asked(), today)
    assert sorted(scripted.asked) == [
        "account.period",
        "analytic_account.budget.line",
        "product.product",
        "purchase.line",
    ]


async def test_an_offer_without_a_price_has_no_price_and_no_contract(today: date):
    found = await erp(Scripted()).sourcing(asked(), today)
    assert (found.supplier, found.contract, found.unit_price) == ("SUP-X", None, None)


async def test_an_item_that_nobody_sells_has_no_supplier(today: date):
    alone = ITEM | {"template": TEMPLATE | {"product_suppliers": []}}
    found = await erp(Scripted(product__product=[alone])).sourcing(asked(), today)
    assert (found.supplier, found.unit_price) == (None, None)


async def test_a_fiscal_year_is_named_by_the_year_in_which_it_ends(today: date):
    july = BUDGET | {"budget": {"name": "FY27", "end_date": date(2027, 6, 30)}}
    found = await erp(Scripted(analytic_account__budget__line=[july])).sourcing(asked(), today)
    assert found.budget.year == 2027


async def test_half_a_box_is_counted_exactly(today: date):
    found = await erp(Scripted()).sourcing(asked(), today)
    assert str(found.on_hand) == "1.5"


async def test_an_order_of_other_people_is_named_by_its_number(today: date):
    found = await erp(Scripted(purchase__line=[LINE])).sourcing(asked(), today)
    assert [(order.reference, str(order.open)) for order in found.budget.ordered] == [("PO 77", "$6.00")]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"company__company": []}, "0 companies"),
        ({"stock__location": []}, "no warehouse WH"),
        ({"product__product": [ITEM | {"account_category": {"code": "food"}}]}, "category food"),
        (
            {"product__product": [ITEM | {"template": TEMPLATE | {"purchase_uom": {"id": 2}}}]},
            "another unit",
        ),
        ({"analytic_account__budget__line": [BUDGET, BUDGET]}, "more than one budget"),
        (
            {"purchase__line": [LINE | {"purchase": LINE["purchase"] | {"currency": {"code": "EUR"}}}]},
            "is in EUR",
        ),
    ],
)
async def test_what_we_cannot_make_sense_of_needs_a_person(answers: dict[str, object], why: str, today: date):
    with pytest.raises(UnreadableError, match=why):
        await erp(Scripted(**answers)).sourcing(asked(), today)
