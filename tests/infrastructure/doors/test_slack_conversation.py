"""Slack's door: a question stops the clock for those alone who may decide, and no reply is lost."""

import json
from dataclasses import replace

import pytest

from blocks import connect
from blocks.errors import UnavailableError
from blocks.records.approval import Posted
from infrastructure.doors import slack
from infrastructure.doors.slack import interactions
from tests.infrastructure.doors.conftest import SlackLike, card_of, interaction, slack_request, told
from tests.infrastructure.doors.test_slack import view, waiting


class Silent(SlackLike):
    """A desk that does not answer when it is asked which message a reply is to."""

    async def key_of(self, posted: Posted) -> str | None:
        raise UnavailableError("slack", f"{posted.ts}: it did not answer")


async def test_a_question_about_a_card_that_nobody_was_shown_stops_no_clock_and_is_noted(open_doors):
    case, _, buttons = await waiting(open_doors)
    private = "/".join([*buttons["question"].split("/")[:2], "0" * 64])
    answer = told(
        await interactions(
            interaction("U0IVO", type="view_submission", view=view("question", private, {"note": "why?"}))
        )
    )
    assert "has changed since the card you saw" in answer["errors"]["note"]
    chain = await open_doors.chain(case)
    assert (chain.having("question"), chain.last("refused-click").actor) == ((), "person:ivo.petrov")


async def test_a_reply_that_could_not_be_heard_is_not_answered_as_if_it_were(open_doors):
    case, _, _ = await waiting(open_doors)
    posted, _ = await card_of(open_doors, case)
    event = {"type": "message", "user": "U0RITA", "text": "Yes.", "ts": "9.9", "channel": posted.channel,
             "thread_ts": posted.ts}  # fmt: skip
    body = json.dumps({"type": "event_callback", "team_id": "T0MERCY", "event": event}).encode()
    with connect.bound(replace(connect.current(), desk=Silent())), pytest.raises(UnavailableError):
        await slack.events(slack_request(body))
    assert (await slack.events(slack_request(body))).then == ()
    assert [line.body["text"] for line in (await open_doors.chain(case)).having("answer")] == ["Yes."]
