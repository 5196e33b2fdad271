"""Whether Slack would take what is shown, by judges that know nothing of this house: blockkit, and slack_sdk's models.

blockkit builds and does not read, so what is shown is built with it anew: it must take each part, and what it built
must be what was shown, to the letter.
"""

import inspect
from typing import Any

import blockkit
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

Shown = dict[str, Any]
PARTS = {
    "header": blockkit.Header, "section": blockkit.Section, "context": blockkit.Context, "actions": blockkit.Actions,
    "divider": blockkit.Divider, "input": blockkit.Input, "button": blockkit.Button, "overflow": blockkit.Overflow,
    "checkboxes": blockkit.Checkboxes, "plain_text_input": blockkit.PlainTextInput, "datepicker": blockkit.DatePicker,
    "number_input": blockkit.NumberInput, "static_select": blockkit.StaticSelect, "users_select": blockkit.UsersSelect,
    "plain_text": blockkit.Text, "mrkdwn": blockkit.Text, "modal": blockkit.Modal, "home": blockkit.Home,
}  # fmt: skip
VIEW = ("type", "title", "submit", "close", "callback_id")
"""What a view is drawn with beside its blocks; what it carries unseen is judged by its length alone."""
NUMBERS = ("min_value", "max_value")
LONGEST = {"header": 150, "button": 75, "section": 3000, "context": 3000}
"""Characters of their text that Slack shows of a part."""
BLOCKS_MAX = {"message": 50, "modal": 100, "home": 100}
VIEW_BYTES_MAX, METADATA_MAX, VALUE_MAX, ACTIONS_MAX, TITLE_MAX = 250_000, 3000, 2000, 25, 24


def assert_taken(shown: Shown) -> None:
    """Assert that a message's blocks, or a view, are what Slack takes by everybody's reading of its rules."""
    kind = shown.get("type", "message")
    seen = {name: what for name, what in shown.items() if name in VIEW or name == "blocks"}
    assert rebuilt(seen) == seen
    if kind in PARTS:
        View(**shown).validate_json()
    for block in shown["blocks"]:
        parsed = Block.parse(block)
        assert parsed is not None, block
        parsed.validate_json()
        assert parsed.to_dict() == block
    assert_within_limits(shown, kind)


def rebuilt(shown: Shown) -> Shown:
    """Build with blockkit what is shown; it raises where a part is not as Slack's reference has it."""
    part = built(shown) if "type" in shown else blockkit.Message(blocks=built(shown["blocks"]))
    made: Shown = part.build()
    made.pop("private_metadata", None)  # it writes null where there is none
    return made


def built(shown: Any) -> Any:
    if isinstance(shown, list):
        return [built(one) for one in shown]
    if not isinstance(shown, dict):
        return shown
    part = PARTS[shown["type"]] if "type" in shown else blockkit.Confirm if "deny" in shown else blockkit.Option
    takes = inspect.signature(part).parameters
    said = {name: int(what) if name in NUMBERS else built(what) for name, what in shown.items()}
    if part is not blockkit.Text:
        said.pop("type", None)
    assert said.keys() <= takes.keys(), f"{part.__name__} has no {said.keys() - takes.keys()}"
    return part(**said)


def assert_within_limits(shown: Shown, kind: str) -> None:
    """Assert the limits that Slack's reference states for messages, views and their parts."""
    assert len(shown["blocks"]) <= BLOCKS_MAX[kind]
    assert len(str(shown).encode()) <= VIEW_BYTES_MAX
    assert len(shown.get("private_metadata", "")) <= METADATA_MAX
    assert len(shown.get("title", {}).get("text", "")) <= TITLE_MAX
    for part in parts_of(shown):
        text = part.get("text")
        if isinstance(text, dict):
            assert 0 < len(text["text"]) <= LONGEST.get(part.get("type", ""), 3000), part
        assert len(str(part.get("value", ""))) <= VALUE_MAX
        assert part.get("type") != "actions" or len(part["elements"]) <= ACTIONS_MAX


def parts_of(shown: Any) -> list[Shown]:
    """List every part of what is shown, itself included."""
    if isinstance(shown, list):
        return [part for one in shown for part in parts_of(one)]
    if not isinstance(shown, dict):
        return []
    return [shown, *(part for one in shown.values() for part in parts_of(one))]
