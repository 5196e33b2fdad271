"""Genuine requests: what Slack and other systems send, field for field as they document it."""

from collections.abc import Callable
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
KINDS = ("approve", "approve", "approve", "approve", "reject", "rejected", "rejected", "question", "asked",
         "requisition", "command", "reply", "order", "order", "orders", "menu", "fewer", "hand-over", "add", "hold",
         "resume", "withdraw", "home", "almoner", "bulk", "confirm")  # fmt: skip
SAYS = ("inbox", "help", "status {}", "away until 2030-01-01", "back", "", "delegate nobody until never")


async def genuine(house: House, dice: Random, number: int) -> Sent:
    """Draw a request as its sender would send it, unsigned yet."""
    kind, waiting = dice.choice(KINDS), await house.waiting(dice)
    user = slack_user(dice.choice(sorted(able(waiting))) if dice.random() < 0.7 else dice.choice(sorted(PEOPLE)))
    if kind in ("approve", "reject", "question", "resume", "withdraw"):
        asker = slack_user(waiting.ask.requester) if kind == "withdraw" else user
        return Sent("/slack/interactions", kind, _pressed(asker, kind, waiting))
    if kind in REQUESTS:
        return REQUESTS[kind](user, waiting, dice)
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


def menu(user: str, waiting: Waiting, dice: Random) -> Sent:
    """Choose from the menu of a card."""
    payload = _pressed(user, "more", waiting)
    entry = dice.choice(("fewer", "hand-over", "add", "hold"))
    del payload["actions"][0]["value"]
    payload["actions"][0]["selected_option"] = {"value": f"{entry}/{waiting.value}"}
    return Sent("/slack/interactions", "menu", payload)


def fewer(user: str, waiting: Waiting, dice: Random) -> Sent:
    """Approve fewer than were asked for."""
    fields = {"quantity": str(dice.randint(1, waiting.ask.quantity)), "note": dice.choice(("", "the rest may wait"))}
    return Sent("/slack/interactions", "fewer", _submitted(user, "fewer", waiting.value, fields))


def whom(kind: str) -> Callable[[str, Waiting, Random], Sent]:
    """Choose a colleague in a form."""

    def chosen(user: str, waiting: Waiting, dice: Random) -> Sent:
        view = _submitted(user, kind, waiting.value, {})
        colleague = slack_user(dice.choice(sorted(PEOPLE)))
        view["view"]["state"]["values"] = {"whom": {"value": {"type": "users_select", "selected_user": colleague}}}
        return Sent("/slack/interactions", kind, view)

    return chosen


def hold(user: str, waiting: Waiting, _dice: Random) -> Sent:
    """Put it on hold."""
    return Sent("/slack/interactions", "hold", _submitted(user, "hold", waiting.value, {"note": "until Monday"}))


def home(user: str, _waiting: Waiting, _dice: Random) -> Sent:
    """Open the Home tab."""
    event = {"type": "app_home_opened", "user": user, "channel": "D1", "tab": "home", "event_ts": "1.5"}
    return Sent("/slack/events", "home", {"type": "event_callback", "team_id": TEAM, "event": event})


def almoner(user: str, waiting: Waiting, dice: Random) -> Sent:
    """Say something to /almoner."""
    text = dice.choice(SAYS).format(waiting.ask.case)
    return Sent("/slack/commands", "almoner", form=_command(user) | {"command": "/almoner", "text": text})


def bulk(user: str, waiting: Waiting, dice: Random) -> Sent:
    """Approve what was left ticked; now and then ticked more often than there are boxes."""
    view = _submitted(user, "bulk", "", {})
    ticked = [{"value": waiting.value}] * dice.choice((1, 1, 1, 2, 4000))
    view["view"]["state"]["values"] = {"which": {"value": {"type": "checkboxes", "selected_options": ticked}}}
    return Sent("/slack/interactions", "bulk", view)


def confirm(_user: str, waiting: Waiting, dice: Random) -> Sent:
    """Confirm what nobody was asked to confirm, or follow an invitation that nobody wrote."""
    nonce = dice.choice(("x", "%00", "a" * 3000, "..", "%ED%A0%BD"))
    path = dice.choice((f"/confirm/{waiting.ask.case}/{nonce}", f"/confirm/{nonce}/{nonce}", f"/passkeys/{nonce}"))
    return Sent(path, "confirm", {"id": "x", "type": "public-key", "response": {"clientDataJSON": "e30"}})


REQUESTS: dict[str, Callable[[str, Waiting, Random], Sent]] = {
    "menu": menu, "fewer": fewer, "hand-over": whom("hand-over"), "add": whom("add"), "hold": hold, "home": home,
    "almoner": almoner, "bulk": bulk, "confirm": confirm,
}  # fmt: skip
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
