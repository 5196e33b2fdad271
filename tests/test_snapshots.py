"""Every card, form and tab that was agreed on is within Slack's limits, by everybody's reading of them."""

import json

import blockkit
import pytest

from tests.second_opinion import assert_taken, rebuilt
from tests.shown import AGREED

SHOWN = {path.stem: json.loads(path.read_text()) for path in sorted(AGREED.glob("*.json"))}


@pytest.mark.parametrize("name", SHOWN)
def test_slack_takes_what_was_agreed_to_be_shown(name):
    assert_taken(SHOWN[name])


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "modal", "title": {"type": "plain_text", "text": "t" * 25}, "blocks": [{"type": "divider"}]},
        {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "h" * 151}}]},
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "s" * 3001}}]},
        {"blocks": [{"type": "actions", "elements": [{"type": "button", "text": {"type": "mrkdwn", "text": "b"}}]}]},
    ],
    ids=["a long title", "a long header", "a long text", "markup on a button"],
)
def test_the_second_opinion_is_one(broken):
    with pytest.raises((blockkit.core.FieldValidationError, blockkit.core.ComponentValidationError)):
        rebuilt(broken)
