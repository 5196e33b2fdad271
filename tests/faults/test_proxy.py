"""The fault proxy does each wrong as it says, and nothing else."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.crashes.syscalls import served
from tests.faults.proxy import Proxy, proxied
from tests.faults.wrongs import beside, black_hole, met, misreported, refused, reset, slow, swapped, twice, unheard


class Scene(NamedTuple):
    proxy: Proxy
    came: list[str]

    async def ask(self, path: str = "/a", **more: object) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.proxy.url, timeout=0.5, trust_env=False) as client:
            return await client.post(path, **more)


class Echo:
    """A server that notes what came and says it back."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._said, methods=["GET", "POST", "HEAD"]),
                                     WebSocketRoute("/talk", self._talk)])  # fmt: skip

    async def _said(self, request: Request) -> JSONResponse:
        body = (await request.body()).decode()
        self.came.append(f"{request.url.path} {body}".strip())
        return JSONResponse({"body": body, "headers": dict(request.headers)}, 201, {"X-Odd": "a"})

    async def _talk(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(f"you said {await socket.receive_text()}")
        await socket.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    echo = Echo()
    with served(echo) as url, proxied(url) as proxy:
        yield Scene(proxy, echo.came)


async def test_without_a_rule_everything_goes_through_as_it_is(scene):
    answer = await scene.ask("/a?b=c", content=b"x" * 200_000, headers={"X-Mine": "Yes"})
    assert (answer.status_code, answer.headers["x-odd"]) == (201, "a")
    assert answer.json()["body"] == "x" * 200_000
    assert answer.json()["headers"]["x-mine"] == "Yes"
    assert answer.json()["headers"]["host"] == scene.proxy.url.removeprefix("http://")
    assert [(one.request, one.fault, one.status) for one in scene.proxy.seen] == [("POST /a?b=c", "", 201)]


async def test_one_connection_carries_many_requests_also_of_unknown_length(scene):
    async def pieces():
        for part in (b"in ", b"pieces"):
            yield part

    async with httpx.AsyncClient(base_url=scene.proxy.url, trust_env=False) as client:
        assert (await client.post("/a", content=pieces())).json()["body"] == "in pieces"
        assert (await client.head("/b")).status_code == 201
        assert (await client.get("/c")).status_code == 201
    assert scene.came == ["/a in pieces", "/b", "/c"]


@pytest.mark.parametrize(
    ("fault", "error", "came"),
    [
        (reset, httpx.ReadError, 0),
        (black_hole, httpx.ReadTimeout, 0),
        (unheard, httpx.RemoteProtocolError, 1),
        (lambda: unheard(broken=True), httpx.ReadError, 1),
        (lambda: slow(0.8), httpx.ReadTimeout, 0),
    ],
)
async def test_an_answer_that_never_comes_fails_as_it_would(scene, fault, error, came):
    scene.proxy.arm("POST /a", fault())
    with pytest.raises(error):
        await scene.ask()
    assert len(scene.came) == came
    assert (await scene.ask()).status_code == 201


async def test_what_is_slow_arrives_also_when_nobody_waits_for_it_any_more(scene):
    scene.proxy.arm("POST /a", slow(0.8))
    with pytest.raises(httpx.ReadTimeout):
        await scene.ask()
    await until(lambda: scene.came == ["/a"])


@pytest.mark.parametrize(("fault", "came"), [(misreported(502), 1), (refused(503, retry_after_s=7), 0)])
async def test_an_error_is_told_after_or_instead_of_passing_on(scene, fault, came):
    scene.proxy.arm("POST /a", fault)
    answer = await scene.ask()
    assert answer.status_code == int(scene.proxy.faults()[0].rpartition(" ")[2])
    assert len(scene.came) == came
    assert answer.headers.get("retry-after") == (None if came else "7")


async def test_a_duplicate_arrives_twice_and_is_answered_once(scene):
    scene.proxy.arm("POST /a", twice())
    assert (await scene.ask()).status_code == 201
    assert scene.came == ["/a", "/a"]


async def test_two_requests_pass_in_opposite_order(scene):
    scene.proxy.arm("POST /", swapped(), times=2)
    first = asyncio.create_task(scene.ask("/first"))
    await asyncio.sleep(0.1)
    await scene.ask("/second")
    assert (await first).status_code == 201
    assert scene.came == ["/second", "/first"]


async def test_requests_are_held_until_all_are_there(scene):
    scene.proxy.arm("POST /", met(3), times=3)
    began = [asyncio.create_task(scene.ask(f"/{n}")) for n in range(2)]
    await asyncio.sleep(0.1)
    assert scene.came == []
    await scene.ask("/2")
    await asyncio.gather(*began)
    assert len(scene.came) == 3


@pytest.mark.parametrize("after", [False, True])
async def test_something_is_done_at_the_very_moment(scene, after):
    seen: list[int] = []
    scene.proxy.arm("POST /a", beside(lambda: seen.append(len(scene.came)), after=after))
    assert (await scene.ask()).status_code == 201
    assert seen == [int(after)]


async def test_a_rule_lets_some_pass_strikes_so_often_and_is_forgotten_when_healed(scene):
    scene.proxy.arm("POST /a", refused(500), after=1, times=2)
    assert [(await scene.ask()).status_code for _ in range(4)] == [201, 500, 500, 201]
    scene.proxy.arm("POST /a", refused(500), times=None)
    assert [(await scene.ask()).status_code for _ in range(3)] == [500] * 3
    scene.proxy.heal()
    assert (await scene.ask()).status_code == 201
    assert len(scene.proxy.met("POST /a$")) == 8


async def test_a_server_that_is_gone_is_a_connection_that_breaks():
    with proxied("http://127.0.0.1:9") as proxy, pytest.raises(httpx.RemoteProtocolError):
        await Scene(proxy, []).ask()


def test_a_web_socket_passes_through(scene):
    from websockets.sync.client import connect

    with connect(f"{scene.proxy.url.replace('http', 'ws')}/talk") as talk:
        talk.send("good morning")
        assert talk.recv() == "you said good morning"


def test_it_leaves_no_thread_behind():
    before = threading.active_count()
    with proxied("http://127.0.0.1:9"):
        assert threading.active_count() > before
    assert threading.active_count() == before


async def until(true) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
