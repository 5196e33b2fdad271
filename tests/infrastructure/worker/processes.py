"""Small processes for the worker to run."""

import asyncio
import contextvars
import logging
import os
import signal
import sys
from pathlib import Path
from uuid import uuid4

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import asuspend_flow_run

left_by_the_run_before: contextvars.ContextVar[str] = contextvars.ContextVar("left")


@task(cache_policy=NO_CACHE)
async def step(word: str) -> str:
    logging.getLogger("tasks.step").info("%s in a task", word)
    return word


@flow
async def waiting(case: str, folder: str, slow_s: float = 0) -> str:
    """Waits for the file `case`; looks for it, and suspends only `slow_s` later."""
    answer = Path(folder) / case
    note(folder, case, "began")
    if not answer.exists():
        await asyncio.sleep(slow_s)
        await asuspend_flow_run(key=uuid4().hex)
    note(folder, case, "went on")
    await step(case)
    return case


@flow
async def speaking(word: str, folder: str, others: int) -> None:
    """Speaks when `others` runs are here as well, so that their lines mingle."""
    note(folder, word, "began")
    while beginners(folder) < others:  # noqa: ASYNC110  # two runs may be two processes
        await asyncio.sleep(0.05)
    for _ in range(3):
        logging.getLogger("flows.speaking").info("%s by the flow's own logger", word)
        logging.getLogger("almoner.speaking").info("%s by the house's logger", word)
        get_run_logger().info("%s by Prefect's run logger", word)
        await step(word)
        await asyncio.sleep(0.05)


@flow
async def lasting(case: str, folder: str, seconds: float = 60) -> None:
    """Takes its time."""
    note(folder, case, "began")
    await asyncio.sleep(seconds)
    note(folder, case, "ended")


@flow
async def leaving() -> None:
    """Tries to take the interpreter with it."""
    sys.exit(3)


@flow
async def killing() -> None:
    """Does take the interpreter with it."""
    os.kill(os.getpid(), signal.SIGKILL)


@flow
async def failing() -> None:
    """Fails as flows do."""
    raise ValueError("no such thing")


@flow
async def small(number: int) -> str:
    """Does little, and leaves something lying about."""
    found = left_by_the_run_before.get("nothing")
    left_by_the_run_before.set("something")
    await step(f"{number} " + "x" * 10_000)
    if found != "nothing":
        raise AssertionError("a run sees what another one left in the context")
    return found


@flow
def blocking() -> None:
    """Is no coroutine."""


def beginners(folder: str) -> int:
    return len(list(Path(folder).glob("*.notes")))


def note(folder: str, case: str, what: str) -> None:
    """Write down what happened, where the test can read it."""
    with Path(folder, f"{case}.notes").open("a") as notes:
        notes.write(what + "\n")


@flow
async def stepping(case: str, folder: str) -> None:
    """Takes many short steps."""
    note(folder, case, "began")
    for number in range(100):
        await step(str(number))
        await asyncio.sleep(0.2)
