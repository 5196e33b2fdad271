"""A running house, as tests talk to it: doors, ledger, Prefect and the ERP's own books."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from blocks import connect
from blocks.audit.verdict import verify
from blocks.ledger import Chain
from blocks.records.approval import Ask
from blocks.records.ledger import Line
from blocks.records.outcome import Outcome
from blocks.tryton.json import header, loads
from blocks.wire.names import effect_key, reference
from infrastructure.doors.events import secret_of, sign
from infrastructure.local.desk.driver import DeskDriver, Seen
from infrastructure.local.stack.running import BackgroundStack
from tests.e2e.seam import Seam

SLACK = {"ana.silva": "U0ANA", "leo.brandt": "U0LEO", "frida.ng": "U0FRIDA", "ivo.petrov": "U0IVO"}
WAIT_S = 90.0
T = TypeVar("T")


@dataclass
class House:
    stack: BackgroundStack
    seam: Seam
    released: list[Path]  # where the worker finds its source; empty: here
    sent: int = 0
    born: str = field(default_factory=lambda: f"{time.time():.0f}")

    @property
    def env(self) -> dict[str, str]:
        return self.stack.environment()

    def url(self, part: str) -> str:
        return self.stack.site.ports.url(part)

    def desk(self) -> DeskDriver:
        return DeskDriver(self.url("desk"))

    async def submit(self, item: str, quantity: int, by: str = "omar.haddad", centre: str = "IT", **more: Any) -> str:
        answer = await self.event({"requester": by, "cost_centre": centre, "item": item, "quantity": quantity, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["accepted"][0]["case"])

    async def event(self, message: Any, *, name: str = "", stamp: str = "", **more: Any) -> httpx.Response:
        """Post a message to the event door, signed unless *more* brings a signature of its own."""
        self.sent += 1
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        name, stamp = name or f"e2e-{self.born}-{self.sent}", stamp or str(int(time.time()))
        secret = secret_of("e2e", self.env["ALMONER_EVENT_SECRET"])
        signature = more.get("signature") or sign(name, stamp, body, secret)
        headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signature}
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            return await client.post(f"{self.url('doors')}/events/e2e", content=body, headers=headers)

    async def slack(self, path: str, body: bytes, *, stamp: str = "", signature: str = "") -> httpx.Response:
        """Post to Slack's door as Slack would, unless told otherwise."""
        stamp = stamp or str(int(time.time()))
        mac = hmac.new(self.env["SLACK_SIGNING_SECRET"].encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": signature or f"v0={mac.hexdigest()}",
        }
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            return await client.post(f"{self.url('doors')}/slack/{path}", content=body, headers=headers)

    async def click(self, asked: Line, by: str, verdict: str = "approve", note: str = "") -> httpx.Response:
        """Answer an ask through Slack's door, without waiting for its card."""
        ask = Ask.model_validate(asked.body["ask"])
        value = f"{ask.case}/{ask.key}/{asked.seen}"
        who = {"id": SLACK[by], "team_id": "T0MERCY"}
        payload: dict[str, Any] = {"team": {"id": "T0MERCY"}, "user": who, "trigger_id": "1.2.x"}
        if verdict == "approve":
            payload |= {"type": "block_actions", "actions": [{"action_id": "approve", "value": value}]}
            payload |= {"channel": {"id": "C0APPROVALS"}}
        else:
            state = {"values": {"note": {"value": {"type": "plain_text_input", "value": note}}}}
            view = {"id": "V1", "callback_id": "reject", "private_metadata": value, "state": state}
            payload |= {"type": "view_submission", "view": view}
        return await self.slack("interactions", urlencode({"payload": json.dumps(payload)}).encode())

    async def chain(self, case: str) -> Chain:
        return await connect.ledger().read(case)

    async def asked(self, case: str, act: str = "posted", place: int = 1) -> Line:
        """Wait until so many asks have come as far as *act*, and return the newest."""

        async def look() -> Line | None:
            chain = await self.chain(case)
            return chain.last("asked") if len(chain.having(act)) >= place else None

        return await until(look, f"{case} has {place} {act}", pause_s=0.01)

    async def sleeps(self, case: str, times: int = 1) -> dict[str, Any]:
        """Wait until the case's run is suspended, for the so manieth time."""

        async def look() -> dict[str, Any] | None:
            (run,) = await self.runs(case) or [None]
            if run is None or run["state_type"] != "PAUSED":
                return None
            return run if (await self.states(run)).count("Suspended") >= times else None

        return await until(look, f"the run of {case} sleeps, {times}")

    async def states(self, run: dict[str, Any]) -> list[str]:
        """List the names of all states a run was in."""
        return [one["name"] for one in await self.prefect("GET", f"/flow_run_states/?flow_run_id={run['id']}")]

    async def card(self, person: str, case: str) -> Seen:
        async with self.desk() as desk:
            return await desk.person(SLACK[person]).wait_for_message(
                "approvals", having=f"{case}/", action_id="approve", timeout_s=WAIT_S
            )

    async def ended(self, case: str, within_s: float = WAIT_S) -> Outcome:
        async def look() -> Outcome | None:
            line = (await self.chain(case)).last("ended")
            return Outcome.model_validate(line.body["outcome"]) if line else None

        return await until(look, f"{case} ends", within_s)

    async def runs(self, case: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.prefect(
            "POST", "/flow_runs/filter", {"flow_runs": {"name": {"any_": [case]}}}
        )
        return found

    async def run_ends(self, case: str, name: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            (run,) = await self.runs(case)
            return run if run["state_name"] == name else None

        return await until(look, f"the run of {case} is {name}")

    async def prefect(self, method: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            answer = await client.request(method, f"{self.url('prefect')}/api{path}", json=body)
        return answer.raise_for_status().json()

    async def documents(self, model: str, case: str, effect: str) -> list[dict[str, Any]]:
        """Ask the ERP itself for everything under a case's key, drafts and all."""
        domain = header([["reference", "=", reference(effect_key(case, effect))]])
        says = {"Authorization": f"Bearer {self.env['ALMONER_ERP_KEY']}", "X-Tryton-Context": header({"company": 1})}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.get(
                f"{self.url('erp')}/erp/rest/model/{model}",
                params=[("d", domain), ("f", "state"), ("f", "number")],
                headers=says,
            )
        found: list[dict[str, Any]] = loads(answer.raise_for_status().content)
        return found

    async def orders(self, case: str) -> list[dict[str, Any]]:
        return await self.documents("purchase.purchase", case, "order")

    async def assert_settled(self, case: str) -> Outcome:
        """One order, or none with a reason, and a ledger that verifies."""
        outcome, orders = await self.ended(case), await self.orders(case)
        if outcome.ended == "ordered":
            assert [order["number"] for order in orders] == [outcome.document]
            assert orders[0]["state"] in {"confirmed", "processing", "done"}
        else:
            assert (orders, bool(outcome.because)) == ([], True)
        await self.assert_verified()
        return outcome

    async def assert_verified(self) -> None:
        await asyncio.sleep(2.5)  # the worker's log of heads is written every second
        assert (await verify(connect.ledger())).findings == ()


async def until(
    look: Callable[[], Awaitable[T | None]], what: str, within_s: float = WAIT_S, pause_s: float = 0.2
) -> T:
    """Look again and again until there is something."""
    deadline = time.monotonic() + within_s
    while (found := await look()) is None:
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(pause_s)
    return found
