"""Knocking: a Prefect server that is started again is heard of at once, not after Prefect's own half a minute."""

import asyncio

import httpx
import pytest

from infrastructure.warm import client
from infrastructure.warm.client import Knocking, RunClient


class Door(httpx.AsyncBaseTransport):
    """A server that is away for the next few requests."""

    def __init__(self, away: int = 0) -> None:
        self.away, self.asked = away, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.away:
            self.away -= 1
            raise httpx.ConnectError("connection refused", request=request)
        return httpx.Response(200, request=request)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(client, "AGAIN_S", 0.001)


async def asked(knocking: Knocking) -> int:
    async with httpx.AsyncClient(transport=knocking) as http:
        return (await http.get("http://prefect.test/api/health")).status_code


async def test_who_was_there_before_is_waited_for():
    door = Door()
    knocking = Knocking(door)
    assert await asked(knocking) == 200
    door.away = 50
    assert await asked(knocking) == 200
    assert door.asked == 52


async def test_an_address_that_never_answered_is_told_of_at_once():
    door = Door(away=1)
    with pytest.raises(httpx.ConnectError):
        await asked(Knocking(door))
    assert door.asked == 1


async def test_who_stays_away_is_given_up():
    door = Door()
    knocking = Knocking(door, away_s=0.05)
    await asked(knocking)
    door.away = 10**6
    with pytest.raises(httpx.ConnectError):
        await asked(knocking)
    assert door.asked > 2


async def test_what_may_have_been_sent_is_not_sent_again():
    class Broken(Door):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.asked += 1
            raise httpx.ReadError("reset", request=request)

    door = Broken()
    with pytest.raises(httpx.ReadError):
        await asked(Knocking(door))
    assert door.asked == 1


async def test_prefects_client_knocks():
    async with RunClient("http://127.0.0.1:9/api") as run_client:
        assert isinstance(run_client._client._transport, Knocking)
        assert run_client._client._transport._inside is not None
    await asyncio.sleep(0)
