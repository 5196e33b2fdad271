"""Slack's rate limits: by method and workspace, posting by channel; and its table."""

import json
from collections.abc import Callable

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from infrastructure.local.desk.settings import parse_rate_factor
from infrastructure.local.desk.tiers import TIERS
from infrastructure.local.desk.webapi.methods import METHODS
from tests.infrastructure.desk.conftest import Running
from tests.infrastructure.desk.listening import TOKEN
from tests.needs import corpus


def throttled(slack: WebClient, times: int, method: str, **args: str) -> SlackApiError:
    for _ in range(times):
        assert slack.api_call(method, json=args)["ok"]
    with pytest.raises(SlackApiError) as caught:
        slack.api_call(method, json=args)
    return caught.value


def test_every_method_served_has_slacks_own_tier() -> None:
    table = json.loads(corpus("slack/rate_limit_tiers.json").read_text())
    assert {m: t.slack_name for m, t in TIERS.items()} == {m: table[m] for m in METHODS}


def test_a_channel_takes_a_short_burst_then_one_message_a_second(start: Callable[..., Running]) -> None:
    desk = start(rate_factor=1.0)
    desk.clock.stop()
    slack = desk.client()
    late = throttled(slack, 3, "chat.postMessage", channel="approvals", text="x")
    assert (late.response.status_code, late.response["error"]) == (429, "ratelimited")
    assert late.response.headers["Retry-After"] == "1"
    assert slack.chat_postMessage(channel="general", text="another channel has its own count")["ok"]
    desk.clock.ahead_s += 1
    assert slack.chat_postMessage(channel="approvals", text="x")["ok"]


def test_the_name_of_a_channel_and_its_id_are_one_count(start: Callable[..., Running]) -> None:
    desk = start(rate_factor=1.0)
    desk.clock.stop()
    slack = desk.client()
    throttled(slack, 3, "chat.postMessage", channel="approvals", text="x")
    with pytest.raises(SlackApiError, match="ratelimited"):
        slack.chat_postMessage(channel="C0APPROVALS", text="x")


@pytest.mark.parametrize(
    ("method", "args", "a_minute", "wait"),
    [
        ("conversations.list", {}, 20, "3"),
        ("conversations.info", {"channel": "C0GENERAL"}, 50, "2"),
        ("users.info", {"user": "U0ANA"}, 100, "1"),
    ],
)
def test_a_tier_is_so_many_calls_a_minute(
    start: Callable[..., Running], method: str, args: dict[str, str], a_minute: int, wait: str
) -> None:
    desk = start(rate_factor=1.0)
    desk.clock.stop()
    late = throttled(desk.client(), a_minute, method, **args)
    assert late.response.headers["Retry-After"] == wait


def test_limits_can_be_widened_or_switched_off(start: Callable[..., Running]) -> None:
    desk = start(rate_factor=parse_rate_factor("x2"))
    desk.clock.stop()
    throttled(desk.client(), 40, "conversations.list")
    free = start(rate_factor=parse_rate_factor("off")).client()
    assert all(free.conversations_list()["ok"] for _ in range(60))


@pytest.mark.parametrize("text", ["fast", "x0", "x-1", "2", "x"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"xN|could not convert"):
        parse_rate_factor(text)


def test_slacks_own_retry_handler_waits_as_told(desk: Running) -> None:
    slack = desk.client()
    slack.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    httpx.post(f"{desk.url}/_faults", json={"method": "chat.update", "kind": "ratelimited", "seconds": 1})
    ts = slack.chat_postMessage(channel="approvals", text="x")["ts"]
    assert slack.chat_update(channel="C0APPROVALS", ts=ts, text="y")["ok"]


def test_a_lost_answer_still_left_its_message(desk: Running) -> None:
    httpx.post(f"{desk.url}/_faults", json={"method": "chat.postMessage", "kind": "lost"}).raise_for_status()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{desk.url}/api/chat.postMessage", json={"channel": "general", "text": "x"}, headers=headers)
    assert len(desk.client().conversations_history(channel="C0GENERAL")["messages"]) == 1


def test_a_failing_method_fails_once_and_does_nothing(desk: Running) -> None:
    httpx.post(f"{desk.url}/_faults", json={"method": "chat.postMessage", "kind": "error"})
    slack = desk.client()
    with pytest.raises(SlackApiError):
        slack.chat_postMessage(channel="general", text="x")
    assert slack.conversations_history(channel="C0GENERAL")["messages"] == []
    assert slack.chat_postMessage(channel="general", text="x")["ok"]
    assert httpx.post(f"{desk.url}/_faults", json={"method": "x", "kind": "fire"}).status_code == 400
    assert httpx.delete(f"{desk.url}/_faults").json()["ok"]
