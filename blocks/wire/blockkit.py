"""The plainest parts of Block Kit, cut to Slack's limits."""

from typing import Any

HEADER_MAX = 150
TEXT_MAX = 3000


def button(action: str, label: str, value: str, **more: Any) -> dict[str, Any]:
    """Draw a button."""
    return {"type": "button", "action_id": action, "text": plain(label), "value": value, **more}


def header(text: str) -> dict[str, Any]:
    """Draw a header."""
    return {"type": "header", "text": plain(text[:HEADER_MAX])}


def section(text: str) -> dict[str, Any]:
    """Draw a paragraph."""
    return {"type": "section", "text": mrkdwn(text[:TEXT_MAX])}


def context(text: str) -> dict[str, Any]:
    """Draw a line in small print."""
    return {"type": "context", "elements": [mrkdwn(text[:TEXT_MAX])]}


def mrkdwn(text: str) -> dict[str, Any]:
    """Make a text with Slack's markup."""
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> dict[str, Any]:
    """Make a text without markup."""
    return {"type": "plain_text", "text": text, "emoji": True}
