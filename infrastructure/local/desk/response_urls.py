"""response_urls: an app's way to answer an interaction, five times within half an hour."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.store import Store

USES = 5
LIFE_S = 30 * 60


@dataclass(frozen=True, slots=True)
class Origin:
    """What a response_url belongs to: who acted, where, on which message if any."""

    channel: str
    user: str
    ts: str | None = None
    thread_ts: str | None = None


class ResponseUrls:
    """Issues and counts response_urls."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    def issue(self, base_url: str, team: str, origin: Origin) -> str:
        """Make the address for one interaction."""
        token = f"{team}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        doc = {"channel": origin.channel, "user": origin.user, "ts": origin.ts,
               "thread_ts": origin.thread_ts, "since": self._now(), "uses": 0}  # fmt: skip
        self._save(token, doc)
        return f"{base_url}/actions/{token}"

    def use(self, token: str) -> Origin:
        """Count one use.

        Raises SlackError `expired_url` after half an hour, `used_url` after the fifth use.
        """
        doc = self._store.doc("SELECT doc FROM response_urls WHERE token = ?", token)
        if doc is None or self._now() - doc["since"] > LIFE_S:
            raise SlackError("expired_url")
        if doc["uses"] >= USES:
            raise SlackError("used_url")
        doc["uses"] += 1
        self._save(token, doc)
        return Origin(doc["channel"], doc["user"], doc["ts"], doc["thread_ts"])

    def _save(self, token: str, doc: Json) -> None:
        self._store.run("INSERT OR REPLACE INTO response_urls VALUES (?, ?)", token, json.dumps(doc))
