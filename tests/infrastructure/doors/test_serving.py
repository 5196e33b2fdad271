"""What a sender reads when a door cannot take something: never a bare 500, always what to do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from blocks import connect
from blocks.errors import ConflictError, UnavailableError, UnreadableError
from blocks.ledger import Ledger
from blocks.rulebook import Shelf
from blocks.store import FolderStore
from infrastructure.doors import __main__ as doors_main
from infrastructure.doors import home
from infrastructure.doors.__main__ import app
from infrastructure.doors.http import Request
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import event_request, interaction

BODY = json.dumps({"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 2}).encode()


class Failing(FolderStore):
    """A store that takes no write."""

    error: Exception

    async def create(self, _key: str, _data: bytes) -> None:
        raise self.error


async def sent(path: str, request: Request, store: FolderStore) -> httpx.Response:
    """Send a request to the doors as they are served."""
    ledger = Ledger(store)
    with connect.bound(connect.Outside(ledger, Shelf(ledger))):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://doors.test") as client:
            return await client.post(path, content=request.body, headers=dict(request.headers))


@pytest.mark.parametrize(
    ("path", "signed"),  # at the time of the test: a signature is good for five minutes
    [
        ("/events/inventory", lambda: event_request(BODY)),
        ("/slack/interactions", lambda: interaction("U0IVO", type="block_actions")),
    ],
    ids=["event", "click"],
)
async def test_where_no_policy_is_in_force_one_is_told_how_to_adopt_it(
    tmp_path: Path, path: str, signed: Callable[[], Request]
):
    answer = await sent(path, signed(), FolderStore(tmp_path))
    assert answer.status_code == 503
    assert "no policy is in force: adopt one" in answer.json()["error"]
    assert "adopt one with `almoner policy adopt FILE`" in answer.json()["error"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConflictError("cases/RQ-1/00000001.json"), "others were writing at the same moment"),
        (UnavailableError("store", "it did not answer"), "store: it did not answer"),
        (UnreadableError("store", "it does not let us in"), "store: it does not let us in"),
    ],
)
@pytest.mark.usefixtures("hospital")
async def test_what_could_not_be_written_is_to_be_sent_again(tmp_path: Path, error: Exception, why: str):
    store = Failing(tmp_path / "store")
    store.error = error
    answer = await sent("/events/inventory", event_request(BODY), store)
    assert answer.status_code == 503
    assert answer.json()["error"] == f"not taken: {why}. Please send it again; nothing is taken twice"


async def test_a_body_beyond_measure_is_refused_with_what_to_do(hospital):
    answer = await sent("/events/inventory", Request({}, b" " * (1024 * 1024 + 1)), hospital.ledger.store)
    assert (answer.status_code, "send less at a time" in answer.json()["error"]) == (413, True)


async def healthy(client: httpx.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/health")
    return answer.status_code, answer.text


async def until_healthy(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while await healthy(client) != (200, "ok"):  # noqa: ASYNC110  it is the doors that read
            await asyncio.sleep(0.01)


@asynccontextmanager
async def served() -> AsyncIterator[httpx.AsyncClient]:
    """Serve the doors, from their start to their end."""
    doors = app()
    async with (
        doors.router.lifespan_context(doors),
        httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url="http://doors.test") as client,
    ):
        yield client


@asynccontextmanager
async def serving(hospital: Hospital) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the doors of a hospital."""
    with hospital.bound():
        async with served() as client:
            yield client


async def test_the_doors_are_healthy_once_they_have_read_what_is_open(hospital, monkeypatch):
    gate = asyncio.Event()
    monkeypatch.setattr(home, "read_ahead", gate.wait)
    async with serving(hospital) as client:
        assert await healthy(client) == (503, "reading what is open")
        gate.set()
        await asyncio.sleep(0)
        assert await healthy(client) == (200, "ok")


async def test_what_takes_too_long_to_read_keeps_the_doors_unhealthy_no_longer(hospital, monkeypatch):
    monkeypatch.setattr(home, "read_ahead", asyncio.Event().wait)
    monkeypatch.setattr(doors_main, "READ_AHEAD_S", 0)
    async with serving(hospital) as client:
        await asyncio.sleep(0.01)
        assert await healthy(client) == (200, "ok")


async def test_doors_of_an_empty_ledger_are_healthy(tmp_path):
    ledger = Ledger(FolderStore(tmp_path))
    with connect.bound(connect.Outside(ledger, Shelf(ledger))):
        await home.read_ahead()
        async with served() as client:
            await until_healthy(client)
