"""The shapes every module of the desk speaks in: JSON objects, and Slack's own error answer."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


class SlackError(Exception):
    """A request Slack would answer with `ok: false` (HTTP 200) and this `code`.

    `messages` become `response_metadata.messages`, one line for each thing that is wrong.
    """

    def __init__(self, code: str, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)
        self.extra: Mapping[str, Any] = extra

    def answer(self) -> Json:
        """Return the body Slack sends for this error."""
        body: Json = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {line}" for line in self.messages]}
        return body
