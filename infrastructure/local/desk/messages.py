"""Messages as Slack keeps them: posted, edited, deleted, threaded, or for one person's eyes."""

import json
from collections.abc import Iterator
from typing import Any

from infrastructure.local.desk.clock import MessageClock
from infrastructure.local.desk.directory import SLACKBOT, Directory
from infrastructure.local.desk.shapes import Json
from infrastructure.local.desk.store import Store

_MAIN_LINE = (
    "SELECT doc, only_for FROM messages WHERE channel = ? AND (only_for IS NULL OR only_for = ?) "
    "AND (thread_ts IS NULL OR thread_ts = ts OR json_extract(doc, '$.subtype') = 'thread_broadcast')"
)

# What Slack shows for an app without a picture of its own.
_BOT_ICONS = {
    f"image_{size}": f"https://a.slack-edge.com/80588/img/plugins/app/bot_{size}.png" for size in (36, 48, 72)
}


class Messages:
    """Every message of the workspace, in the shape the Web API returns it."""

    def __init__(self, store: Store, directory: Directory, clock: MessageClock) -> None:
        self._store = store
        self._directory = directory
        self.clock = clock

    def by_app(self, **content: Any) -> Json:
        """Make a message the app wrote; `content` is text, blocks, metadata and so on."""
        app, team = self._directory.app, self._directory.team
        profile = {
            "id": app.bot_id, "app_id": app.id, "name": app.name, "deleted": False, "updated": 0,
            "icons": dict(_BOT_ICONS), "team_id": team.id,
        }  # fmt: skip
        made = {"type": "message", "user": app.user, "bot_id": app.bot_id, "app_id": app.id,
                "team": team.id, "bot_profile": profile}  # fmt: skip
        return made | {k: v for k, v in content.items() if v not in (None, [])}

    def by_person(self, user: str, **content: Any) -> Json:
        """Make a message a person wrote."""
        made = {"type": "message", "user": user, "team": self._directory.team.id}
        return made | {k: v for k, v in content.items() if v not in (None, [])}

    def post(self, channel: str, message: Json, only_for: str | None = None) -> Json:
        """Keep a new message and give it its `ts`. `only_for` makes it ephemeral."""
        message = {**message, "ts": self.clock.tick()}
        parent = self.get(channel, message["thread_ts"]) if "thread_ts" in message else None
        if parent:
            message["parent_user_id"] = parent["user"]
        self._save(channel, message, only_for)
        return message

    def _save(self, channel: str, message: Json, only_for: str | None) -> None:
        self._store.run(
            "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?)",
            channel, message["ts"], message.get("thread_ts"), only_for, json.dumps(message),
        )  # fmt: skip

    def replace(self, channel: str, message: Json) -> None:
        """Write a message over the one with its `ts`; an ephemeral one stays ephemeral."""
        self._save(channel, message, self.only_for(channel, message["ts"]))

    def delete(self, channel: str, ts: str) -> None:
        """Take a message away; one with replies leaves Slack's tombstone behind."""
        sql = "SELECT doc FROM messages WHERE channel = ? AND thread_ts = ? AND ts != ? LIMIT 1"
        if self._store.doc(sql, channel, ts, ts) is None:
            self._store.run("DELETE FROM messages WHERE channel = ? AND ts = ?", channel, ts)
            return
        stone = {"type": "message", "subtype": "tombstone", "user": SLACKBOT, "hidden": True,
                 "text": "This message was deleted.", "ts": ts, "thread_ts": ts}  # fmt: skip
        self._save(channel, stone, None)

    def get(self, channel: str, ts: str) -> Json | None:
        """Find one message, ephemeral ones too."""
        sql = "SELECT doc FROM messages WHERE channel = ? AND ts = ?"
        return self._store.doc(sql, channel, ts)

    def only_for(self, channel: str, ts: str) -> str | None:
        """Return the one person who sees this message, or None when everybody does."""
        sql = "SELECT only_for FROM messages WHERE channel = ? AND ts = ?"
        rows = self._store.rows(sql, channel, ts)
        return rows[0][0] if rows else None

    def top_level(self, channel: str, user: str | None = None, newest: int = -1, having: str = "") -> list[Json]:
        """Return the conversation's main line, oldest first, with thread facts.

        With `user`, also what only that person sees (then marked `is_ephemeral`). `newest` keeps
        that many of the latest, of those that have the words `having` where they are given.
        """
        words = json.dumps(having)[1:-1]
        sql = f"{_MAIN_LINE} AND instr(doc, ?) ORDER BY ts DESC LIMIT ?"
        rows = self._store.rows(sql, channel, user, words, newest)
        return [self._with_thread(channel, m) for m in _marked(reversed(rows))]

    def history(self, channel: str, between: tuple[str, str], start: int, most: int) -> list[Json]:
        """Return `most` messages of the main line, newest first, from the `start`-th on.

        `between` are two timestamps, both included; an empty one is no bound.
        """
        oldest, latest = between[0] or "0", between[1] or "9"
        sql = f"{_MAIN_LINE} AND ts BETWEEN ? AND ? ORDER BY ts DESC LIMIT ? OFFSET ?"
        rows = self._store.rows(sql, channel, None, oldest, latest, most, start)
        return [self._with_thread(channel, m) for m in _marked(rows)]

    def thread(self, channel: str, thread_ts: str, user: str | None = None) -> list[Json]:
        """Return a thread, parent first; empty when there is no such message."""
        sql = (
            "SELECT doc, only_for FROM messages WHERE channel = ?1 AND ts = ?2 AND (only_for IS NULL OR only_for = ?3) "
            "UNION SELECT doc, only_for FROM messages WHERE channel = ?1 AND thread_ts = ?2 "
            "AND (only_for IS NULL OR only_for = ?3)"
        )
        found = sorted(_marked(self._store.rows(sql, channel, thread_ts, user)), key=lambda m: str(m["ts"]))
        return [self._with_thread(channel, m) if m["ts"] == thread_ts else m for m in found]

    def _with_thread(self, channel: str, message: Json) -> Json:
        ts = message["ts"]
        sql = (
            "SELECT doc FROM messages WHERE channel = ? AND thread_ts = ? AND ts != ? AND only_for IS NULL ORDER BY ts"
        )
        replies = list(self._store.docs(sql, channel, ts, ts))
        if not replies:
            return message
        users = list(dict.fromkeys(r["user"] for r in replies))
        facts = {"thread_ts": ts, "reply_count": len(replies), "reply_users": users,
                 "reply_users_count": len(users), "latest_reply": replies[-1]["ts"],
                 "is_locked": False, "subscribed": False}  # fmt: skip
        return message | facts

    def unread(self, channel: str, user: str, after: str) -> list[Json]:
        """Return what others wrote in the main line after `after`, as this person sees it."""
        sql = f"{_MAIN_LINE} AND ts > ? ORDER BY ts DESC LIMIT 100"
        return [m for m in _marked(self._store.rows(sql, channel, user, after)) if m.get("user") != user]


def _marked(rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]) -> Iterator[Json]:
    for doc, only_for in rows:
        yield json.loads(doc) | ({"is_ephemeral": True} if only_for else {})


def newest_ts(store: Store) -> str:
    """Return the newest `ts` ever given, so that the clock goes on from there."""
    return store.rows("SELECT coalesce(max(ts), '') FROM messages")[0][0]
