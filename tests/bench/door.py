"""Slack's door under sustained clicks: from request to answer, with the ledger on local S3.

`python -m tests.bench.door [--rate 50] [--seconds 20]`. Each click decides a case of its own. What follows the
answer (bell, card) goes to a sink on loopback, as Slack would be far away. Clicks and sink are a light client's, so
that the load takes little of the machine from what is measured.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import psutil
import uvloop
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from blocks import connect
from blocks.records.approval import Ask
from blocks.wire.cards import button_value
from infrastructure.ending import run_and_leave
from infrastructure.local.stack.ports import free_family
from infrastructure.local.stack.running import Wish, running_stack
from tasks.groups import carry_one
from tests.bench import burst, rig

PARTS = ("s3", "hospital", "doors")


async def measure(rate: int, seconds: int, home: Path) -> dict[str, object]:
    """Prepare waiting cases, click at a steady rate, and return the latencies in milliseconds."""
    ports = free_family()
    sink = {"ALMONER_SLACK_URL": ports.url("desk") + "/api/", "ALMONER_BELL_URL": ports.url("desk")}
    store = {"ALMONER_STORE": f"s3://evidence/{burst.RUN}"}
    async with (
        listening(ports["desk"]),
        running_stack(Wish(home, only=PARTS, without=("desk",), ports=ports, environment=sink | store)) as stack,
    ):
        os.environ.update(stack.site.own_environment() | store)
        outside = connect.opened(asyncio.get_running_loop())
        outside.erp, outside.desk = burst.fakes()
        with connect.bound(outside):
            clicks = await prepare(outside, rate * seconds)
        door, store_server = psutil.Process(stack.pid("doors")), psutil.Process(stack.pid("s3"))
        before = cpu_s(door), cpu_s(store_server)
        figures = await click_steadily(clicks, rate, ports.url("doors"), stack.site.keys.slack_signing_secret)
        await asyncio.sleep(1)
        spent = cpu_s(door) - before[0], cpu_s(store_server) - before[1]
        each = [round(1000 * one / len(clicks), 2) for one in spent]
        return {**figures, "door_cpu_ms_a_click": each[0], "s3_cpu_ms_a_click": each[1]}


def cpu_s(process: psutil.Process) -> float:
    """Read the CPU seconds a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def prepare(outside: connect.Outside, cases: int) -> list[bytes]:
    """Bring cases to their wait; return the click that approves each."""
    await burst.adopt_all(outside.ledger)
    room = asyncio.Semaphore(burst.AT_ONCE)

    async def one(number: int) -> bytes:
        async with room:
            case = await burst.received(outside, number)
            await carry_one(case)
            asked = (await outside.ledger.read(case)).last("asked")
            assert asked is not None
            return click(Ask.model_validate(asked.body["ask"]))

    return list(await asyncio.gather(*(one(number) for number in range(cases))))


def click(ask: Ask) -> bytes:
    """Print the approval of an ask as Slack posts it."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ANA", "team_id": "T0MERCY"},
        "team": {"id": "T0MERCY"},
        "channel": {"id": "C0APPROVALS"},
        "trigger_id": "1.2.3",
        "actions": [{"action_id": "approve", "value": button_value(ask)}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


async def click_steadily(clicks: list[bytes], rate: int, door: str, secret: str) -> dict[str, object]:
    """Send the clicks at a steady rate, whatever the answers do, and time each."""
    verifier = SignatureVerifier(secret)
    took: list[float] = []

    async def send(http: aiohttp.ClientSession, body: bytes) -> None:
        stamp = str(int(time.time()))
        signature = verifier.generate_signature(timestamp=stamp, body=body) or ""
        headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}
        began = time.perf_counter()
        async with http.post(f"{door}/slack/interactions", data=body, headers=headers) as answer:
            took.append(time.perf_counter() - began)
            assert answer.ok, await answer.text()

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for place, body in enumerate(clicks):
            await asyncio.sleep(max(0.0, began + place / rate - time.perf_counter()))
            group.create_task(send(http, body))
    ranked = sorted(1000 * one for one in took)
    return {
        "clicks": len(ranked),
        "rate": rate,
        "median_ms": round(statistics.median(ranked), 1),
        "p99_ms": round(ranked[int(len(ranked) * 0.99) - 1], 1),
        "max_ms": round(ranked[-1], 1),
    }


class listening:  # noqa: N801  reads as what it does
    """A sink on loopback that takes whatever follows an answer."""

    def __init__(self, port: int, take: Callable[[web.Request], Awaitable[web.Response]] | None = None) -> None:
        async def swallow(_request: web.Request) -> web.Response:
            return web.json_response({"ok": True, "channel": "C0APPROVALS", "ts": "1.0"})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", take or swallow)
        self._runner, self._port = web.AppRunner(app, access_log=None), port

    async def __aenter__(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--home", type=Path)
    asked = parser.parse_args()
    with rig.home(asked.home) as home:
        print(json.dumps(uvloop.run(measure(asked.rate, asked.seconds, home))))
    return 0


if __name__ == "__main__":
    run_and_leave(main)
