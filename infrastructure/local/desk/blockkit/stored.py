"""How Slack keeps what it was sent: ids filled in, defaults written out, stray `&` escaped."""

import copy
import re
import secrets
from typing import Any

from infrastructure.local.desk.shapes import Json

_STRAY_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_CONTROL = re.compile(r"<(?:[@#!][^<>]*|(?:https?|mailto|tel)[^<>]*)>")


def escaped(text: str) -> str:
    """Escape what is not one of Slack's control sequences, as Slack does on the way in.

    >>> escaped("R&D <b> <@U0ANA> <https://x.example|x>")
    'R&amp;D &lt;b&gt; <@U0ANA> <https://x.example|x>'
    """
    text = _STRAY_AMPERSAND.sub("&amp;", text)
    kept: list[str] = []
    start = 0
    for control in _CONTROL.finditer(text):
        kept += [_angles(text[start : control.start()]), control.group()]
        start = control.end()
    return "".join([*kept, _angles(text[start:])])


def _angles(text: str) -> str:
    # A `>` that opens a line is a quotation, not a stray angle.
    closed = re.sub(r"(?<!^)(?<!\n)(?<!^>)(?<!^>>)>", "&gt;", text)
    return closed.replace("<", "&lt;")


def as_stored(blocks: list[Json]) -> list[Json]:
    """Copy blocks as Slack would return them: every block and action has an id."""
    stored = copy.deepcopy(blocks)
    for block in stored:
        block.setdefault("block_id", _short_id())
        _fill(block)
    return stored


def _fill(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _fill(item)
    if not isinstance(node, dict):
        return
    kind = node.get("type")
    if kind == "plain_text":
        node.setdefault("emoji", True)
    elif kind == "mrkdwn":
        node["text"] = escaped(node["text"])
        node.setdefault("verbatim", False)
    elif kind in _ACTING:
        node.setdefault("action_id", _short_id())
    for value in node.values():
        _fill(value)


_ACTING = frozenset({
    "button", "checkboxes", "datepicker", "email_text_input", "multi_static_select",
    "multi_users_select", "number_input", "overflow", "plain_text_input", "radio_buttons",
    "static_select", "timepicker", "url_text_input", "users_select",
})  # fmt: skip


def _short_id() -> str:
    return secrets.token_urlsafe(4)[:5]
