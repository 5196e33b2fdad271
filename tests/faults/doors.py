"""Real doors over a folder, a real desk behind the proxy, and clicks as Slack signs and repeats them."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil

from blocks.ports import Card
from blocks.records.approval import Posted
from blocks.records.ledger import Line
from blocks.slack import SlackDesk
from infrastructure.doors.http import Request
from infrastructure.local.desk.serving import running
from infrastructure.local.desk.settings import DeskSettings
from tests.bench.rig import free_port
from tests.crashes.zygote import attached
from tests.fakes.desk import FakeDesk
from tests.fakes.erp import FakeErp
from tests.faults.hands import Nursery
from tests.faults.proxy import Proxy, proxied
from tests.faults.waiting import until_so
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import EVENT_SECRET, SLACK_SECRET, interaction
from tests.judging import opened

TOKEN = "xoxb-faults"
ROOM = "C0APPROVALS"
PEOPLE = Path(__file__).parents[2] / "infrastructure/local/hospital/directory.json"


class Door:
    """One process that serves the doors."""

    def __init__(self, nursery: Nursery, root: Path, slack: str, without: str) -> None:
        self.port = free_port()
        settings = {
            "ALMONER_STORE": str(root),
            "SLACK_SIGNING_SECRET": SLACK_SECRET,
            "ALMONER_EVENT_SECRET": EVENT_SECRET,
            "SLACK_BOT_TOKEN": TOKEN,
            "ALMONER_SLACK_URL": slack,
        }
        self.pid = nursery.door(port=self.port, settings=settings, without=without)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_gone(self) -> bool:
        """Whether its process has ended."""
        return not psutil.pid_exists(self.pid)

    def until_open(self) -> None:
        """Wait until it answers."""

        def answers() -> bool:
            assert not self.is_gone, "the door did not start"
            try:
                return httpx.get(f"{self.url}/health", trust_env=False).is_success
            except httpx.TransportError:
                return False

        until_so(answers, "the door opens")

    def dies_at(self, *calls: str) -> "subprocess.Popen[str]":
        """Let it be killed as it is about to make one of these system calls next; return who watches."""
        traced = ",".join(calls)
        kill = f"inject={traced}:signal=SIGKILL:when=1"
        return attached(self.pid, "-f", "-e", f"trace={traced}", "-e", kill, "-o", os.devnull)

    def stop(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        until_so(lambda: self.is_gone, "the door closes")


@contextmanager
def doors(nursery: Nursery, root: Path, slack: str, count: int = 1, *, without: str = "") -> Iterator[list[Door]]:
    """Open some doors over the same ledger, all at once."""
    opened = [Door(nursery, root, slack, without) for _ in range(count)]
    try:
        for one in opened:
            one.until_open()
        yield opened
    finally:
        for one in opened:
            one.stop()


@asynccontextmanager
async def slack_hospital(root: Path) -> AsyncIterator[tuple[Hospital, Proxy]]:
    """Open a hospital of today whose people are asked on a real desk, through a proxy."""
    hospital = await opened(root)
    hospital.now = datetime.now(UTC).replace(microsecond=0)
    hospital.erp = FakeErp(year=hospital.now.year)
    with (
        running(DeskSettings(TOKEN, SLACK_SECRET, people=PEOPLE, rate_factor=None)) as (url, _),
        proxied(url) as proxy,
    ):
        desk = SlackDesk(TOKEN, url=f"{proxy.url}/api/", timeout_s=2)
        hospital.desk = desk  # type: ignore[assignment]
        try:
            yield hospital, proxy
        finally:
            await desk.aclose()


async def captured(desk: SlackDesk) -> FakeDesk:
    """Read what stands in the channel by now, as everybody in it does."""
    seen = FakeDesk()
    found = await desk._call("conversations.history", channel=ROOM, limit=200, include_all_metadata=True)
    for one in found["messages"]:
        key = (one.get("metadata") or {}).get("event_payload", {}).get("key", "")
        seen.messages[Posted(channel=ROOM, ts=one["ts"])] = Card(one.get("blocks", []), one["text"], key)
    return seen


def pressed(asked: Line, user: str, verdict: str = "approve", note: str = "too dear") -> Request:
    """Print the click of somebody on the card of an ask, signed by Slack now."""
    value = f"{asked.body['ask']['case']}/{asked.key}/{asked.seen}"
    if verdict == "approve":
        actions = [{"action_id": "approve", "value": value}]
        return interaction(user, type="block_actions", channel={"id": ROOM}, actions=actions)
    state = {"values": {"note": {"value": {"type": "plain_text_input", "value": note}}}}
    view = {"id": "V1", "callback_id": "reject", "private_metadata": value, "state": state}
    return interaction(user, type="view_submission", view=view)


async def delivered(request: Request, url: str, *, retry: int = 0) -> int:
    """Deliver it as Slack does, within three seconds; the status of the answer, 0 where there was none."""
    headers = dict(request.headers) | {"content-type": "application/x-www-form-urlencoded"}
    if retry:
        headers |= {"x-slack-retry-num": str(retry), "x-slack-retry-reason": "http_timeout"}
    async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
        try:
            answer = await client.post(f"{url}/slack/interactions", content=request.body, headers=headers)
        except httpx.TransportError:
            return 0
        return answer.status_code


async def all_at_once(requests: list[tuple[Request, str]]) -> list[int]:
    """Deliver many at the same moment, each to a door."""
    return list(await asyncio.gather(*(delivered(request, url) for request, url in requests)))
