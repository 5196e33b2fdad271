"""The morning without --auto: everything is handed in, and the people are you."""

import asyncio

from blocks import connect
from blocks.ledger import Chain
from blocks.records.ledger import Line
from blocks.wire.report import tell
from infrastructure.local.demo.playing import MARKS, Ended, handed_in, look
from infrastructure.local.demo.scenario import Morning, Part
from infrastructure.local.demo.signing import where_to_begin
from infrastructure.local.demo.stage import Stage
from infrastructure.local.demo.submitting import drop_files

LOOK_S = 1.0


async def watch(stage: Stage, morning: Morning) -> list[Ended]:
    """Hand everything in, say where to click, tell what happens, and return when all has ended."""
    stage.say(welcome(stage))
    await drop_files(stage, morning)
    gates = {part.name: asyncio.Event() for part in morning.cases}
    async with asyncio.TaskGroup() as group:
        following = [group.create_task(_follow(stage, part, gates)) for part in morning.cases]
    return [task.result() for task in following]


def welcome(stage: Stage) -> str:
    """Say where one is."""
    url = stage.site.ports.url
    return "\n".join(
        (
            "",
            f"  Slack desk       {url('desk')}   channel #approvals; be anybody by the name at the top right",
            f"  Prefect          {url('prefect')}   each requisition is a run, with its artifacts",
            f"  ERP (Tryton)     {url('erp')}   the orders arrive here; README shows how to look",
            "",
            "  Requisitions are coming in. Answer the cards as you like; the hints say who may.",
            "",
        )
    )


async def _follow(stage: Stage, part: Part, gates: dict[str, asyncio.Event]) -> Ended:
    if part.after:
        await gates[part.after].wait()
    case = await handed_in(stage, part)
    told = 0
    while (ended := await look(stage, part, case)) is None:
        told = await _tell(stage, part, case, told)
        await asyncio.sleep(LOOK_S)
    if ended.chain.seq:
        await _tell(stage, part, case, told)
    else:
        stage.say(f"{MARKS[ended.outcome]} {part.name}: {ended.outcome}, {ended.because}")
    gates[part.name].set()
    return ended


async def _tell(stage: Stage, part: Part, case: str, told: int) -> int:
    """Tell what is new in a case; return how many lines have been told."""
    chain = await connect.ledger().read(case)
    for line in chain.lines[told:]:
        if line.act == "posted":
            stage.say(hint(stage, part, case, line))
            await _tell_passkey(stage, part, chain, line)
        elif line.act not in _told_elsewhere(part) and (what := tell(line)):
            plain = what.replace("*", "").replace("&lt;", "<")
            stage.say(f"{line.at:%H:%M:%S}  {case}  {line.actor}: {plain}")
    return len(chain.lines)


async def _tell_passkey(stage: Stage, part: Part, chain: Chain, posted: Line) -> None:
    """Say where whoever answers makes a passkey, where the answer takes one and they have none."""
    asked, by = chain.last("asked", posted.key), next((act.by for act in part.acts if act.passkey), None)
    if by and asked and asked.body["ask"].get("passkey") and (where := await where_to_begin(stage, by)):
        stage.say(where)


PLUMBING = frozenset({"step", "intent", "outcome"})
"""What `almoner ledger show` tells and a play can do without: its end says what came of it."""


def _told_elsewhere(part: Part) -> frozenset[str]:
    # What comes in a file is first heard of when it is received.
    return PLUMBING if part.door == "file" else PLUMBING | {"received"}


def hint(stage: Stage, part: Part, case: str, posted: Line) -> str:
    """Say where to click for a card that has just been posted."""
    desk, channel = stage.site.ports.url("desk"), posted.body["channel"]
    person = next((stage.directory.person(act.by) for act in part.acts if posted.key.endswith(act.role)), None)
    if person is None:
        return f"          → answer the card {case}: {desk}/#{channel}"
    return f"          → be {person.name} and answer the card {case}: {desk}/?as={person.slack_user}#{channel}"
