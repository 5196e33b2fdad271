"""Modals and Home tabs: a stack of at most three modals a person, and one Home each."""

import json
import secrets
from typing import Any

from infrastructure.local.desk.blockkit.blocks import too_large, wrong_with_view
from infrastructure.local.desk.blockkit.stored import as_stored
from infrastructure.local.desk.directory import Directory
from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.store import Store

STACK = 3


class Views:
    """The views people have open, top of the stack last."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    def stack(self, user: str) -> list[Json]:
        """Return the modals a person has open, the one in front last."""
        sql = "SELECT doc FROM views WHERE user = ? AND kind = 'modal' ORDER BY position"
        return list(self._store.docs(sql, user))

    def home(self, user: str) -> Json | None:
        """Return the Home tab published for a person."""
        sql = "SELECT doc FROM views WHERE user = ? AND kind = 'home'"
        return self._store.doc(sql, user)

    def owner(self, view_id: str) -> str | None:
        """Return the person who has this view before them, or None when it is closed."""
        rows = self._store.rows("SELECT user FROM views WHERE id = ?", view_id)
        return rows[0][0] if rows else None

    def get(self, view_id: str) -> Json | None:
        """Find an open view by its id."""
        return self._store.doc("SELECT doc FROM views WHERE id = ?", view_id)

    def open(self, user: str, view: Any, *, push: bool) -> Json:
        """Put a modal before a person; a push goes on top, an open starts afresh.

        Raises SlackError when the view is not acceptable or the stack is full.
        """
        self.check(view, "modal")
        below = self.stack(user)
        if push and len(below) >= STACK:
            raise SlackError("push_limit_reached")
        if not push:
            self.clear(user)
            below = []
        made = self._made(view)
        made["root_view_id"] = below[0]["id"] if below else made["id"]
        made["previous_view_id"] = below[-1]["id"] if below else None
        self._save(made, user, "modal", len(below))
        return made

    def update(self, known: Json, view: Any, expected_hash: str | None) -> Json:
        """Replace an open view's content.

        Raises SlackError `hash_conflict` when somebody updated it since.
        """
        if expected_hash and expected_hash != known["hash"]:
            raise SlackError("hash_conflict")
        self.check(view, known["type"])
        kept = ("id", "root_view_id", "previous_view_id")
        made = self._made(view) | {key: known[key] for key in kept}
        rows = self._store.rows("SELECT user, position FROM views WHERE id = ?", known["id"])
        self._save(made, rows[0][0], known["type"], int(rows[0][1]))
        return made

    def publish(self, user: str, view: Any, expected_hash: str | None) -> Json:
        """Set a person's Home tab."""
        known = self.home(user)
        if known:
            return self.update(known, view, expected_hash)
        self.check(view, "home")
        made = self._made(view)
        made |= {"root_view_id": made["id"], "previous_view_id": None}
        self._save(made, user, "home", 0)
        return made

    def by_external_id(self, external_id: str) -> Json | None:
        """Find an open view by the app's own name for it."""
        sql = "SELECT doc FROM views WHERE json_extract(doc, '$.external_id') = ?"
        return self._store.doc(sql, external_id)

    def close(self, view_id: str) -> None:
        """Take one view away."""
        self._store.run("DELETE FROM views WHERE id = ?", view_id)

    def clear(self, user: str) -> None:
        """Take all of a person's modals away."""
        self._store.run("DELETE FROM views WHERE user = ? AND kind = 'modal'", user)

    def check(self, view: Any, expected: str) -> None:
        """Raise SlackError when Slack would not take this view."""
        wrong = wrong_with_view(view, expected)
        if wrong:
            raise SlackError("invalid_arguments", wrong)
        if too_large(view):
            raise SlackError("view_too_large")

    def _made(self, view: Json) -> Json:
        app = self._directory.app
        bare: Json = {
            "team_id": self._directory.team.id, "state": {"values": {}}, "private_metadata": "",
            "callback_id": "", "external_id": "", "app_id": app.id, "bot_id": app.bot_id,
            "app_installed_team_id": self._directory.team.id,
        }  # fmt: skip
        if view["type"] == "modal":
            bare |= {"close": None, "submit": None, "clear_on_close": False,
                     "notify_on_close": False}  # fmt: skip
        names = {"id": "V0" + secrets.token_hex(5).upper()}
        names["hash"] = secrets.token_hex(6)
        return bare | view | {"blocks": as_stored(view["blocks"])} | names

    def _save(self, view: Json, user: str, kind: str, position: int) -> None:
        self._store.run(
            "INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?, ?)",
            view["id"], user, kind, position, json.dumps(view),
        )  # fmt: skip
