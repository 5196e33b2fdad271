"""What a message is made of: text, blocks, attachments, metadata; checked, then as stored."""

from typing import Any

from infrastructure.local.desk.blockkit.blocks import wrong_with_blocks
from infrastructure.local.desk.blockkit.stored import as_stored, escaped
from infrastructure.local.desk.shapes import Json, SlackError

LONGEST_POST = 40_000
LONGEST_UPDATE = 4_000
MOST_ATTACHMENTS = 100
_EVENT_TYPE_LONGEST = 255


def checked(text: str, blocks: Any = None, attachments: Any = None, longest: int = LONGEST_POST) -> Json:
    """Return a message's content as Slack keeps it.

    Raises SlackError `no_text`, `msg_too_long`, `invalid_blocks_format`, `invalid_blocks`,
    `invalid_attachments` or `too_many_attachments`.
    """
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    if len(text) > longest:
        raise SlackError("msg_too_long")
    content: Json = {"text": escaped(text)}
    if blocks:
        content["blocks"] = _blocks(blocks)
    if attachments:
        content["attachments"] = _attachments(attachments)
    return content


def _blocks(blocks: Any) -> list[Json]:
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    wrong = wrong_with_blocks(blocks)
    if wrong:
        raise SlackError("invalid_blocks", wrong, errors=wrong)
    return as_stored(blocks)


def _attachments(attachments: Any) -> list[Json]:
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    kept: list[Json] = []
    for number, attachment in enumerate(attachments, start=1):
        made = {"id": number, "fallback": "[no preview available]", **attachment}
        if made.get("blocks"):
            made["blocks"] = _blocks(made["blocks"])
        kept.append(made)
    return kept


def checked_metadata(metadata: Any) -> Json | None:
    """Return a message's metadata. Raises SlackError `invalid_metadata_format`."""
    if not metadata:
        return None
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    event_type, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(event_type, str) or not 0 < len(event_type) <= _EVENT_TYPE_LONGEST:
        raise SlackError("invalid_metadata_format")
    if not isinstance(payload, dict):
        raise SlackError("invalid_metadata_format")
    return {"event_type": event_type, "event_payload": payload}
