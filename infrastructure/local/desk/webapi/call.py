"""One call of the Web API: its arguments, however they were sent, and reading them."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.shapes import Json, SlackError

_TRUE = frozenset({"1", "true", "True"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A method's arguments, the desk it is asked of, and the address it was reached at."""

    desk: Desk
    method: str
    args: Mapping[str, Any]
    base_url: str

    def text(self, name: str, default: str = "") -> str:
        """Read a text argument."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def need(self, name: str) -> str:
        """Read a required text argument; SlackError `invalid_arguments` where it is missing."""
        value = self.text(name)
        if not value:
            raise SlackError("invalid_arguments", [f"missing required field: {name}"])
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read true or false, as JSON or as a form would say it."""
        value = self.args.get(name)
        return default if value is None else value is True or str(value) in _TRUE

    def document(self, name: str, error: str) -> Any:
        """Read an argument that is JSON, sent as JSON or as text; `error` where it is not."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except json.JSONDecodeError as why:
            raise SlackError(error) from why

    def whole(self, name: str, default: int, most: int) -> int:
        """Read a whole number from one up; above `most` it is `most`, as Slack does."""
        value = self.text(name)
        if not value:
            return default
        if not value.isascii() or not value.isdigit() or not int(value):
            code = "invalid_limit" if name == "limit" else "invalid_arguments"
            raise SlackError(code, [f"must provide a positive number [json-pointer:/{name}]"])
        return min(int(value), most)

    def page(self, found: list[T], default: int, most: int) -> tuple[list[T], str]:
        """Return one page of a list, and the cursor of the next (empty at the end)."""
        start, limit = self.window(default, most)
        end = start + limit
        return found[start:end], self.cursor(end) if end < len(found) else ""

    def window(self, default: int, most: int) -> tuple[int, int]:
        """Return where the page asked for starts, and how many it may hold."""
        return _offset(self.text("cursor")), self.whole("limit", default, most)

    @staticmethod
    def cursor(offset: int) -> str:
        """Make the cursor of the page that starts there."""
        return base64.urlsafe_b64encode(f"next:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        if word != "next":
            raise SlackError("invalid_cursor")
        return int(number)
    except (ValueError, binascii.Error) as why:
        raise SlackError("invalid_cursor") from why


def next_page(cursor: str) -> Json:
    """Say where the next page begins, the way Slack does."""
    return {"response_metadata": {"next_cursor": cursor}}
