"""A small app that listens as a Slack app does: it checks the signature, records, and answers as told."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "xoxb-a-token-for-tests"
Json = dict[str, Any]


@dataclass
class ListeningApp:
    """What arrived, and what to answer: a status, a body, or a function of what arrived; after a delay."""

    url: str = ""
    interactions: list[Json] = field(default_factory=list)
    commands: list[dict[str, str]] = field(default_factory=list)
    events: list[tuple[dict[str, str], Json]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    body: Json | str = ""
    delay_s: float = 0.0
    on_interaction: Callable[[Json], Json | str] | None = None
    on_command: Callable[[dict[str, str]], Json | str] | None = None

    @property
    def last(self) -> Json:
        return self.interactions[-1]

    async def handle(self, request: Request) -> Response:
        body = await request.body()
        self.requests.append((dict(request.headers), body))
        if not SignatureVerifier(SECRET).is_valid_request(body, dict(request.headers)):
            return Response("bad signature", 401)
        answer: Json | str = self.body
        kind = request.path_params["kind"]
        if kind == "interactions":
            payload = json.loads(parse_qs(body.decode())["payload"][0])
            self.interactions.append(payload)
            answer = await self._answer(self.on_interaction, payload)
        elif kind == "commands":
            typed = {k: v[0] for k, v in parse_qs(body.decode(), keep_blank_values=True).items()}
            self.commands.append(typed)
            answer = await self._answer(self.on_command, typed)
        else:
            self.events.append((dict(request.headers), json.loads(body)))
        await asyncio.sleep(self.delay_s)
        if isinstance(answer, str):
            return Response(answer, self.status)
        return JSONResponse(answer, self.status)

    async def _answer(self, made: Callable[[Any], Json | str] | None, sent: Any) -> Json | str:
        return self.body if made is None else await asyncio.to_thread(made, sent)


@contextlib.contextmanager
def listening() -> Iterator[ListeningApp]:
    heard = ListeningApp()
    app = Starlette(routes=[Route("/slack/{kind}", heard.handle, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    work = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    work.start()
    heard.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield heard
    finally:
        server.should_exit = True
        work.join(10)
        listener.close()
