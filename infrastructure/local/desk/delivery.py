"""Sending to the app as Slack sends: signed, form-encoded, with three seconds to answer."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from infrastructure.local.desk.settings import DeskSettings
from infrastructure.local.desk.shapes import Json

FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a raw body the way Slack does (scheme v0)."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app answered, or why it did not: `timeout`, `connection` or `status`."""

    trouble: str | None = None
    status: int = 0
    body: bytes = b""
    no_retry: bool = False

    def document(self) -> Json | None:
        """Return the JSON object in the body, or None when there is none.

        Raises ValueError or TypeError when the body is something else.
        """
        if not self.body.strip():
            return None
        found: Any = json.loads(self.body)
        if not isinstance(found, dict):
            raise TypeError("the app must answer with a JSON object")
        return found


class Delivery:
    """The one way out of the desk, to the app's own addresses."""

    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def interaction(self, payload: Json) -> Answer:
        """Send one interactivity payload."""
        body = urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()
        return await self._post("/slack/interactions", body, FORM, {})

    async def command(self, fields: dict[str, str]) -> Answer:
        """Send one slash command."""
        return await self._post("/slack/commands", urlencode(fields).encode(), FORM, {})

    async def event(self, envelope: Json, retry: int, reason: str) -> Answer:
        """Send one event, saying which retry it is and why."""
        extra = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason} if retry else {}
        body = json.dumps(envelope, ensure_ascii=False).encode()
        return await self._post("/slack/events", body, "application/json", extra)

    async def _post(self, path: str, body: bytes, kind: str, extra: dict[str, str]) -> Answer:
        settings = self._settings
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, timeout=None)  # noqa: S113 (below)
        stamp = str(int(settings.now()))
        headers = {
            "Content-Type": kind, "Accept": "application/json,*/*",
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(settings.signing_secret, stamp, body),
        } | extra  # fmt: skip
        try:
            # One clock over the whole exchange, as Slack has it; httpx counts each phase apart.
            async with asyncio.timeout(settings.app_wait_s):
                got = await self._client.post(settings.app_url + path, content=body, headers=headers)
        except TimeoutError:
            return Answer("timeout")
        except httpx.HTTPError:
            return Answer("connection")
        trouble = None if got.is_success else "status"
        return Answer(trouble, got.status_code, got.content, "x-slack-no-retry" in got.headers)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the request that caused it."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Give up what is still on its way."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._client:
            await self._client.aclose()
