"""A click, as the app receives it; and what a person sees when the app is late."""

from collections.abc import Callable

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from infrastructure.local.desk.clicks import NOT_RESPONDING
from infrastructure.local.desk.delivery import signature
from infrastructure.local.desk.driver import DeskDriver, NothingHappenedError, RefusedClickError, Seen
from infrastructure.local.desk.formstate import Raw
from infrastructure.local.desk.settings import DeskSettings
from tests.infrastructure.desk.cards import CARD, EVERY_BLOCK, FORM
from tests.infrastructure.desk.conftest import Running, code
from tests.infrastructure.desk.listening import ListeningApp

# Slack's documented example: https://docs.slack.dev/authentication/verifying-requests-from-slack
EXAMPLE = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


@pytest.fixture
async def card(slack: WebClient, driver: DeskDriver) -> Seen:
    slack.chat_postMessage(channel="approvals", text="2 × hip stem", blocks=CARD)
    return await driver.person("U0ANA").wait_for_message("approvals", having="hip stem")


def test_a_body_is_signed_as_slacks_example_is() -> None:
    signed = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", EXAMPLE)
    assert signed == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_an_app_has_three_seconds() -> None:
    assert DeskSettings(bot_token="t", signing_secret="s").app_wait_s == 3.0


async def test_a_click_arrives_signed_and_as_slack_documents_it(
    driver: DeskDriver, card: Seen, app: ListeningApp, desk: Running
) -> None:
    assert (await driver.person("U0ANA").click(card, "approve")).ok
    headers, body = app.requests[-1]
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert body.startswith(b"payload=%7B")
    sent = app.last
    assert sent["type"] == "block_actions"
    assert sent["user"] == {"id": "U0ANA", "username": "ana.silva", "name": "ana.silva", "team_id": "T0MERCY"}
    assert sent["team"] == {"id": "T0MERCY", "domain": "mercy"}
    assert sent["channel"] == {"id": "C0APPROVALS", "name": "approvals"}
    assert sent["container"] == {
        "type": "message",
        "message_ts": card.ts,
        "channel_id": "C0APPROVALS",
        "is_ephemeral": False,
    }
    assert (sent["api_app_id"], sent["enterprise"], sent["is_enterprise_install"]) == ("A0ALMONER", None, False)
    assert sent["message"] == card.message
    assert sent["response_url"].startswith(f"{desk.url}/actions/T0MERCY/")
    (action,) = sent["actions"]
    assert action.pop("action_ts") > card.ts
    assert action == {
        "action_id": "approve",
        "block_id": "decide",
        "type": "button",
        "value": "RQ-1041",
        "style": "primary",
        "text": {"type": "plain_text", "text": "Approve", "emoji": True},
    }


async def test_each_kind_of_menu_sends_what_was_picked_and_the_state_of_the_rest(
    driver: DeskDriver, slack: WebClient, app: ListeningApp
) -> None:
    slack.chat_postMessage(channel="general", text="every", blocks=EVERY_BLOCK)
    ana = driver.person("U0ANA")
    seen = await ana.wait_for_message("general", having="Every block")
    picks: dict[str, Raw] = {"one": "b", "who": "U0CARL", "day": "2026-04-01", "boxes": ["x", "y"], "radio": "2"}
    sent = {}
    for action_id, value in picks.items():
        assert (await ana.click(seen, action_id, value, values={"choose": {"boxes": ["x"]}})).ok
        sent[action_id] = app.last["actions"][0]
    assert sent["one"]["selected_option"]["text"]["text"] == "Beans"
    assert sent["who"]["selected_user"] == "U0CARL"
    assert sent["day"]["selected_date"] == "2026-04-01"
    assert [o["value"] for o in sent["boxes"]["selected_options"]] == ["x", "y"]
    assert sent["radio"]["selected_option"]["value"] == "2"
    state = app.last["state"]["values"]
    assert [o["value"] for o in state["choose"]["boxes"]["selected_options"]] == ["x"]
    assert state["choose"]["one"] == {"type": "static_select", "selected_option": None}


@pytest.mark.parametrize(("delay_s", "status", "why"), [(1.0, 200, "timeout"), (0, 500, "status")])
async def test_a_late_or_failing_app_is_seen_by_who_clicked(
    start: Callable[..., Running], app: ListeningApp, delay_s: float, status: int, why: str
) -> None:
    desk = start(app_wait_s=0.3)
    desk.client().chat_postMessage(channel="approvals", text="x", blocks=CARD)
    app.delay_s, app.status = delay_s, status
    async with DeskDriver(desk.url) as driver:
        ana = driver.person("U0ANA")
        outcome = await ana.click((await ana.messages("approvals"))[0], "approve")
    assert (outcome.ok, outcome.error, outcome.says) == (False, why, NOT_RESPONDING)


async def test_an_app_that_is_down_is_seen_too(start: Callable[..., Running]) -> None:
    desk = start(app_url="http://127.0.0.1:9")
    desk.client().chat_postMessage(channel="approvals", text="x", blocks=CARD)
    async with DeskDriver(desk.url) as driver:
        ana = driver.person("U0ANA")
        outcome = await ana.click((await ana.messages("approvals"))[0], "approve")
    assert outcome.error == "connection"


async def test_nobody_clicks_what_is_not_there_or_not_theirs(
    driver: DeskDriver, card: Seen, slack: WebClient, app: ListeningApp
) -> None:
    ana, gus = driver.person("U0ANA"), driver.person("U0GUS")
    with pytest.raises(RefusedClickError, match="action_not_found"):
        await ana.click(card, "invented")
    with pytest.raises(RefusedClickError, match="account_inactive"):
        await gus.click(card, "approve")
    slack.chat_postEphemeral(channel="C0APPROVALS", user="U0CARL", text="psst", blocks=CARD)
    (his,) = [s for s in await driver.person("U0CARL").messages("approvals") if s.message.get("is_ephemeral")]
    with pytest.raises(RefusedClickError, match="message_not_found"):
        await ana.click(his, "approve")
    slack.chat_update(channel="C0APPROVALS", ts=card.ts, text="locked", blocks=CARD[:1])
    with pytest.raises(RefusedClickError, match="action_not_found"):
        await ana.click(card, "approve")
    with pytest.raises(NothingHappenedError, match=r"within 0.2 s"):
        await ana.wait_for_message("approvals", having="never said", timeout_s=0.2)
    assert app.interactions == []


async def test_an_ephemeral_cards_click_carries_no_message(
    driver: DeskDriver, slack: WebClient, app: ListeningApp
) -> None:
    slack.chat_postEphemeral(channel="C0APPROVALS", user="U0ANA", text="psst", blocks=CARD)
    ana = driver.person("U0ANA")
    assert (await ana.click((await ana.messages("approvals"))[0], "approve")).ok
    assert "message" not in app.last
    assert app.last["container"]["is_ephemeral"] is True


async def test_a_trigger_works_once_and_for_three_seconds(
    driver: DeskDriver, card: Seen, app: ListeningApp, slack: WebClient, desk: Running
) -> None:
    ana = driver.person("U0ANA")
    await ana.click(card, "reject")
    first = app.last["trigger_id"]
    assert slack.views_open(trigger_id=first, view=FORM)["view"]["title"]["text"] == "New requisition"
    assert code(slack.views_open, trigger_id=first, view=FORM) == "exchanged_trigger_id"
    await ana.click(card, "reject")
    desk.clock.ahead_s += 2.9
    assert slack.views_open(trigger_id=app.last["trigger_id"], view=FORM)["ok"]
    await ana.click(card, "reject")
    desk.clock.ahead_s += 3.1
    assert code(slack.views_open, trigger_id=app.last["trigger_id"], view=FORM) == "expired_trigger_id"
    assert code(slack.views_open, trigger_id="1.2.made-up", view=FORM) == "invalid_trigger_id"


async def test_a_response_url_works_five_times(driver: DeskDriver, card: Seen, app: ListeningApp) -> None:
    ana, carl = driver.person("U0ANA"), driver.person("U0CARL")
    await ana.click(card, "approve")
    hook = WebhookClient(app.last["response_url"])
    assert hook.send(text="just you").body == "ok"
    assert hook.send(text="all of you", response_type="in_channel").status_code == 200
    assert [s.message["text"] for s in await ana.messages("approvals")][1:] == ["just you", "all of you"]
    assert [s.message["text"] for s in await carl.messages("approvals")][1:] == ["all of you"]
    assert hook.send(text="decided", replace_original=True).status_code == 200
    first = (await carl.messages("approvals"))[0]
    assert (first.ts, first.message["text"], first.blocks) == (card.ts, "decided", [])
    assert hook.send(text=" ").status_code == 400, "a refused answer is a use as well"
    assert hook.send(delete_original=True).status_code == 200
    sixth = hook.send(text="once more")
    assert (sixth.status_code, "used_url" in sixth.body) == (404, True)
    assert card.ts not in [s.ts for s in await ana.messages("approvals")]


async def test_a_response_url_works_for_half_an_hour(
    driver: DeskDriver, card: Seen, app: ListeningApp, desk: Running
) -> None:
    await driver.person("U0ANA").click(card, "approve")
    desk.clock.ahead_s += 29 * 60
    assert WebhookClient(app.last["response_url"]).send(text="in time").status_code == 200
    desk.clock.ahead_s += 2 * 60
    late = WebhookClient(app.last["response_url"]).send(text="too late")
    assert (late.status_code, "expired_url" in late.body) == (404, True)
    assert WebhookClient(f"{desk.url}/actions/T0MERCY/1/guess").send(text="x").status_code == 404


def test_another_page_cannot_click_through_a_visitors_browser(desk: Running) -> None:
    form = httpx.post(f"{desk.url}/desk/write", content='{"as":"U0ANA"}', headers={"Content-Type": "text/plain"})
    assert form.status_code == 415
