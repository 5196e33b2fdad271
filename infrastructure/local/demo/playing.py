"""Playing the morning: everything is handed in, people answer, and each case is followed to its end."""

import asyncio
from typing import NamedTuple

import httpx

from blocks import connect
from blocks.errors import OutsideError
from blocks.ledger import Chain
from blocks.records.approval import Ask
from blocks.records.outcome import Outcome
from infrastructure.local.demo.people import ClickError, act
from infrastructure.local.demo.scenario import Morning, Part
from infrastructure.local.demo.signing import NotSignedError
from infrastructure.local.demo.stage import Stage
from infrastructure.local.demo.submitting import NotTakenError, drop_files, file_name, message_id, rest, submit
from infrastructure.local.desk.driver import NothingHappenedError, RefusedClickError
from tasks.arrivals import quarantine
from tasks.decide import decisions_of

END_S = 120.0


class Ended(NamedTuple):
    """How a part of the morning ended; `chain` is empty for what never became a case."""

    part: Part
    case: str
    chain: Chain
    outcome: str
    because: str
    document: str | None = None

    @property
    def approvals(self) -> list[tuple[str, str]]:
        """Who decided what, in order."""
        return [(decision.by, decision.verdict) for decision in decisions_of(self.chain)]


async def play(stage: Stage, morning: Morning) -> list[Ended]:
    """Play all of it with the people's answers, and return how each part ended, in the scenario's order."""
    gates = {part.name: asyncio.Event() for part in morning.cases}
    await drop_files(stage, morning)
    async with asyncio.TaskGroup() as group:
        playing = [group.create_task(_play(stage, part, gates), name=part.name) for part in morning.cases]
    return [task.result() for task in playing]


async def _play(stage: Stage, part: Part, gates: dict[str, asyncio.Event]) -> Ended:
    if part.after:
        await gates[part.after].wait()
    case = ""
    try:
        async with asyncio.timeout(END_S):
            case = await handed_in(stage, part)
            for doing in part.acts:
                await act(stage, part, case, doing)
            ended = await end_of(stage, part, case)
    except TimeoutError:
        ended = await _unfinished(part, case, f"not ended within {END_S:.0f} s")
    except TROUBLE as error:
        ended = await _unfinished(part, case, str(error))
    stage.say(f"{MARKS.get(ended.outcome, '?')} {part.name}: {ended.outcome}, {ended.because}")
    gates[part.name].set()
    return ended


class UnforeseenError(Exception):
    """A case asks somebody whom the scenario does not make answer; the text says whom, and why."""


TROUBLE = (
    NotTakenError,
    UnforeseenError,
    ClickError,
    NotSignedError,
    NothingHappenedError,
    RefusedClickError,
    OutsideError,
    httpx.HTTPError,
)
"""What can go wrong with one part while the others go on."""


async def _unfinished(part: Part, case: str, because: str) -> Ended:
    chain = await connect.ledger().read(case) if case else Chain("")
    return Ended(part, case, chain, "under way", because)


MARKS = {"filled": "✓", "ordered": "✓", "refused": "–", "rejected": "–", "quarantined": "–"}


async def handed_in(stage: Stage, part: Part) -> str:
    """Hand it in, and say so."""
    case = await submit(stage, part)
    if part.door != "file":
        stage.say(f"→ {part.name}: {part.title}, by the {part.door} door, is {case}")
    return case


async def end_of(stage: Stage, part: Part, case: str) -> Ended:
    """Wait for the end of a part: of its case, or in quarantine. UnforeseenError where it waits for nobody's act."""
    while (ended := await look(stage, part, case)) is None:
        await _must_be_foreseen(part, case)
        await rest()
    return ended


async def _must_be_foreseen(part: Part, case: str) -> None:
    roles = {doing.role for doing in part.acts}
    for line in (await connect.ledger().read(case)).having("asked"):
        ask = Ask.model_validate(line.body["ask"])
        if ask.role not in roles:
            raise UnforeseenError(f"it waits for the {ask.role}, where nobody should be asked: {ask.why}")


async def look(stage: Stage, part: Part, case: str) -> Ended | None:
    """Look once how a part ended; None where it has not."""
    chain = await connect.ledger().read(case)
    if line := chain.last("ended"):
        outcome = Outcome.model_validate(line.body["outcome"])
        return Ended(part, case, chain, outcome.ended, outcome.because, outcome.document)
    if chain.seq or part.door != "file":
        return None
    return await _quarantined(stage, part, chain)


async def _quarantined(stage: Stage, part: Part, chain: Chain) -> Ended | None:
    names = {message_id(stage, part), file_name(stage, part.file)}
    for one in await quarantine(connect.ledger()):
        if one["id"] in names:
            issues = one["issues"]
            because = "; ".join(f"{issue['field']}: {issue['reason']}" for issue in issues)  # type: ignore[attr-defined]
            return Ended(part, str(one["id"]), chain, "quarantined", because)
    return None
