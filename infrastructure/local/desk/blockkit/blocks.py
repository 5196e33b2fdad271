"""The blocks, and the two surfaces that hold them: messages and views."""

import json
from typing import Any, Final

from infrastructure.local.desk.blockkit.checks import (
    Check,
    Findings,
    anything,
    both,
    by_type,
    flag,
    items,
    one_of,
    plain,
    string,
    text,
    thing,
)
from infrastructure.local.desk.blockkit.elements import (
    ELEMENTS,
    ID,
    IN_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    URL,
)
from infrastructure.local.desk.shapes import Json

BLOCKS_IN_MESSAGE: Final = 50
BLOCKS_IN_VIEW: Final = 100
VIEW_BYTES: Final = 250_000
MARKDOWN_CHARACTERS: Final = 12_000


def _block(fields: dict[str, Check], *required: str) -> Check:
    return both(thing({"type": anything, "block_id": ID} | fields, "type", *required), _once)


def _once(value: Json, at: str, found: Findings) -> None:
    name = value.get("block_id")
    if name is None:
        return
    if name in found.block_ids:
        found.add(f"block_id: `{name}` already exists", f"{at}/block_id")
    found.block_ids.add(str(name))


def _section(value: Json, at: str, found: Findings) -> None:
    if "text" not in value and "fields" not in value:
        found.add("missing required field: text", at)


def _markdown(value: Json, at: str, found: Findings) -> None:
    found.markdown_length += len(str(value.get("text", "")))
    if found.markdown_length > MARKDOWN_CHARACTERS:
        found.add(f"must be less than {MARKDOWN_CHARACTERS + 1} characters", f"{at}/text")


_IN_CONTEXT = by_type({"image": ELEMENTS["image"], "plain_text": text(3000), "mrkdwn": text(3000)})
_RICH: dict[str, Check] = dict.fromkeys(
    ("rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"), anything
)

BLOCKS: Final[dict[str, Check]] = {
    "header": _block({"text": plain(150)}, "text"),
    "section": both(
        _block({"text": text(3000), "fields": items(text(2000), 10), "accessory": IN_SECTION,
                "expand": flag}),
        _section),
    "divider": _block({}),
    "context": _block({"elements": items(_IN_CONTEXT, 10)}, "elements"),
    "actions": _block({"elements": items(IN_ACTIONS, 25)}, "elements"),
    "image": _block(
        {"image_url": URL, "alt_text": string(2000), "title": plain(2000),
         "slack_file": anything}, "alt_text"),
    "input": _block(
        {"label": plain(2000), "element": IN_INPUT, "hint": plain(2000), "optional": flag,
         "dispatch_action": flag}, "label", "element"),
    "rich_text": _block({"elements": items(by_type(_RICH), 1000, 0)}, "elements"),
    "markdown": both(_block({"text": string(MARKDOWN_CHARACTERS)}, "text"), _markdown),
}  # fmt: skip

_IN_MESSAGE = items(by_type(BLOCKS), BLOCKS_IN_MESSAGE, 0)
_IN_VIEW = items(by_type({k: v for k, v in BLOCKS.items() if k != "markdown"}), BLOCKS_IN_VIEW)

_SHARED: dict[str, Check] = {
    "type": one_of("modal", "home"), "blocks": _IN_VIEW, "private_metadata": string(3000, 0),
    "callback_id": string(255, 0), "external_id": string(255, 0),
}  # fmt: skip
_MODAL = thing(
    _SHARED | {"title": plain(24), "close": plain(24), "submit": plain(24),
               "clear_on_close": flag, "notify_on_close": flag, "submit_disabled": flag},
    "type", "title", "blocks",
)  # fmt: skip
_HOME = thing(_SHARED, "type", "blocks")


def wrong_with_blocks(blocks: Any) -> list[str]:
    """Say what Slack would not accept in a message's blocks; empty when all is well."""
    found = Findings()
    _IN_MESSAGE(blocks, "/blocks", found)
    return found.lines


def wrong_with_view(view: Any, expected: str) -> list[str]:
    """Say what Slack would not accept in a view of the `expected` type (modal or home)."""
    found = Findings()
    if not isinstance(view, dict):
        return ["must provide an object [json-pointer:/view]"]
    (_HOME if expected == "home" else _MODAL)(view, "/view", found)
    if view.get("type") != expected and not found.lines:
        found.add(f"must be a view of type {expected}", "/view/type")
    blocks = view.get("blocks")
    inputs = isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)
    if expected == "modal" and inputs and "submit" not in view:
        found.add("missing required field: submit", "/view")
    return found.lines


def too_large(view: Json) -> bool:
    """Tell whether a view is over the 250 kB Slack takes."""
    return len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES
