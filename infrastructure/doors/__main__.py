"""Serve the doors on loopback: `python -m infrastructure.doors --port 18080`."""

import argparse
import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from blocks import connect
from blocks.errors import ConflictError, NotFoundError, OutsideError
from infrastructure.doors import events, home, showing, slack, stepup
from infrastructure.doors.http import BODY_MAX, Deed, Request, Response
from infrastructure.ending import run_and_leave

logger = logging.getLogger("almoner.doors")
READ_AHEAD_S = 30.0
"""So long at most it is unhealthy because there is so much to read."""
Handler = Callable[[Request], Awaitable[Response]]


class TooLargeError(ValueError):
    """A body beyond what a door reads."""


def app() -> Starlette:
    """Build the server's application."""
    return Starlette(
        lifespan=_warmed_up,
        routes=[
            Route("/health", _health),
            Route("/slack/interactions", _served(slack.interactions), methods=["POST"]),
            Route("/slack/commands", _served(slack.commands), methods=["POST"]),
            Route("/slack/events", _served(slack.events), methods=["POST"]),
            Route("/events/{source}", _event, methods=["POST"]),
            Route("/confirm/{case}/{nonce}", _confirmation, methods=["GET", "POST"]),
            Route("/passkeys/{token}", _invitation, methods=["GET", "POST"]),
            Route("/pages/{name}", _asset),
        ],
    )


@asynccontextmanager
async def _warmed_up(app: Starlette) -> AsyncIterator[None]:
    """Open what clicks will need before the first one comes: to import Slack's client takes longer than an answer.

    Whoever clicks is answered from the first moment on. Only healthy it is not, until what is open has been read, or
    has taken too long: a Home tab opened before then waits for it.
    """
    connect.ledger()
    if os.environ.get("SLACK_BOT_TOKEN"):
        connect.desk()
    _freeze()
    app.state.ready = asyncio.Event()
    reading = asyncio.create_task(_read_ahead(app.state.ready), name="read ahead")
    yield
    reading.cancel()


async def _read_ahead(ready: asyncio.Event) -> None:
    late = asyncio.get_running_loop().call_later(READ_AHEAD_S, ready.set)
    try:
        await home.read_ahead()
    finally:
        late.cancel()
        ready.set()
    _freeze()


def _freeze() -> None:
    """Let the collector leave out what stays: it need not walk through it in the middle of a click."""
    gc.collect()
    gc.freeze()


async def _health(request: HttpRequest) -> HttpResponse:
    if request.app.state.ready.is_set():
        return PlainTextResponse("ok")
    return PlainTextResponse("reading what is open", HTTPStatus.SERVICE_UNAVAILABLE)


async def _event(http: HttpRequest) -> HttpResponse:
    source = http.path_params["source"]
    return await _answered(http, lambda request: events.take(source, request))


async def _confirmation(http: HttpRequest) -> HttpResponse:
    case, nonce = http.path_params["case"], http.path_params["nonce"]
    if http.method == "POST":
        return await _answered(http, lambda request: stepup.confirm(case, nonce, request))
    return await _answered(http, lambda _: stepup.show_confirmation(case, nonce))


async def _invitation(http: HttpRequest) -> HttpResponse:
    token = http.path_params["token"]
    if http.method == "POST":
        return await _answered(http, lambda request: stepup.enrol(token, request))
    return await _answered(http, lambda _: stepup.show_invitation(token))


async def _asset(http: HttpRequest) -> HttpResponse:
    answer = showing.asset(http.path_params["name"])
    return HttpResponse(answer.body, answer.status, dict(answer.headers), media_type=answer.kind)


def _served(handler: Handler) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    async def serve(http: HttpRequest) -> HttpResponse:
        return await _answered(http, handler)

    return serve


async def _answered(http: HttpRequest, handler: Handler) -> HttpResponse:
    try:
        answer = await handler(Request(dict(http.headers), await _body(http)))
    except TooLargeError:
        why = f"the body is over {BODY_MAX:,} bytes: send less at a time, or a file"
        return JSONResponse({"error": why}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except (OutsideError, ConflictError, NotFoundError) as error:
        logger.exception("a request could not be taken")
        why = "others were writing at the same moment" if isinstance(error, ConflictError) else str(error)
        told = f"not taken: {why}. Please send it again; nothing is taken twice"
        return JSONResponse({"error": told}, HTTPStatus.SERVICE_UNAVAILABLE)
    background = BackgroundTask(_do, answer.then) if answer.then else None
    return HttpResponse(answer.body, answer.status, dict(answer.headers), answer.kind, background)


async def _body(http: HttpRequest) -> bytes:
    read = bytearray()
    async for chunk in http.stream():
        read += chunk
        if len(read) > BODY_MAX:
            raise TooLargeError
    return bytes(read)


async def _do(deeds: tuple[Deed, ...]) -> None:
    """Do what follows an answer, all at once; a deed that fails is logged, and upkeep makes it good."""
    results = await asyncio.gather(*(deed() for deed in deeds), return_exceptions=True)
    for failure in (x for x in results if isinstance(x, BaseException)):
        logger.error("after the answer: %s", failure, exc_info=failure)


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=18080)
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings: dict[str, Any] = {"access_log": False, "log_level": "warning", "timeout_graceful_shutdown": 5}
    uvicorn.run(app(), host=given.host, port=given.port, **settings)


if __name__ == "__main__":
    run_and_leave(main)
