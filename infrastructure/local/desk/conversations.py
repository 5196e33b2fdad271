"""Channels and direct messages: which there are, who is in them, what each has read."""

import hashlib
import json
from collections.abc import Sequence

from infrastructure.local.desk.directory import EVERYBODY, ChannelSeed, Directory
from infrastructure.local.desk.shapes import Json
from infrastructure.local.desk.store import Store


class Conversations:
    """The conversations of the workspace. Direct messages appear when they are first opened."""

    def __init__(self, store: Store, directory: Directory, created: int) -> None:
        self._store = store
        self._directory = directory
        for seed in directory.channels:
            self._seed(seed, created)
        for person in directory.people:
            if person.active:
                self.open_direct([person.user], created)

    def _seed(self, seed: ChannelSeed, created: int) -> None:
        everybody = self._directory.active_users()
        bot = self._directory.app.user
        named = list(seed.members) if EVERYBODY not in seed.members else everybody
        members = named if bot in named else [*named, bot]
        topic = {"value": seed.topic, "creator": "", "last_set": 0}
        known = self.get(seed.channel)
        self._save({
            "id": seed.channel, "name": seed.name, "name_normalized": seed.name,
            "is_channel": not seed.is_private, "is_group": seed.is_private, "is_im": False,
            "is_mpim": False, "is_private": seed.is_private, "is_archived": False,
            "is_general": seed.name == "general", "is_shared": False, "is_ext_shared": False,
            "is_org_shared": False, "is_pending_ext_shared": False, "pending_shared": [],
            "unlinked": 0, "previous_names": [], "creator": bot,
            "created": known["created"] if known else created, "is_member": True,
            "topic": topic, "purpose": dict(topic), "members": members,
        })  # fmt: skip

    def _save(self, doc: Json) -> None:
        self._store.run("INSERT OR REPLACE INTO conversations VALUES (?, ?)", doc["id"], json.dumps(doc))

    def get(self, channel: str) -> Json | None:
        """Find a conversation by id, by name (`approvals`, `#approvals`), or by person."""
        found = self._store.doc("SELECT doc FROM conversations WHERE id = ?", channel)
        if found is None and self._directory.person(channel):
            return self.get(direct_id([channel]))
        name = channel.removeprefix("#")
        return found or next((c for c in self.every() if c.get("name") == name), None)

    def every(self) -> list[Json]:
        """All conversations, channels first, each kind by name."""
        docs = self._store.docs("SELECT doc FROM conversations")
        return sorted(docs, key=lambda c: (c["is_im"] or c["is_mpim"], c.get("name", ""), c["id"]))

    def of(self, user: str) -> list[Json]:
        """Return the conversations a person is in."""
        return [c for c in self.every() if user in c["members"]]

    def open_direct(self, users: Sequence[str], created: int) -> Json:
        """Open, or find, the app's direct message with one person or with several."""
        channel = direct_id(users)
        known = self._store.doc("SELECT doc FROM conversations WHERE id = ?", channel)
        if known:
            return known
        bot = self._directory.app.user
        doc: Json = {
            "id": channel, "created": created, "is_archived": False, "is_im": len(users) == 1,
            "is_mpim": len(users) > 1, "is_channel": False, "is_group": False,
            "is_private": True, "is_org_shared": False, "priority": 0, "is_open": True,
            "context_team_id": self._directory.team.id, "members": [*users, bot],
        }  # fmt: skip
        if len(users) == 1:
            doc["user"] = users[0]
            doc["is_user_deleted"] = False
        else:
            doc["name"] = "mpdm-" + "--".join(sorted(users)).lower() + "-1"
        self._save(doc)
        return doc

    def mark_read(self, user: str, channel: str, ts: str) -> None:
        """Remember that a person has seen everything up to `ts`."""
        self._store.run("INSERT OR REPLACE INTO reads VALUES (?, ?, ?)", user, channel, ts)

    def last_read(self, user: str, channel: str) -> str:
        """Return the newest `ts` a person has seen, or an empty string."""
        sql = "SELECT ts FROM reads WHERE user = ? AND channel = ?"
        rows = self._store.rows(sql, user, channel)
        return rows[0][0] if rows else ""


def direct_id(users: Sequence[str]) -> str:
    """Name the conversation of the app with these people; the same people, the same name.

    >>> direct_id(["U0ANA"])
    'D00000ANA'
    """
    if len(users) == 1:
        return "D" + users[0][1:].rjust(8, "0")  # Slack's ids are nine characters or more
    return "G0" + hashlib.sha256(" ".join(sorted(users)).encode()).hexdigest()[:9].upper()
