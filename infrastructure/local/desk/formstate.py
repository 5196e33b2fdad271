"""From what the page typed and picked to the `state` and `actions` that Slack sends.

The page and the driver send raw values: a string, or a list of strings for several choices. What
the app receives is built from the blocks the app itself sent, so a page cannot invent an option.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from infrastructure.local.desk.blockkit import tree
from infrastructure.local.desk.shapes import Json

Raw = str | list[str] | None
Values = Mapping[str, Mapping[str, Raw]]

_PLAIN_VALUE = {
    "plain_text_input": "value", "number_input": "value", "email_text_input": "value",
    "url_text_input": "value", "datepicker": "selected_date", "timepicker": "selected_time",
    "users_select": "selected_user",
}  # fmt: skip
_INITIAL = {
    "datepicker": "initial_date", "timepicker": "initial_time", "users_select": "initial_user",
    "multi_users_select": "initial_users",
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d{1,30}(?:\.\d{1,20})?")
_KEPT = frozenset({"button", "overflow", "image"})


def picked(element: Json, raw: Raw) -> Json:
    """Return the part of a state entry, or of an action, that says what was chosen.

    >>> picked({"type": "datepicker"}, "2026-03-01")
    {'selected_date': '2026-03-01'}
    """
    kind = element["type"]
    if kind in _PLAIN_VALUE:
        return {_PLAIN_VALUE[kind]: raw or None}
    if kind == "multi_users_select":
        return {"selected_users": list(raw or [])}
    offered = {o["value"]: o for o in tree.options(element)}
    if kind in ("checkboxes", "multi_static_select"):
        return {"selected_options": [offered[v] for v in raw or [] if v in offered]}
    return {"selected_option": offered.get(raw) if isinstance(raw, str) else None}


def initial(element: Json) -> Raw:
    """Return the raw value an element starts with."""
    kind = element["type"]
    if kind in _INITIAL:
        value: Raw = element.get(_INITIAL[kind])
        return value
    if kind in ("checkboxes", "multi_static_select"):
        return [o["value"] for o in element.get("initial_options", ())]
    if kind in ("static_select", "radio_buttons"):
        chosen: Raw = element.get("initial_option", {}).get("value")
        return chosen
    text: Raw = element.get("initial_value")
    return text


def state(blocks: list[Json], values: Values) -> Json:
    """Build Slack's `state` for these blocks from the page's raw values."""
    built: Json = {}
    for block, element in tree.elements(blocks):
        if element["type"] in _KEPT:
            continue
        typed = values.get(block["block_id"], {})
        action_id = element["action_id"]
        raw = typed[action_id] if action_id in typed else initial(element)
        entry = {"type": element["type"], **picked(element, raw)}
        built.setdefault(block["block_id"], {})[action_id] = entry
    return {"values": built}


def action(block: Json, element: Json, raw: Raw, action_ts: str) -> Json:
    """Build one entry of `actions` in a block_actions payload."""
    made: Json = {"action_id": element["action_id"], "block_id": block["block_id"]}
    kind = element["type"]
    if kind == "button":
        made["text"] = element["text"]
        made |= {k: element[k] for k in ("value", "style") if k in element}
    else:
        made |= picked(element, raw)
    if "placeholder" in element:
        made["placeholder"] = element["placeholder"]
    return made | {"type": kind, "action_ts": action_ts}


def missing(blocks: list[Json], values: Values) -> dict[str, str]:
    """Say which required fields are empty or wrong, as Slack's client does before it sends."""
    wrong: dict[str, str] = {}
    for block, element in tree.elements(blocks):
        if block["type"] != "input":
            continue
        typed = values.get(block["block_id"], {})
        action_id = element["action_id"]
        raw = typed[action_id] if action_id in typed else initial(element)
        problem = _problem(element, raw, optional=block.get("optional", False))
        if problem:
            wrong[block["block_id"]] = problem
    return wrong


def _problem(element: Json, raw: Any, *, optional: bool) -> str | None:
    if not raw or (isinstance(raw, str) and not raw.strip()):
        return None if optional else "Please complete this required field."
    if element["type"] == "number_input":
        return _number_problem(element, str(raw))
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if element["type"] == "plain_text_input" and not least <= len(raw) <= most:
        return f"Please write between {least} and {most} characters."
    return None


def _number_problem(element: Json, raw: str) -> str | None:
    if not _NUMBER.fullmatch(raw.strip()):
        return "Please enter a number."
    number = Decimal(raw.strip())
    if not element.get("is_decimal_allowed") and number != number.to_integral_value():
        return "Please enter a whole number."
    if "min_value" in element and number < Decimal(element["min_value"]):
        return f"Please enter a number of {element['min_value']} or more."
    if "max_value" in element and number > Decimal(element["max_value"]):
        return f"Please enter a number of {element['max_value']} or less."
    return None
