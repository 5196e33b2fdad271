"""Socket Mode: the same handlers behind a connection that we open, against a small server that speaks as Slack does."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from infrastructure.doors import socket_mode
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import TEAM, SlackLike, card_of

pytestmark = pytest.mark.usefixtures("open_doors")


class Slack:
    """Slack's end of the connection."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.socket: asyncio.Future[web.WebSocketResponse] = asyncio.get_running_loop().create_future()
        self.tokens: list[str] = []
        self.url = ""

    async def open(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization", ""))
        return web.json_response({"ok": True, "url": self.url.replace("http", "ws") + "/link"})

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello"}))
        self.socket.set_result(socket)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                self.answers.put_nowait(json.loads(message.data))
        return socket

    async def send(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send an envelope and wait for its acknowledgement."""
        envelope = {"type": kind, "envelope_id": f"e-{kind}", "payload": payload, "accepts_response_payload": True}
        await (await self.socket).send_str(json.dumps(envelope))
        answer = await asyncio.wait_for(self.answers.get(), 5)
        assert answer["envelope_id"] == f"e-{kind}"
        return dict(answer.get("payload") or {})


@pytest.fixture
async def remote() -> AsyncIterator[Slack]:
    there = Slack()
    app = web.Application()
    app.router.add_post("/api/apps.connections.open", there.open)
    app.router.add_get("/link", there.link)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    there.url = f"http://{host}:{port}"
    client = socket_mode.connected("xapp-a-token-for-tests", url=f"{there.url}/api/")
    await client.connect()
    try:
        yield there
    finally:
        await client.close()
        await runner.cleanup()


def sent_by(user: str, **more: Any) -> dict[str, Any]:
    return {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": "t1", **more}


async def test_a_click_over_our_own_connection_decides(remote: Slack, open_doors: Hospital):
    case = await open_doors.submit("IVSET-20", 200)
    assert await open_doors.wake(case) is None
    _, values = await card_of(open_doors, case)
    pressed = {"action_id": "approve", "value": values["approve"]}
    assert await remote.send("interactive", sent_by("U0ANA", type="block_actions", actions=[pressed])) == {}
    assert (await open_doors.chain(case)).last("decided").actor == "person:ana.silva"
    assert remote.tokens == ["Bearer xapp-a-token-for-tests"]


async def test_a_command_is_answered_with_its_acknowledgement(remote: Slack):
    told = await remote.send(
        "slash_commands", {"command": "/almoner", "text": "inbox", "user_id": "U0ANA", "team_id": TEAM}
    )
    assert told["text"] == "Nothing waits for you."


async def test_an_event_draws_the_home_tab(remote: Slack, desk: SlackLike):
    event = {"type": "app_home_opened", "user": "U0ANA"}
    await remote.send("events_api", {"type": "event_callback", "team_id": TEAM, "event": event})
    for _ in range(100):
        if desk.homes:
            break
        await asyncio.sleep(0.01)
    assert "Nothing waits for you" in str(desk.homes["U0ANA"])


async def test_without_a_token_it_says_where_to_find_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SLACK_APP_TOKEN", raising=False)
    with pytest.raises(SystemExit, match="App-Level Tokens"):
        await socket_mode.serve()
