"""Requests as Slack and other systems sign them, and a hospital behind the doors."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from blocks.records.approval import Posted
from infrastructure.doors.events import secret_of, sign
from infrastructure.doors.http import Request, Response
from tests.fakes.desk import FakeDesk
from tests.hospital import Hospital

SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
EVENT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
INVENTORY = secret_of("inventory", EVENT_SECRET)
TEAM = "T0MERCY"


@dataclass
class SlackLike(FakeDesk):
    """A desk that also opens modals and whispers, as Slack does for its door."""

    modals: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    whispers: list[tuple[str, str, str]] = field(default_factory=list)
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def publish_home(self, slack_user: str, view: dict[str, Any]) -> None:
        self.homes[slack_user] = view

    async def link(self, posted: Posted) -> str:
        return f"https://mercy.slack.com/archives/{posted.channel}/p{posted.ts.replace('.', '')}"

    async def open_modal(self, trigger: str, view: dict[str, Any]) -> None:
        self.modals.append((trigger, view))

    async def whisper(self, channel: str, slack_user: str, text: str) -> None:
        self.whispers.append((channel, slack_user, text))


@pytest.fixture
def desk(hospital: Hospital) -> SlackLike:
    hospital.desk = SlackLike()
    return hospital.desk


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_SIGNING_SECRET", SLACK_SECRET)
    monkeypatch.setenv("ALMONER_EVENT_SECRET", EVENT_SECRET)
    monkeypatch.delenv("ALMONER_BELL_URL", raising=False)


@pytest.fixture
def open_doors(hospital: Hospital, desk: SlackLike) -> Iterator[Hospital]:
    """A hospital behind the doors."""
    assert hospital.desk is desk
    with hospital.bound():
        yield hospital


def slack_request(body: bytes, stamp: str | None = None, secret: str = SLACK_SECRET) -> Request:
    """Sign a body as Slack does."""
    stamp = stamp or str(int(time.time()))
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return Request({"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}, body)


def interaction(user: str, team: str = TEAM, **payload: Any) -> Request:
    told = {"user": {"id": user, "team_id": team}, "team": {"id": team}, "trigger_id": "t1"} | payload
    return slack_request(urlencode({"payload": json.dumps(told)}).encode())


def event_request(body: bytes, name: str = "msg_1", stamp: str | None = None, secret: str = INVENTORY) -> Request:
    """Sign a body as Standard Webhooks says, unless told otherwise as the source `inventory` does."""
    stamp = stamp or str(int(time.time()))
    signature = sign(name, stamp, body, secret)
    return Request({"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signature}, body)


async def afterwards(answer: Response) -> Response:
    """Do what follows an answer."""
    for deed in answer.then:
        await deed()
    return answer


def told(answer: Response) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(answer.body)
    return read


async def card_of(hospital: Hospital, case: str) -> tuple[Posted, dict[str, str]]:
    """Find where the newest card of a case stands, and what its buttons carry."""
    chain = await hospital.chain(case)
    posted = Posted.model_validate(chain.last("posted").body)
    actions = next(block for block in hospital.desk.messages[posted].blocks if block["type"] == "actions")
    menus = {option["value"].partition("/")[0]: option["value"] for element in actions["elements"]
             for option in element.get("options", ())}  # fmt: skip
    return posted, {x["action_id"]: x["value"] for x in actions["elements"] if "value" in x} | menus
