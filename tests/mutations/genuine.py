"""Genuine requests: what Slack and other systems send, field for field as they document it."""

from random import Random
from typing import Any

from tests.infrastructure.doors.conftest import TEAM
from tests.mutations.house import House, Waiting, directory_json
from tests.mutations.model import able
from tests.mutations.sent import Json, Sent

ORDERS: tuple[dict[str, Any], ...] = (
    {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 2},
    {"requester": "sam.lind", "cost_centre": "ED", "item": "IVSET-20", "quantity": 40, "needed_by": "2026-12-01"},
    {"requester": "mei.tan", "cost_centre": "LAB", "item": "GLOVE-M", "quantity": 3, "reason": "for the week"},
)
KINDS = ("approve", "approve", "approve", "reject", "rejected", "rejected", "question", "asked", "requisition",
         "command", "reply", "order", "order", "orders")  # fmt: skip


async def genuine(house: House, dice: Random, number: int) -> Sent:
    """Draw a request as its sender would send it, unsigned yet."""
    kind, waiting = dice.choice(KINDS), await house.waiting(dice)
    user = slack_user(dice.choice(sorted(able(waiting))) if dice.random() < 0.7 else dice.choice(sorted(PEOPLE)))
    if kind in ("approve", "reject", "question"):
        return Sent("/slack/interactions", kind, _pressed(user, kind, waiting))
    if kind in ("rejected", "asked"):
        callback = "reject" if kind == "rejected" else "question"
        return Sent("/slack/interactions", kind, _submitted(user, callback, waiting.value, {"note": "why so many?"}))
    if kind == "requisition":
        fields = {name: str(value) for name, value in dice.choice(ORDERS).items()}
        asker = slack_user(fields.pop("requester"))
        view = _submitted(asker, kind, "C1", fields)
        view["view"]["id"] = f"V{number}"
        return Sent("/slack/interactions", kind, view)
    if kind == "command":
        return Sent("/slack/commands", kind, form=_command(user))
    if kind == "reply":
        return Sent("/slack/events", kind, _reply(user, waiting, number))
    orders = [{**order, "id": f"{number}-{n}"} for n, order in enumerate(ORDERS)]
    tree: Json = dict(dice.choice(ORDERS)) if kind == "order" else orders
    return Sent("/events/inventory", kind, tree, name=f"msg_{number}")


PEOPLE = directory_json()


def slack_user(person: str) -> str:
    """Find a person's Slack user."""
    return str(PEOPLE[person]["slack_user"])


def _by(user: str, kind: str) -> dict[str, Any]:
    return {
        "type": kind, "team": {"id": TEAM, "domain": "mercy"},
        "user": {"id": user, "username": "somebody", "name": "somebody", "team_id": TEAM},
        "api_app_id": "A1", "token": "deprecated", "enterprise": None, "is_enterprise_install": False,
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    }  # fmt: skip


def _pressed(user: str, action: str, waiting: Waiting) -> dict[str, Any]:
    channel, ts = waiting.posted.channel, waiting.posted.ts
    button = {"type": "button", "action_id": action, "block_id": "decide", "value": waiting.value,
              "text": {"type": "plain_text", "text": action}, "action_ts": "1700000000.0"}  # fmt: skip
    return _by(user, "block_actions") | {
        "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
        "channel": {"id": channel, "name": channel}, "message": {"ts": ts, "type": "message", "text": "1 × tray"},
        "response_url": "https://hooks.slack.com/actions/1/2/3", "actions": [button],
    }  # fmt: skip


def _submitted(user: str, callback: str, private: str, fields: dict[str, str]) -> dict[str, Any]:
    values = {name: {"value": {"type": "plain_text_input", "value": text}} for name, text in fields.items()}
    view = {"id": "V1", "type": "modal", "callback_id": callback, "private_metadata": private,
            "state": {"values": values}, "hash": "1.a", "team_id": TEAM}  # fmt: skip
    return _by(user, "view_submission") | {"view": view, "response_urls": []}


def _command(user: str) -> dict[str, str]:
    return {
        "token": "deprecated", "team_id": TEAM, "team_domain": "mercy", "channel_id": "C1", "channel_name": "or",
        "user_id": user, "user_name": "somebody", "command": "/requisition", "text": "", "api_app_id": "A1",
        "is_enterprise_install": "false", "response_url": "https://hooks.slack.com/commands/1/2/3", "trigger_id": "t",
    }  # fmt: skip


def _reply(user: str, waiting: Waiting, number: int) -> dict[str, Any]:
    event = {"type": "message", "user": user, "text": "It can wait.", "ts": f"{number}.5", "event_ts": f"{number}.5",
             "channel": waiting.posted.channel, "channel_type": "channel", "thread_ts": waiting.posted.ts,
             "team": TEAM}  # fmt: skip
    return {"type": "event_callback", "token": "deprecated", "team_id": TEAM, "api_app_id": "A1", "event": event,
            "event_id": f"Ev{number}", "event_time": 1700000000, "authorizations": [{"team_id": TEAM}]}  # fmt: skip
