"""What people write: messages and replies become events, commands go to the app."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slack_sdk import WebClient

from infrastructure.local.desk.driver import DeskDriver
from infrastructure.local.desk.settings import DEFAULT_COMMANDS, DeskSettings
from tests.infrastructure.desk.cards import FORM
from tests.infrastructure.desk.conftest import Running
from tests.infrastructure.desk.listening import ListeningApp


async def eventually(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110 (the app lives in another thread)
            await asyncio.sleep(0.01)


async def test_a_reply_in_a_thread_is_told_to_the_app(driver: DeskDriver, slack: WebClient, app: ListeningApp) -> None:
    slack.chat_postMessage(channel="approvals", text="a card")
    ana = driver.person("U0ANA")
    card = await ana.wait_for_message("approvals", having="a card")
    assert (await ana.reply(card, "why two & not <one>, @Almoner?")).ok
    await eventually(lambda: app.events)
    headers, envelope = app.events[0]
    assert "x-slack-retry-num" not in headers
    assert (envelope["type"], envelope["team_id"], envelope["api_app_id"]) == (
        "event_callback",
        "T0MERCY",
        "A0ALMONER",
    )
    event = envelope["event"]
    assert (event["type"], event["user"], event["channel"]) == ("message", "U0ANA", "C0APPROVALS")
    assert (event["thread_ts"], event["channel_type"]) == (card.ts, "channel")
    assert event["text"] == "why two &amp; not &lt;one&gt;, <@U0ALMONER>?"
    thread = await driver.person("U0CARL").messages("approvals", thread=card.ts)
    assert [s.message["user"] for s in thread] == ["U0ALMONER", "U0ANA"]


async def test_a_direct_message_is_an_im_event(driver: DeskDriver, app: ListeningApp) -> None:
    assert (await driver.person("U0ANA").write("U0ANA", "where is my order?")).ok
    await eventually(lambda: app.events)
    assert (app.events[0][1]["event"]["channel_type"], app.events[0][1]["event"]["channel"]) == ("im", "D00000ANA")


def test_events_are_retried_at_once_after_a_minute_and_after_five() -> None:
    assert DeskSettings(bot_token="t", signing_secret="s").event_retries_s == (0.0, 60.0, 300.0)


async def test_an_unanswered_event_is_sent_again_and_says_so(start: Callable[..., Running], app: ListeningApp) -> None:
    desk = start(event_retries_s=(0.0, 0.05, 0.05), app_wait_s=0.3)
    app.status = 500
    async with DeskDriver(desk.url) as driver:
        await driver.person("U0ANA").write("approvals", "hello?")
        await eventually(lambda: len(app.events) == 3)
        app.status = 200
        await eventually(lambda: len(app.events) == 4)
    sent = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h, _ in app.events]
    assert sent == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert len({e["event_id"] for _, e in app.events}) == 1


async def test_a_command_opens_a_form_within_its_three_seconds(
    driver: DeskDriver, slack: WebClient, app: ListeningApp
) -> None:
    def opened(typed: dict[str, str]) -> str:
        slack.views_open(trigger_id=typed["trigger_id"], view=FORM)
        return ""

    app.on_command = opened
    rita = driver.person("U0RITA")
    assert (await rita.command("approvals", "/requisition  gloves & masks ")).ok
    assert (await rita.wait_for_modal(title="New requisition"))["callback_id"] == "requisition"
    typed = app.commands[0]
    assert (typed["command"], typed["text"]) == ("/requisition", "gloves & masks")
    assert (typed["user_id"], typed["user_name"], typed["channel_name"]) == ("U0RITA", "rita.okafor", "approvals")
    assert (typed["team_id"], typed["is_enterprise_install"]) == ("T0MERCY", "false")
    assert await rita.messages("approvals") == []


async def test_colleagues_named_in_a_command_are_sent_as_slack_sends_them(
    driver: DeskDriver, app: ListeningApp
) -> None:
    rita = driver.person("U0RITA")
    assert (await rita.command("approvals", "/almoner delegate @Ana Silva until 2026-12-01 & tell @ana.silva")).ok
    mention = "<@U0ANA|ana.silva>"
    assert app.commands[0]["text"] == f"delegate {mention} until 2026-12-01 & tell {mention}"


def test_the_desk_takes_the_commands_of_the_apps_manifest():
    manifest = json.loads(Path("infrastructure/slack/manifest.json").read_text())
    assert [one["command"] for one in manifest["features"]["slash_commands"]] == list(DEFAULT_COMMANDS)


async def test_a_commands_answer_is_for_who_typed_it_or_for_all(driver: DeskDriver, app: ListeningApp) -> None:
    rita, ana = driver.person("U0RITA"), driver.person("U0ANA")
    app.body = "Filled from stock."
    await rita.command("approvals", "/requisition status")
    app.body = {"response_type": "in_channel", "text": "RQ-7 is ordered"}
    await rita.command("approvals", "/requisition tell RQ-7")
    mine = [s.message["text"] for s in await rita.messages("approvals")]
    assert mine == ["Filled from stock.", "/requisition tell RQ-7", "RQ-7 is ordered"]
    assert [s.message["text"] for s in await ana.messages("approvals")] == mine[1:]


async def test_a_command_that_fails_says_so_as_slack_does(start: Callable[..., Running], app: ListeningApp) -> None:
    desk = start(app_wait_s=0.2)
    async with DeskDriver(desk.url) as driver:
        rita = driver.person("U0RITA")
        app.status = 500
        assert (await rita.command("approvals", "/requisition")).error == "dispatch_failed"
        app.status, app.body = 200, {"blocks": [{"type": "telegram"}], "text": "x"}
        assert (await rita.command("approvals", "/requisition")).error == "invalid_command_response"
        app.delay_s = 1
        assert (await rita.command("approvals", "/requisition")).error == "operation_timeout"
        seen = [s.message for s in await rita.messages("approvals")]
    assert seen[-1]["text"] == '/requisition failed with the error "operation_timeout"'
    assert all(m["is_ephemeral"] and m["user"] == "USLACKBOT" for m in seen)
