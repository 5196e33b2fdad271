"""The inbox of somebody for whom much waits: from the event that their Home tab is opened to its view at Slack.

`python -m tests.bench.inbox [--cases 500] [--times 20]`. A door with its ledger on local S3; Slack is a sink on
loopback. The first time is told apart: the door has just started, and may still be reading ahead.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from pathlib import Path

import aiohttp
import psutil
import uvloop
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from blocks import connect
from infrastructure.ending import run_and_leave
from infrastructure.local.stack.ports import free_family
from infrastructure.local.stack.running import Wish, running_stack
from tests.bench import burst, door, rig

EVENT = {
    "type": "event_callback",
    "team_id": "T0MERCY",
    "event": {"type": "app_home_opened", "user": "U0ANA", "channel": "D0ANA", "tab": "home"},
}
PAUSE_S = 0.2
WITHIN_S = 60


class Slack:
    """A sink that tells when a Home tab was published, and how many it says are waiting."""

    def __init__(self) -> None:
        self.published: asyncio.Queue[tuple[float, str]] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        """Take any call of the Web API."""
        body = await request.text()
        if request.path.endswith("views.publish"):
            head = json.loads(body)["view"]["blocks"][0]["text"]["text"]
            self.published.put_nowait((time.perf_counter(), head))
        return web.json_response({"ok": True})


async def measure(cases: int, times: int, home: Path) -> dict[str, object]:
    """Prepare what waits, start a door, open the tab again and again; return milliseconds."""
    ports, slack = free_family(), Slack()
    sink = {"ALMONER_SLACK_URL": ports.url("desk") + "/api/", "ALMONER_BELL_URL": ports.url("desk")}
    store = {"ALMONER_STORE": f"s3://evidence/{burst.RUN}"}
    wish = Wish(home, only=door.PARTS, without=("desk",), ports=ports, environment=sink | store)
    async with door.listening(ports["desk"], slack.take), running_stack(wish) as stack:
        os.environ.update(stack.site.own_environment() | store)
        outside = connect.opened(asyncio.get_running_loop())
        outside.erp, outside.desk = burst.fakes()
        with connect.bound(outside):
            await door.prepare(outside, cases)
        await stack.restart("doors")
        verifier = SignatureVerifier(stack.site.keys.slack_signing_secret)
        served = psutil.Process(stack.pid("doors"))
        async with aiohttp.ClientSession() as http:
            first, head = await opened(http, ports.url("doors"), verifier, slack)
            before, took = door.cpu_s(served), []
            for _ in range(times):
                await asyncio.sleep(PAUSE_S)
                took.append((await opened(http, ports.url("doors"), verifier, slack))[0])
            spent = door.cpu_s(served) - before
    return {
        "said": head,
        "first_ms": round(first),
        "median_ms": round(statistics.median(took)),
        "worst_ms": round(max(took)),
        "door_cpu_ms": round(1000 * spent / times),
    }


async def opened(
    http: aiohttp.ClientSession, address: str, verifier: SignatureVerifier, slack: Slack
) -> tuple[float, str]:
    """Open the tab; return how long until its view was at Slack, and what it says first."""
    body, stamp = json.dumps(EVENT), str(int(time.time()))
    signature = verifier.generate_signature(timestamp=stamp, body=body) or ""
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}
    began = time.perf_counter()
    async with http.post(f"{address}/slack/events", data=body, headers=headers) as answer:
        assert answer.ok, await answer.text()
    at, head = await asyncio.wait_for(slack.published.get(), WITHIN_S)
    return 1000 * (at - began), head


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--home", type=Path)
    asked = parser.parse_args()
    with rig.home(asked.home) as home:
        print(json.dumps(uvloop.run(measure(asked.cases, asked.times, home))))
    return 0


if __name__ == "__main__":
    run_and_leave(main)
