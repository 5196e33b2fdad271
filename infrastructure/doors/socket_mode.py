"""Slack without an inbound port: `python -m infrastructure.doors.socket_mode`.

For hospitals that open none. The same handlers as behind the HTTP door take what comes over a connection that we
open, authenticated by the app's token (`SLACK_APP_TOKEN`, `connections:write`). Each envelope is acknowledged with
the answer its handler gives; what follows the answer is done after it.
"""

import asyncio
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from blocks.errors import ConflictError, NotFoundError, OutsideError
from infrastructure.doors import slack
from infrastructure.doors.http import Response
from infrastructure.ending import run_and_leave

logger = logging.getLogger("almoner.doors")
Taker = Callable[[Mapping[str, Any]], Awaitable[Response]]
TAKERS: Mapping[str, Taker] = {
    "interactive": slack.interaction,
    "slash_commands": slack.command,
    "events_api": slack.event,
}
"""Which handler takes which kind of envelope."""


async def take(client: AsyncBaseSocketModeClient, envelope: SocketModeRequest) -> None:
    """Take one envelope: answer it, then do what follows. Of one that is not acknowledged Slack tells the person."""
    taker = TAKERS.get(envelope.type)
    if taker is None:
        logger.warning("an envelope of a kind we do not know: %s", envelope.type)
        return
    try:
        answer = await taker(envelope.payload)
    except (OutsideError, ConflictError, NotFoundError):
        logger.exception("an envelope could not be taken; Slack tells the person to try again")
        return
    payload = json.loads(answer.body) if answer.body and answer.kind == "application/json" else None
    await client.send_socket_mode_response(SocketModeResponse(envelope.envelope_id, payload))
    for failure in await asyncio.gather(*(deed() for deed in answer.then), return_exceptions=True):
        if isinstance(failure, BaseException):
            logger.error("after the answer: %s", failure, exc_info=failure)


def connected(app_token: str, *, url: str = "https://slack.com/api/") -> SocketModeClient:
    """Make the client; it reconnects by itself when Slack refreshes the connection."""
    client = SocketModeClient(app_token=app_token, web_client=AsyncWebClient(base_url=url))
    client.socket_mode_request_listeners.append(take)
    return client


async def serve() -> None:
    """Serve until told to stop."""
    token = os.environ.get("SLACK_APP_TOKEN")
    if not token:
        message = "SLACK_APP_TOKEN is not set: Slack's app page gives one under Basic Information, App-Level Tokens"
        raise SystemExit(message)
    client = connected(token, url=os.environ.get("ALMONER_SLACK_URL", "https://slack.com/api/"))
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await client.connect()  # type: ignore[no-untyped-call]  # slack_sdk leaves it so
    logger.info("connected: Slack speaks to us over our own connection")
    await stopped.wait()
    await client.close()  # type: ignore[no-untyped-call]  # slack_sdk leaves it so


def main() -> None:
    """Serve."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve())


if __name__ == "__main__":
    run_and_leave(main)
