"""The interactive elements and composition objects, with Slack's limits, as tables."""

from typing import Final

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
    whole,
)
from infrastructure.local.desk.shapes import Json

ID = string(255)
URL = string(3000)
STYLE = one_of("primary", "danger")

CONFIRM = thing(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30),
     "style": STYLE},
    "title", "text", "confirm", "deny",
)  # fmt: skip


def _option(label: Check) -> Check:
    fields = {"text": label, "value": string(150), "description": text(75), "url": URL}
    return thing(fields, "text", "value")


OPTION = _option(plain(75))
RICH_OPTION = _option(text(75))
OPTION_GROUP = thing({"label": plain(75), "options": items(OPTION, 100)}, "label", "options")
DISPATCH = thing({"trigger_actions_on": items(anything, 2)})


def _either_options(value: Json, at: str, found: Findings) -> None:
    if "options" not in value and "option_groups" not in value:
        found.add("missing required field: options", at)


def _element(fields: dict[str, Check], *required: str) -> Check:
    shared = {"type": anything, "action_id": ID, "focus_on_load": flag}
    return thing(shared | fields, "type", *required)


_MENU: dict[str, Check] = {"placeholder": plain(150), "confirm": CONFIRM}
_CHOICES: dict[str, Check] = {
    "options": items(OPTION, 100), "option_groups": items(OPTION_GROUP, 100),
}  # fmt: skip
_LINE: dict[str, Check] = {"placeholder": plain(150), "dispatch_action_config": DISPATCH}

IMAGE: Final = thing(
    {"type": anything, "image_url": URL, "alt_text": string(2000), "slack_file": anything},
    "type", "alt_text",
)  # fmt: skip

ELEMENTS: Final[dict[str, Check]] = {
    "button": _element(
        {"text": plain(75), "url": URL, "value": string(2000), "style": STYLE,
         "confirm": CONFIRM, "accessibility_label": string(75)}, "text"),
    "overflow": _element({"options": items(OPTION, 5), "confirm": CONFIRM}, "options"),
    "static_select": both(
        _element(_MENU | _CHOICES | {"initial_option": OPTION}), _either_options),
    "multi_static_select": both(
        _element(_MENU | _CHOICES | {"initial_options": items(OPTION, 100),
                                     "max_selected_items": whole(1, 100)}), _either_options),
    "users_select": _element(_MENU | {"initial_user": ID}),
    "multi_users_select": _element(
        _MENU | {"initial_users": items(ID, 100), "max_selected_items": whole(1, 100)}),
    "datepicker": _element(_MENU | {"initial_date": string(10, 10)}),
    "timepicker": _element(_MENU | {"initial_time": string(5, 5), "timezone": anything}),
    "checkboxes": _element(
        {"options": items(RICH_OPTION, 10), "initial_options": items(RICH_OPTION, 10),
         "confirm": CONFIRM}, "options"),
    "radio_buttons": _element(
        {"options": items(RICH_OPTION, 10), "initial_option": RICH_OPTION, "confirm": CONFIRM},
        "options"),
    "plain_text_input": _element(
        _LINE | {"initial_value": string(3000, 0), "multiline": flag,
                 "min_length": whole(0, 3000), "max_length": whole(1, 3000)}),
    "number_input": _element(
        _LINE | {"is_decimal_allowed": flag, "initial_value": string(100, 0),
                 "min_value": string(100), "max_value": string(100)}, "is_decimal_allowed"),
    "email_text_input": _element(_LINE | {"initial_value": string(3000, 0)}),
    "url_text_input": _element(_LINE | {"initial_value": string(3000, 0)}),
    "image": IMAGE,
}  # fmt: skip


def some(*kinds: str) -> Check:
    """Accept only these kinds of element."""
    return by_type({kind: ELEMENTS[kind] for kind in kinds})


_CHOOSERS = (
    "checkboxes", "datepicker", "multi_static_select", "multi_users_select", "radio_buttons",
    "static_select", "timepicker", "users_select",
)  # fmt: skip
IN_SECTION: Final = some("button", "image", "overflow", *_CHOOSERS)
IN_ACTIONS: Final = some(
    "button", "checkboxes", "datepicker", "overflow", "radio_buttons", "static_select",
    "timepicker", "users_select", "multi_static_select", "multi_users_select",
)  # fmt: skip
IN_INPUT: Final = some("plain_text_input", "number_input", "email_text_input", "url_text_input", *_CHOOSERS)
