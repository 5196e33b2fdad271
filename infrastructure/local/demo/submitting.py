"""Handing requisitions in, by each of the doors, as the outside would."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httpx

from blocks import connect
from blocks.bell import ring
from blocks.wire.names import case_of
from infrastructure.local.demo.scenario import Door, Morning, Part, SheetFile
from infrastructure.local.demo.stage import Stage
from tasks.arrivals import PREFIX
from tasks.case import utc_now
from tasks.upkeep.files import DROP, take_file

SOURCE = "inventory"
FORM = "New requisition"


async def submit(stage: Stage, part: Part) -> str:
    """Hand one requisition in, and return the case it becomes; rows of files go with their file."""
    return await BY_DOOR[part.door](stage, part)


async def by_event(stage: Stage, part: Part) -> str:
    """Post it to the event door, signed as the sending system signs."""
    from infrastructure.doors.events import secret_of, sign

    body, name = json.dumps(part.fields).encode(), message_id(stage, part)
    stamp = str(int(utc_now().timestamp()))
    signature = sign(name, stamp, body, secret_of(SOURCE, stage.site.keys.event_secret))
    headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signature}
    address = f"{stage.site.ports.url('doors')}/events/{SOURCE}"
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.post(address, content=body, headers=headers)
    if answer.status_code != HTTPStatus.ACCEPTED:
        raise NotTakenError(part, answer.text)
    return str(answer.json()["accepted"][0]["case"])


async def by_slack(stage: Stage, part: Part) -> str:
    """Type /requisition and fill in the form."""
    person = stage.slack(part.requester)
    async with stage.locks[part.requester]:
        typed = await person.command("general", "/requisition")
        if not typed.ok:
            raise NotTakenError(part, typed.says)
        view = await person.wait_for_modal(title=FORM)
        fields = {name: str(value) for name, value in part.fields.items() if name != "requester"}
        sent = await person.submit(view, fields)
    if not sent.ok:
        raise NotTakenError(part, f"{sent.says} {dict(sent.errors)}")
    return case_of(PREFIX, "slack", view["id"])


async def by_dashboard(stage: Stage, part: Part) -> str:
    """Fill in the run form of Prefect's dashboard."""
    del stage
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        deployment = await client.read_deployment_by_name("requisition/main")
        run = await client.create_flow_run_from_deployment(deployment.id, parameters={"request": part.fields})
    return case_of(PREFIX, "dashboard", str(run.id))


async def by_command(stage: Stage, part: Part) -> str:
    """Hand in a file of one line, as `almoner requisition submit` does."""
    line = json.dumps({"id": message_id(stage, part), **part.fields})
    picked = await take_file(f"{stage.play}.jsonl", line.encode(), connect.ledger())
    case = picked.receipts[0].case_or_raise()
    await ring([case])
    return case


async def by_file(stage: Stage, part: Part) -> str:
    """Name the case that a row of a dropped file becomes."""
    return case_of(PREFIX, "file", message_id(stage, part))


BY_DOOR: dict[Door, Callable[[Stage, Part], Awaitable[str]]] = {
    "event": by_event,
    "slack": by_slack,
    "dashboard": by_dashboard,
    "command": by_command,
    "file": by_file,
}


async def drop_files(stage: Stage, morning: Morning) -> None:
    """Drop the morning's files into the store, and start what picks them up instead of waiting for its minute."""
    store = connect.ledger().store
    for sheet in morning.files:
        await store.create(f"{DROP}{file_name(stage, sheet.name)}", print_sheet(stage, morning, sheet))
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        deployment = await client.read_deployment_by_name("pick-up-files/main")
        await client.create_flow_run_from_deployment(deployment.id)


def print_sheet(stage: Stage, morning: Morning, sheet: SheetFile) -> bytes:
    """Print a file of the morning."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "requester", "cost_centre", "item", "quantity", "reason"])
    writer.writeheader()
    for part in morning.rows(sheet.name):
        writer.writerow({"id": message_id(stage, part), **part.fields})
    return text.getvalue().encode(sheet.encoding)


def message_id(stage: Stage, part: Part) -> str:
    """Name the message of a part in this play."""
    return f"{stage.play}-{part.name.replace(' ', '-')}"


def file_name(stage: Stage, name: str) -> str:
    """Name a file of this play."""
    return f"{stage.play}-{name}"


async def rest() -> None:
    """Wait a little before looking again."""
    await asyncio.sleep(0.25)


class NotTakenError(Exception):
    """A door did not take a requisition; the text says which and why."""

    def __init__(self, part: Part, why: str) -> None:
        super().__init__(f"{part.name}: the {part.door} door did not take it: {why}")
