"""Groups: many cases carried by one run, each through its own process function, straight over the ledger.

The same code, the same evidence, the same protocol of effects as one case in one run; what is left out is the
orchestration of each task.
"""

import asyncio
import gc
import importlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from blocks import connect
from tasks.case import Case, OvertakenError, Waiting
from tasks.durable import PROCESSES, Process, carry
from tasks.results import Result, result_of

logger = logging.getLogger("almoner.groups")
NORMALLY, IN_A_BURST = gc.get_threshold(), (50_000, 50, 100)
"""How often Python looks for cycles. A burst makes objects that live on: to look through them as often as otherwise
costs a fifth of it."""
AT_ONCE = 32
REPORT_S = 1.0


class Carried(NamedTuple):
    """How far one case came: `ended` is how, `waits`, `failed` or `busy` where it has not, and has no result."""

    case: str
    ended: str
    because: str
    result: Result | None = None


async def carry_all(
    cases: list[str], tell: Callable[[int, int], Awaitable[None]], at_once: int = AT_ONCE
) -> list[Carried]:
    """Carry cases as far as they go, *at_once* at a time; *tell* hears how many of how many are done.

    One case that fails does not stop the others: it is told as failed, and can be woken again.
    """
    room = asyncio.Semaphore(at_once)
    done: list[Carried] = []

    async def carry_in_room(case: str) -> None:
        async with room:
            done.append(await carry_one(case))

    async def report() -> None:
        while True:
            await tell(len(done), len(cases))
            await asyncio.sleep(REPORT_S)

    reporting = asyncio.create_task(report())
    gc.set_threshold(*IN_A_BURST)
    try:
        await asyncio.gather(*(carry_in_room(case) for case in cases))
    finally:
        gc.set_threshold(*NORMALLY)
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
    try:
        await tell(len(done), len(cases))
    except Exception:  # what was carried counts, not what could be told of it
        logger.exception("the progress of a group could not be told")
    return sorted(done)


async def carry_one(name: str) -> Carried:
    """Carry one case as far as it goes."""
    ledger = connect.ledger()
    try:
        chain = await ledger.read(name)
        process = process_of(chain.lines[0].body["process"])
        case = Case(ledger, chain, f"process:{process.name}")
        outcome = await carry(process, case)
    except Waiting as waiting:
        return Carried(name, "waits", waiting.on)
    except OvertakenError as error:
        return Carried(name, "busy", str(error))
    except Exception as error:  # whatever it is, it is this case's own, and the others go on
        logger.exception("%s could not be carried", name)
        return Carried(name, "failed", f"{type(error).__name__}: {error}")
    return Carried(name, outcome.ended, outcome.because, result_of(case.chain, outcome))


def process_of(name: str) -> Process[Any]:
    """Find a process by name, importing its module the first time."""
    if name not in PROCESSES:
        importlib.import_module(f"flows.{name}")
    return PROCESSES[name]


def summary(carried: list[Carried]) -> str:
    """Count the outcomes, most frequent first.

    >>> summary([Carried("A", "ordered", ""), Carried("B", "waits", ""), Carried("C", "ordered", "")])
    '2 ordered, 1 waits'
    """
    return ", ".join(f"{count} {ended}" for ended, count in Counter(one.ended for one in carried).most_common())
