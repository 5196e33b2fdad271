"""The personalities, each by HTTP: what each does with a key, and that its adapter reads it as the port says."""

from datetime import date

import httpx
import pytest

from blocks.errors import MismatchError, RefusedError, UnavailableError, UnknownError
from tests.blocks.erp.contract import Bill, ErpContract, asked, issue_of, new_key, order_of
from tests.blocks.erp.test_fake import posted
from tests.fakes.erp_client import HttpErp
from tests.fakes.erp_server import PERSONALITIES, ErpServer

TODAY = date(2026, 11, 23)
KEEP = [name for name, x in PERSONALITIES.items() if x.knows_before_it_judges]
FOUND_AT_ONCE = "a key for good, found at once"
JUDGE_FIRST = [name for name, x in PERSONALITIES.items() if x.key_kept_s and not x.knows_before_it_judges]
KEEP_NONE = [name for name, x in PERSONALITIES.items() if not x.knows_keys]
AT_WORK, POINTED = "409 at work, 422 for something else", "400 and the address of the first"


class Town:
    """A little ERP, somebody who talks to it, and the time."""

    def __init__(self, name: str) -> None:
        self.now = 1_000_000.0
        self.server = ErpServer(PERSONALITIES[name], clock=lambda: self.now)
        self.erp = HttpErp(
            "http://erp.test", PERSONALITIES[name], transport=httpx.ASGITransport(self.server.app)
        )  # fmt: skip


@pytest.fixture
def today() -> date:
    return TODAY


@pytest.fixture
def little() -> Town:
    """Give the little ERP that knows keys for good, and shows at once what it made."""
    return Town(FOUND_AT_ONCE)


@pytest.fixture
def erp(little: Town) -> HttpErp:
    return little.erp


@pytest.fixture
def billed(little: Town) -> Bill:
    return lambda key, theirs: posted(little.server.books, key, theirs)


class TestHttpErp(ErpContract):
    """The contract, held against the adapter of the little ERP, by HTTP."""


@pytest.fixture
def town(request: pytest.FixtureRequest) -> Town:
    return Town(request.param)


@pytest.mark.parametrize("town", PERSONALITIES, indirect=True)
async def test_an_order_and_an_issue_are_made_and_stand_in_its_books(town):
    key = new_key()
    order = await town.erp.order(order_of(TODAY), key=key)
    issue = await town.erp.issue(issue_of(TODAY), key=key)
    assert [one.document for one in town.server.booked()] == [order, issue]
    assert (await town.erp.sourcing(asked(), TODAY)).budget.ordered[0].open == order.amount


@pytest.mark.parametrize("town", PERSONALITIES, indirect=True)
async def test_a_no_is_a_no_and_a_closed_door_changes_nothing(town):
    with pytest.raises(RefusedError, match="address"):
        await town.erp.order(order_of(TODAY, item="SUTURE-30", supplier="SUP-HALT"), key=new_key())
    town.server.fail = 1
    with pytest.raises(UnavailableError, match="come back"):
        await town.erp.order(order_of(TODAY), key=new_key())
    assert not town.server.booked()


@pytest.mark.parametrize("town", KEEP, indirect=True)
async def test_a_repeated_key_is_the_same_document_until_it_is_forgotten(town):
    key = new_key()
    first = await town.erp.order(order_of(TODAY), key=key)
    kept_s = town.server.personality.key_kept_s
    town.now += (kept_s or 10**7) - 1
    assert await town.erp.order(order_of(TODAY), key=key) == first
    if kept_s is None:
        return
    town.now += 1
    assert (await town.erp.order(order_of(TODAY), key=key)).number != first.number
    assert len(town.server.booked()) == 2


@pytest.mark.parametrize("town", JUDGE_FIRST, indirect=True)
async def test_whoever_judges_first_says_no_to_a_further_call_also_while_the_first_is_at_work(town):
    key, town.server.slow_s = new_key(), 90
    with pytest.raises(UnknownError):
        await town.erp.order(order_of(TODAY), key=key)
    for booked in (0, 1):
        with pytest.raises(RefusedError, match="the period is closed"):
            await town.erp.order(order_of(TODAY), key=key)
        assert len(town.server.booked()) == booked
        town.now += 90


async def test_whoever_finds_what_is_made_judges_a_further_call_only_while_the_first_is_at_work():
    town, key = Town(FOUND_AT_ONCE), new_key()
    town.server.slow_s = 90
    with pytest.raises(UnknownError):
        await town.erp.order(order_of(TODAY), key=key)
    with pytest.raises(RefusedError, match="the period is closed"):
        await town.erp.order(order_of(TODAY), key=key)
    town.now += 90
    made = await town.erp.order(order_of(TODAY), key=key)
    assert [one.document for one in town.server.booked()] == [made]
    assert await town.erp.find_order(key) == made


@pytest.mark.parametrize("town", KEEP_NONE, indirect=True)
async def test_where_keys_are_not_known_a_repeated_key_is_a_second_document(town):
    key = new_key()
    await town.erp.order(order_of(TODAY), key=key)
    await town.erp.order(order_of(TODAY), key=key)
    assert [one.document.key for one in town.server.booked()] == [key, key]


@pytest.mark.parametrize("town", KEEP_NONE, indirect=True)
async def test_bills_of_two_documents_under_one_key_both_lead_to_that_key(town):
    key, numbers = new_key(), []
    for place in range(2):
        order = await town.erp.order(order_of(TODAY), key=key)
        own = town.server.jobs[place].own
        ((invoice, *others),) = [await town.erp.trace(posted(town.server.books, own, f"B-{place}").number)]
        assert (invoice.key, invoice.of, others) == (key, order.number, [])
        numbers.append(invoice.number)
    assert len({*numbers}) == 2


@pytest.mark.parametrize("town", PERSONALITIES, indirect=True)
async def test_an_erp_that_cannot_be_asked_what_came_of_an_order_says_so(town):
    town.server.fail = 1
    with pytest.raises(UnavailableError, match="come back later"):
        await town.erp.trace("INV-1")
    assert await town.erp.trace("INV-1") == ()


@pytest.mark.parametrize("town", KEEP, indirect=True)
async def test_a_key_with_something_else_behind_it_is_a_mismatch_and_no_refusal(town):
    key = new_key()
    await town.erp.order(order_of(TODAY), key=key)
    with pytest.raises(MismatchError, match="other contents"):
        await town.erp.order(order_of(TODAY, quantity=3), key=key)
    assert len(town.server.booked()) == 1


@pytest.mark.parametrize("town", PERSONALITIES, indirect=True)
async def test_a_lost_answer_is_unknown_and_the_document_is_there(town):
    town.server.lose = 1
    with pytest.raises(UnknownError):
        await town.erp.order(order_of(TODAY), key=new_key())
    assert len(town.server.booked()) == 1


@pytest.mark.parametrize("town", [AT_WORK, POINTED], indirect=True)
async def test_what_the_first_call_is_still_working_on_is_unknown_until_it_is_done(town):
    key, town.server.slow_s = new_key(), 90
    for _ in range(2):
        with pytest.raises(UnknownError):
            await town.erp.order(order_of(TODAY), key=key)
        town.now += 30
    town.now += 30
    assert [await town.erp.order(order_of(TODAY), key=key)] == [one.document for one in town.server.booked()]


@pytest.mark.parametrize("town", ["a look-up that lags"], indirect=True)
async def test_a_document_shows_in_a_look_up_only_after_its_lag(town):
    key = new_key()
    order = await town.erp.order(order_of(TODAY), key=key)
    assert await town.erp.find_order(key) is None
    town.now += town.server.shows_after_s
    assert await town.erp.find_order(key) == order
    assert await town.erp.find_issue(key) is None
