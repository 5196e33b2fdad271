"""Bare Prefect flows to compare with: no ledger, no outside, nothing but the engine's own cost."""

import time
from pathlib import Path
from uuid import uuid4

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import asuspend_flow_run


@task(cache_policy=NO_CACHE)
async def step(number: int) -> int:
    """Do nothing, visibly."""
    return number


@flow
async def six_steps_one_wait(case: str, folder: str) -> str:
    """Three steps, a wait until the file `folder/case` is there, three steps.

    The first new line after the wait writes the moment (ns since the epoch) to `case.woken`.
    """
    answer = Path(folder) / case
    if not answer.exists():
        for number in range(3):
            await step(number)
        await asuspend_flow_run(key=uuid4().hex)
    answer.with_suffix(".woken").write_text(str(time.time_ns()))
    for number in range(3, 6):
        await step(number)
    return case


@flow
async def eight_steps_one_wait(case: str, folder: str) -> str:
    """Four steps, a wait until the file `folder/case` is there, four steps: as many as a requisition takes."""
    answer = Path(folder) / case
    if not answer.exists():
        for number in range(4):
            await step(number)
        await asuspend_flow_run(key=uuid4().hex)
    for number in range(4, 8):
        await step(number)
    return case
