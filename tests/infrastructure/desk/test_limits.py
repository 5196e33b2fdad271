"""Every limit of Block Kit, at the limit and one beyond."""

from typing import Any

import pytest
from slack_sdk import WebClient

from infrastructure.local.desk.blockkit.blocks import too_large, wrong_with_blocks, wrong_with_view
from tests.infrastructure.desk.cards import CARD, EVERY_BLOCK, FORM, mrkdwn, option, plain
from tests.infrastructure.desk.conftest import Running, refusal

Json = dict[str, Any]


def button(**changed: Any) -> Json:
    return {"type": "button", "action_id": "b", "text": plain("x")} | changed


def actions(*elements: Json) -> list[Json]:
    return [{"type": "actions", "elements": list(elements)}]


def section(**parts: Any) -> list[Json]:
    return [{"type": "section", **parts}]


def n(length: int) -> str:
    return "x" * length


# (what, a maker of blocks, the limit)
LIMITS: list[tuple[str, Any, int]] = [
    ("blocks in a message", lambda k: [{"type": "divider"}] * k, 50),
    ("section text", lambda k: section(text=mrkdwn(n(k))), 3000),
    ("section fields", lambda k: section(fields=[mrkdwn("x")] * k), 10),
    ("section field text", lambda k: section(fields=[mrkdwn(n(k))]), 2000),
    ("header", lambda k: [{"type": "header", "text": plain(n(k))}], 150),
    ("button text", lambda k: actions(button(text=plain(n(k)))), 75),
    ("button value", lambda k: actions(button(value=n(k))), 2000),
    ("button url", lambda k: actions(button(url="https://x.example/" + n(k - 18))), 3000),
    ("button label", lambda k: actions(button(accessibility_label=n(k))), 75),
    ("action_id", lambda k: actions(button(action_id=n(k))), 255),
    ("block_id", lambda k: [{"type": "divider", "block_id": n(k)}], 255),
    ("actions elements", lambda k: actions(*[button()] * k), 25),
    ("context elements", lambda k: [{"type": "context", "elements": [mrkdwn("x")] * k}], 10),
    ("image alt text", lambda k: [{"type": "image", "image_url": "https://x.example", "alt_text": n(k)}], 2000),
    ("overflow options", lambda k: actions({"type": "overflow", "options": [option("a", "A")] * k}), 5),
    ("select options", lambda k: actions({"type": "static_select", "options": [option("a", "A")] * k}), 100),
    ("option text", lambda k: actions({"type": "static_select", "options": [option("a", n(k))]}), 75),
    ("option value", lambda k: actions({"type": "static_select", "options": [option(n(k), "A")]}), 150),
    ("placeholder", lambda k: actions({"type": "users_select", "placeholder": plain(n(k))}), 150),
    ("checkboxes", lambda k: actions({"type": "checkboxes", "options": [option("a", "A")] * k}), 10),
    ("input label", lambda k: [
        {"type": "input", "label": plain(n(k)), "element": {"type": "plain_text_input"}}], 2000),
    ("confirm title", lambda k: actions(button(confirm={
        "title": plain(n(k)), "text": plain("x"), "confirm": plain("y"), "deny": plain("n")})), 100),
    ("confirm text", lambda k: actions(button(confirm={
        "title": plain("x"), "text": plain(n(k)), "confirm": plain("y"), "deny": plain("n")})), 300),
    ("markdown", lambda k: [{"type": "markdown", "text": n(k - 1)}, {"type": "markdown", "text": "x"}], 12_000),
]  # fmt: skip
VIEW_LIMITS: list[tuple[str, Any, int]] = [
    ("title", lambda k: FORM | {"title": plain(n(k))}, 24),
    ("submit", lambda k: FORM | {"submit": plain(n(k))}, 24),
    ("close", lambda k: FORM | {"close": plain(n(k))}, 24),
    ("private_metadata", lambda k: FORM | {"private_metadata": n(k)}, 3000),
    ("callback_id", lambda k: FORM | {"callback_id": n(k)}, 255),
    ("external_id", lambda k: FORM | {"external_id": n(k)}, 255),
    ("blocks", lambda k: FORM | {"blocks": [{"type": "divider"}] * k}, 100),
]


@pytest.mark.parametrize(("what", "made", "limit"), LIMITS, ids=[row[0] for row in LIMITS])
def test_a_message_may_reach_a_limit_and_not_pass_it(what: str, made: Any, limit: int) -> None:
    assert wrong_with_blocks(made(limit)) == [], what
    assert wrong_with_blocks(made(limit + 1)), what


@pytest.mark.parametrize(("what", "made", "limit"), VIEW_LIMITS, ids=[row[0] for row in VIEW_LIMITS])
def test_a_view_may_reach_a_limit_and_not_pass_it(what: str, made: Any, limit: int) -> None:
    assert wrong_with_view(made(limit), "modal") == [], what
    assert wrong_with_view(made(limit + 1), "modal"), what


def test_a_view_may_weigh_250_kilobytes() -> None:
    def weighing(size: int) -> Json:
        empty = len('{"private_metadata": ""}')
        return {"private_metadata": n(size - empty)}

    assert not too_large(weighing(250_000))
    assert too_large(weighing(250_001))


def test_slack_says_what_is_wrong_and_where(slack: WebClient) -> None:
    answer = refusal(
        slack.chat_postMessage, channel="approvals", text="x", blocks=section(text=mrkdwn(n(3001)))
    ).response
    assert answer.status_code == 200
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ]
    many = refusal(slack.chat_postMessage, channel="approvals", text="x", blocks=actions(*[button()] * 26)).response
    assert many["errors"] == ["no more than 25 items allowed [json-pointer:/blocks/0/elements]"]


def test_a_view_that_breaks_a_rule_is_an_invalid_argument(slack: WebClient, desk: Running) -> None:
    trigger = desk.desk.triggers.issue("U0ANA")
    bare = {"type": "modal"}
    answer = refusal(slack.views_open, trigger_id=trigger, view=bare).response
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] missing required field: title [json-pointer:/view]",
        "[ERROR] missing required field: blocks [json-pointer:/view]",
    ]
    assert slack.views_open(trigger_id=trigger, view=FORM)["ok"], "a refused view does not use the trigger up"


@pytest.mark.parametrize(
    ("blocks", "says"),
    [
        ([{"type": "telegram"}], "unsupported type: telegram [json-pointer:/blocks/0/type]"),
        ([{"text": "x"}], "missing required field: type [json-pointer:/blocks/0]"),
        (section(), "missing required field: text [json-pointer:/blocks/0]"),
        (section(text=mrkdwn("")), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([{"type": "header", "text": mrkdwn("x")}], "must be a valid enum value [json-pointer:/blocks/0/text/type]"),
        (actions(button(style="blue")), "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"),
        (actions(button(colour="red")), "invalid additional property: colour [json-pointer:/blocks/0/elements/0]"),
        (actions({"type": "file_input"}), "unsupported type: file_input [json-pointer:/blocks/0/elements/0/type]"),
        (actions({"type": "static_select"}), "missing required field: options [json-pointer:/blocks/0/elements/0]"),
        ([{"type": "divider", "block_id": "a"}] * 2, "block_id: `a` already exists [json-pointer:/blocks/1/block_id]"),
        (["text"], "must be an object [json-pointer:/blocks/0]"),
        ({"type": "divider"}, "must be an array [json-pointer:/blocks]"),
    ],
)  # fmt: skip
def test_each_breach_has_its_own_sentence(blocks: Any, says: str) -> None:
    assert says in wrong_with_blocks(blocks)


def test_a_form_with_fields_needs_a_submit_button() -> None:
    form = {k: v for k, v in FORM.items() if k != "submit"}
    assert wrong_with_view(form, "modal") == ["missing required field: submit [json-pointer:/view]"]


@pytest.mark.parametrize("blocks", [CARD, EVERY_BLOCK])
def test_what_slack_takes_is_taken(slack: WebClient, blocks: list[Json]) -> None:
    assert slack.chat_postMessage(channel="approvals", text="x", blocks=blocks)["ok"]
