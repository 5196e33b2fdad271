"""Slack's door, called directly: clicks, modals, commands and replies, as Slack signs them."""

import hashlib
import hmac
import json
import time

import pytest

from infrastructure.doors import slack
from infrastructure.doors.http import Request
from tests.infrastructure.doors.conftest import (
    SLACK_SECRET,
    afterwards,
    card_of,
    interaction,
    slack_request,
    told,
)

pytestmark = pytest.mark.usefixtures("open_doors")

# The example of Slack's own documentation.
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
    b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
    b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
    b"47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
GOLDEN = "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_the_golden_vector_of_slack(monkeypatch):
    monkeypatch.setattr("slack_sdk.signature.Clock.now", lambda _: 1531420618.0)
    assert hmac.new(SLACK_SECRET.encode(), b"v0:1531420618:" + BODY, hashlib.sha256).hexdigest() == GOLDEN
    headers = {"x-slack-request-timestamp": "1531420618", "x-slack-signature": f"v0={GOLDEN}"}
    assert slack.reason_not_slack(Request(headers, BODY)) is None
    assert slack.reason_not_slack(Request(headers, BODY + b"&")) is not None


NOW = int(time.time())
UNGENUINE = {
    "another secret": slack_request(BODY, secret="guessed"),
    "no headers": Request({}, BODY),
    "an old timestamp": slack_request(BODY, str(NOW - 3600)),
    "a timestamp to come": slack_request(BODY, str(NOW + 3600)),
    "no number for a timestamp": slack_request(BODY, "yesterday"),
    "wrong encoding": slack_request(b"payload=\xff\xfe"),
    "a signature that is not ASCII": Request(
        {"x-slack-request-timestamp": str(NOW), "x-slack-signature": "v0=\xff"}, BODY
    ),
}


@pytest.mark.parametrize("door", [slack.interactions, slack.commands, slack.events])
@pytest.mark.parametrize("request_", UNGENUINE.values(), ids=UNGENUINE)
async def test_no_door_takes_anything_with(door, request_):
    answer = await door(request_)
    assert answer.status == 401
    assert told(answer)["error"]


@pytest.mark.parametrize("door", [slack.interactions, slack.commands, slack.events])
async def test_no_door_opens_without_a_signing_secret(door, monkeypatch):
    monkeypatch.delenv("SLACK_SIGNING_SECRET")
    answer = await door(slack_request(BODY))
    assert answer.status == 401
    assert "set SLACK_SIGNING_SECRET" in told(answer)["error"]


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=nope", b"payload=[]", b"payload={}", b"other=1"])
async def test_what_slack_never_sends_is_no_interaction(body):
    assert (await slack.interactions(slack_request(body))).status == 400


async def waiting(hospital) -> tuple[str, dict[str, str], dict[str, str]]:
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    posted, buttons = await card_of(hospital, case)
    return case, {"id": posted.channel}, buttons


def click(user: str, action: str, value: str, channel: dict[str, str], **more) -> Request:
    actions = [{"action_id": action, "value": value}]
    return interaction(user, type="block_actions", actions=actions, channel=channel, **more)


def view(callback: str, private: str, values: dict[str, str]) -> dict[str, object]:
    state = {block: {"value": {"type": "plain_text_input", "value": text}} for block, text in values.items()}
    return {"id": "V1", "callback_id": callback, "private_metadata": private, "state": {"values": state}}


async def test_an_approval_is_decided_before_the_answer_and_the_card_is_locked_after_it(open_doors, desk):
    case, channel, buttons = await waiting(open_doors)
    answer = await slack.interactions(click("U0IVO", "approve", buttons["approve"], channel))
    assert (answer.status, answer.body) == (200, b"")
    decided = (await open_doors.chain(case)).last("decided")
    assert (decided.actor, decided.source) == ("person:ivo.petrov", "slack")
    await afterwards(answer)
    (card,) = desk.cards("approvals")
    assert not [block for block in card.blocks if block["type"] == "actions"]
    assert "Approved by Ivo Petrov" in card.text
    assert (await open_doors.wake(case)).ended == "ordered"


async def test_a_second_click_is_told_who_decided_and_when(open_doors, desk):
    case, channel, buttons = await waiting(open_doors)
    for user in ("U0IVO", "U0ANA"):
        await afterwards(await slack.interactions(click(user, "approve", buttons["approve"], channel)))
    ((where, who, text),) = desk.whispers
    assert (where, who) == ("approvals", "U0ANA")
    assert text.startswith("Already approved by Ivo Petrov at ")
    assert len((await open_doors.chain(case)).having("decided")) == 1


@pytest.mark.parametrize(
    ("user", "team", "why"),
    [
        ("U0STRANGER", "T0MERCY", "You are not in the hospital's directory"),
        ("U0IVO", "T0OTHER", "You are not in the hospital's directory"),
        ("U0GUS", "T0MERCY", "no longer active"),
        ("U0RITA", "T0MERCY", "You asked for this yourself"),
    ],
)
async def test_a_click_that_does_not_count_is_explained_to_who_clicked_alone(open_doors, desk, user, team, why):
    case, channel, buttons = await waiting(open_doors)
    request = interaction(user, team, type="block_actions", channel=channel,
                          actions=[{"action_id": "approve", "value": buttons["approve"]}])  # fmt: skip
    await afterwards(await slack.interactions(request))
    ((_, who, text),) = desk.whispers
    assert (who, why in text) == (user, True)
    assert not (await open_doors.chain(case)).having("decided")


@pytest.mark.parametrize("value", ["", "a", "a/b", "a/b/c/d"])
async def test_a_button_that_is_not_ours_is_refused(value):
    assert (await slack.interactions(click("U0IVO", "approve", value, {"id": "C1"}))).status == 400


async def test_reject_asks_why_and_the_reason_is_kept(open_doors, desk):
    case, channel, buttons = await waiting(open_doors)
    await slack.interactions(click("U0IVO", "reject", buttons["reject"], channel))
    ((trigger, modal),) = desk.modals
    assert trigger == "t1"
    empty = interaction("U0IVO", type="view_submission", view=view("reject", modal["private_metadata"], {"note": ""}))
    answer = told(await slack.interactions(empty))
    assert answer == {"response_action": "errors", "errors": {"note": "Please say why: the requester will read it."}}
    filled = view("reject", modal["private_metadata"], {"note": "use the consigned tray"})
    await afterwards(await slack.interactions(interaction("U0IVO", type="view_submission", view=filled)))
    outcome = await open_doors.wake(case)
    assert (outcome.ended, outcome.because) == ("rejected", "Ivo Petrov: use the consigned tray")


async def test_a_question_goes_into_the_thread_and_to_the_requester_and_the_answer_into_the_case(open_doors, desk):
    case, channel, buttons = await waiting(open_doors)
    await slack.interactions(click("U0IVO", "question", buttons["question"], channel))
    ((_, modal),) = desk.modals
    asked = view("question", modal["private_metadata"], {"note": "Could <!channel> wait?"})
    await afterwards(await slack.interactions(interaction("U0IVO", type="view_submission", view=asked)))
    posted, _ = await card_of(open_doors, case)
    (said,) = desk.threads[posted]
    assert "<@U0RITA>" in said
    assert "&lt;!channel&gt;" in said
    assert [card.key for card in desk.cards("U0RITA")] == [f"{case}/waits", f"{case}/question/ivo.petrov"]
    event = {"type": "message", "user": "U0RITA", "text": "No: Monday.", "ts": "9.9", "channel": posted.channel,
             "thread_ts": posted.ts}  # fmt: skip
    body = json.dumps({"type": "event_callback", "team_id": "T0MERCY", "event": event}).encode()
    for _ in range(2):  # Slack sends an event again that was answered late
        await afterwards(await slack.events(slack_request(body)))
    chain = await open_doors.chain(case)
    assert [line.body["text"] for line in chain.having("question")] == ["Could <!channel> wait?"]
    assert [(line.actor, line.body["text"]) for line in chain.having("answer")] == [
        ("person:rita.okafor", "No: Monday.")
    ]
    assert await open_doors.wake(case) is None


@pytest.mark.parametrize(
    ("user", "note", "why"),
    [
        ("U0X", "why?", "not in the"),
        ("U0GUS", "why?", "no longer active"),
        ("U0RITA", "why?", "You asked for this yourself"),
        ("U0IVO", "", "Please write"),
    ],
)
async def test_a_question_that_is_none_is_told_in_the_form(open_doors, user, note, why):
    case, _, buttons = await waiting(open_doors)
    asked = view("question", buttons["question"], {"note": note})
    answer = told(await slack.interactions(interaction(user, type="view_submission", view=asked)))
    assert why in answer["errors"]["note"]
    assert not (await open_doors.chain(case)).having("question")


async def test_a_question_about_what_is_decided_is_told_so(open_doors):
    case, _, buttons = await waiting(open_doors)
    await open_doors.answer(case, "ivo.petrov")
    asked = view("question", buttons["question"], {"note": "why?"})
    answer = told(await slack.interactions(interaction("U0ANA", type="view_submission", view=asked)))
    assert answer["errors"]["note"].startswith("Already approved by Ivo Petrov at ")


async def test_the_command_opens_the_form_and_the_form_becomes_a_case(open_doors, desk):
    body = b"command=%2Frequisition&user_id=U0RITA&team_id=T0MERCY&trigger_id=t1&channel_id=C1"
    assert (await slack.commands(slack_request(body))).status == 200
    ((_, modal),) = desk.modals
    fields = {"item": "KNEE-TIB-4", "quantity": "1", "cost_centre": "OR", "needed_by": "", "reason": ""}
    sent = view("requisition", modal["private_metadata"], fields)
    for _ in range(2):
        await afterwards(await slack.interactions(interaction("U0RITA", type="view_submission", view=sent)))
    (case,) = {name async for name, _ in open_doors.ledger.cases() if name.startswith("RQ-")}
    assert desk.whispers[0] == ("C1", "U0RITA", f"{case} is on its way. You will hear how it ends.")


@pytest.mark.parametrize(
    ("user", "changed", "errors"),
    [
        ("U0RITA", {"quantity": "0"}, {"quantity": "must be at least 1"}),
        ("U0RITA", {"cost_centre": "LAB"}, {"cost_centre": "Rita Okafor may ask for OR, not for LAB"}),
        ("U0X", {}, {"item": "is missing: every requisition needs it"}),
    ],
)
async def test_what_is_wrong_with_the_form_is_told_in_the_form(user, changed, errors):
    fields = {"item": "KNEE-TIB-4", "quantity": "1", "cost_centre": "OR"} | changed
    answer = await slack.interactions(interaction(user, type="view_submission", view=view("requisition", "", fields)))
    assert told(answer) == {"response_action": "errors", "errors": errors}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"command=%2Fother&user_id=U0RITA&team_id=T0MERCY", "/other is not one of ours: try /requisition"),
        (b"command=%2Frequisition&user_id=U0X&team_id=T0MERCY", "You are not in the hospital's directory"),
        (b"command=%2Frequisition&user_id=U0GUS&team_id=T0MERCY", "You are not in the hospital's directory"),
    ],
)
async def test_a_command_that_cannot_be_taken_is_explained(desk, body, why):
    answer = told(await slack.commands(slack_request(body)))
    assert (answer["response_type"], why in answer["text"]) == ("ephemeral", True)
    assert not desk.modals


async def test_slack_checks_the_address_of_the_events():
    answer = await slack.events(slack_request(b'{"type": "url_verification", "challenge": "c"}'))
    assert told(answer) == {"challenge": "c"}


EVENTS = [
    ({"type": "reaction_added"}, 200), ({"type": "message", "text": "hi"}, 200),
    ({"type": "message", "thread_ts": "1", "bot_id": "B"}, 200),
    ({"type": "message", "thread_ts": "1", "subtype": "message_changed"}, 200), ([], 400), (None, 400),
]  # fmt: skip


@pytest.mark.parametrize(("event", "status"), EVENTS)
async def test_other_events_are_none_of_ours(event, status):
    answer = await slack.events(slack_request(json.dumps({"type": "event_callback", "event": event}).encode()))
    assert (answer.status, answer.then) == (status, ())


@pytest.mark.parametrize("thread", ["7.7", None])
async def test_a_reply_elsewhere_or_from_a_stranger_is_not_heard(open_doors, thread):
    case, channel, _ = await waiting(open_doors)
    posted, _ = await card_of(open_doors, case)
    event = {"type": "message", "user": "U0X", "text": "me too", "ts": "8", "channel": channel["id"],
             "thread_ts": thread or posted.ts}  # fmt: skip
    body = json.dumps({"type": "event_callback", "team_id": "T0MERCY", "event": event}).encode()
    await afterwards(await slack.events(slack_request(body)))
    assert not (await open_doors.chain(case)).having("answer")


async def test_other_interactions_are_taken_and_nothing_is_done():
    assert (await slack.interactions(interaction("U0IVO", type="view_closed"))).status == 200
    assert (await slack.interactions(click("U0IVO", "other", "a/b/c", {"id": "C1"}))).status == 200
