"""One performance of the morning, from the stack's start to its verdict."""

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from infrastructure.local.demo.stage import Stage, directory, enter, stack_at
from infrastructure.local.desk.driver import DeskDriver
from infrastructure.local.stack.foreground import addresses, stopped_by_signals
from infrastructure.local.stack.site import Site

SETTLE_S = 8.0
"""What the last messages, the log and its witness, who looks every five seconds, may take after the last case."""
EARLIER = "Requisitions kept from before: {}. They count (stock, budgets, orders of 30 days); --reset begins afresh."


@dataclass(frozen=True)
class Wanted:
    """How the morning is to be performed."""

    home: Path
    auto: bool = False
    as_json: bool = False
    keep: bool = False


def perform(wanted: Wanted) -> int:
    """Perform it; return 0 where all is as the scenario says, 1 where it is not. Raises StackError."""
    try:
        return asyncio.run(_perform(wanted))
    except asyncio.CancelledError:
        return 0 if not wanted.auto else 1


async def _perform(wanted: Wanted) -> int:
    with stopped_by_signals():
        async with stack_at(wanted.home) as (site, stack):
            enter(site)
            code = await _on_stage(wanted, site)
            if stack is not None and (wanted.keep or not wanted.auto):
                print(addresses(stack), file=sys.stderr, flush=True)
                with contextlib.suppress(asyncio.CancelledError):
                    await stack.watch()
            return code


async def _on_stage(wanted: Wanted, site: Site) -> int:
    from infrastructure.local.demo import judging, telling
    from infrastructure.local.demo.playing import play
    from infrastructure.local.demo.scenario import morning
    from infrastructure.local.demo.signing import assert_can_enrol
    from infrastructure.local.demo.watching import watch
    from infrastructure.verifying import verify_everything
    from tasks.case import utc_now

    if wanted.auto:
        await assert_can_enrol()
    began, scene = time.monotonic(), morning()
    name = f"morning-{utc_now():%Y%m%d-%H%M%S}"
    async with DeskDriver(site.ports.url("desk")) as desk:
        stage = Stage(name, site, desk, await directory(), Console(stderr=True, soft_wrap=True))
        if earlier := await _kept_from_before():
            stage.say(EARLIER.format(earlier))
        ended = await (play if wanted.auto else watch)(stage, scene)
        seconds = time.monotonic() - began
        await asyncio.sleep(SETTLE_S)
        verdict = await verify_everything()
        wrong = await judging.differences(stage, ended, verdict) if wanted.auto else []
    if wanted.as_json:
        print(telling.as_json(ended, verdict, seconds), flush=True)
    else:
        telling.show(ended, verdict, seconds)
    for difference in wrong:
        print(f"✗ {difference}", file=sys.stderr)
    if wrong and earlier:
        stage.say(EARLIER.format(earlier))
    if wanted.auto and not wrong:
        stage.say("Everything is as the scenario says, in the ledger, the ERP and Slack.")
    return 1 if wrong or not verdict.verified else 0


async def _kept_from_before() -> int:
    from blocks import connect
    from tasks.arrivals import PREFIX

    return len([case async for case, _ in connect.ledger().cases() if case.startswith(f"{PREFIX}-")])
