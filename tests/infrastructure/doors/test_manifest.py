"""The app's manifest: what the doors take, and what Slack takes as a manifest.

Slack's schema in the corpus says by which version a manifest is judged, and refers to the versions on the net. What is
used here of the first is written down below, closed: whatever else stood in ours would be refused.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from tests.needs import corpus

MANIFEST = json.loads(Path("infrastructure/slack/manifest.json").read_text())
FLAG = {"type": "boolean"}


def words(longest: int, pattern: str = "") -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": pattern}


def closed(*required: str, **parts: Any) -> dict[str, Any]:
    return {"type": "object", "required": [*required], "additionalProperties": False, "properties": parts}


def several(what: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": what, "minItems": 1, "maxItems": most}


WEB = "^https?://"
COMMAND = closed(
    "command", "description", command=words(32, "^/"), url=words(3000, WEB), description=words(2000),
    usage_hint=words(1000), should_escape=FLAG,
)  # fmt: skip
FIRST = closed(
    "display_information",
    _metadata=closed(major_version={"const": 1}, minor_version={"type": "integer"}),
    display_information=closed(
        "name", name=words(35), description=words(140), background_color=words(7, "^#[0-9a-fA-F]{3,6}$"),
        long_description={"type": "string", "minLength": 175, "maxLength": 4000},
    ),
    features=closed(
        app_home=closed(home_tab_enabled=FLAG, messages_tab_enabled=FLAG, messages_tab_read_only_enabled=FLAG),
        bot_user=closed("display_name", display_name=words(80), always_online=FLAG),
        slash_commands=several(COMMAND, 50),
    ),
    oauth_config=closed(scopes=closed(bot={**several(words(50), 255), "uniqueItems": True})),
    settings=closed(
        event_subscriptions=closed(request_url=words(3500, WEB), bot_events=several(words(50), 100)),
        interactivity=closed("is_enabled", is_enabled=FLAG, request_url=words(3500, WEB)),
        org_deploy_enabled=FLAG, socket_mode_enabled=FLAG, token_rotation_enabled=FLAG,
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def slack() -> Draft7Validator:
    shell = json.loads(corpus("slack/manifest.schema.json").read_text())
    known = {one["$ref"]: FIRST for way in shell["oneOf"] for one in way["allOf"] if "$ref" in one}
    known |= {place: {"not": {}} for place in known if "2.0.0" in place}  # the second version is for hosted apps
    resources = [
        (place, Resource.from_contents({"$schema": shell["$schema"], **schema})) for place, schema in known.items()
    ]
    return Draft7Validator(shell, registry=Registry().with_resources(resources))


def test_slack_takes_it(slack: Draft7Validator) -> None:
    assert [error.message for error in Draft7Validator(FIRST).iter_errors(MANIFEST)] == []
    assert slack.is_valid(MANIFEST)


@pytest.mark.parametrize(
    "wrong",
    [
        {"display_information": {}},
        {"display_information": {"name": "n" * 36}},
        {"features": {"slash_commands": [{"command": "almoner", "description": "without a stroke"}]}},
        {"settings": {"interactivity": {}}},
        {"_metadata": {"major_version": 2}},
        {"unheard_of": True},
    ],
    ids=str,
)
def test_what_slack_would_refuse_is_refused(slack: Draft7Validator, wrong: dict[str, Any]) -> None:
    assert not slack.is_valid(MANIFEST | wrong)


def test_it_names_the_commands_and_the_events_that_the_doors_take() -> None:
    features, settings = MANIFEST["features"], MANIFEST["settings"]
    assert {one["command"] for one in features["slash_commands"]} == {"/requisition", "/almoner"}
    assert set(settings["event_subscriptions"]["bot_events"]) == {
        "app_home_opened", "message.channels", "message.groups",
    }  # fmt: skip
    urls = [one["url"] for one in features["slash_commands"]]
    urls += [settings[kind]["request_url"] for kind in ("event_subscriptions", "interactivity")]
    assert {one.rpartition("/slack/")[2] for one in urls} == {"commands", "events", "interactions"}
