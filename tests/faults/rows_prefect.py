"""Rows 7, 8 and 24 to 27: Prefect and its database fail, forget, or are told lies; the ledger is the truth.

The runs are real ones, on a real server with PostgreSQL, reached through the proxy; the engine runs in this process.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
from prefect.states import Completed, Crashed

from infrastructure.local.stack.running import BackgroundStack
from tasks.runs import runs_of
from tests.faults import guards
from tests.faults.matrix import Stage, row
from tests.faults.runs import Runs, asleep, well
from tests.faults.scene import ORDERS
from tests.faults.wrongs import beside, misreported, refused, reset, unheard
from tests.invariants import Violation

STATES = r"POST /api/(flow|task)_runs/[^/]+/set_state"


@row(7, "The decision is written, and the call that resumes its run is lost", guard="upkeep rings for who stands still",
     without=guards.unwatched, shows="I2", needs="prefect")  # fmt: skip
async def resume_lost(stage: Stage) -> list[Violation]:
    async with asleep(stage) as runs:
        await runs.hospital.answer(runs.case, "ivo.petrov")
        runs.api.arm(STATES, reset(), times=None)
        await runs.rung(runs.case)  # the bell
        assert "reset" in runs.api.faults()
        runs.api.heal()
        await runs.kept_up()
        return await runs.found()


@row(8, "A sleeping run is resumed twice, and set to Completed, by whoever reaches the API",
     guard="a resume is no answer: the ledger is read", without=guards.resume_means_yes, shows="I3",
     needs="prefect")  # fmt: skip
async def resumed_by_whoever(stage: Stage) -> list[Violation]:
    async with asleep(stage) as runs:
        for _ in range(2):
            await runs.client.resume_flow_run(runs.run.id)
            await runs.awake()
        await runs.client.set_flow_run_state(runs.run.id, Completed(message="by hand"), force=True)
        await runs.rung(runs.case)
        made, chain = runs.server.booked(), await runs.hospital.chain(runs.case)
        found = [Violation("I3", runs.case, "ordered although nobody has answered")] if made else []
        if not chain.having("woken") and not made:
            found.append(Violation("8", runs.case, "nobody would know that somebody tried"))
        if not made:
            await runs.hospital.answer(runs.case, "ivo.petrov")
            await runs.kept_up()
        return found + await runs.found()


Breaks = Callable[[Runs], None]
Mends = Callable[[Runs], Awaitable[Any]]


async def _in_flight(stage: Stage, break_it: Breaks, mend: Mends) -> list[Violation]:
    """Let something fail at the very moment at which the ERP has committed; mend it, and let upkeep go on."""
    async with asleep(stage) as runs:
        await runs.hospital.answer(runs.case, "ivo.petrov")
        async with _broken(runs, break_it, mend, calm=stage.calm) as breaks:
            runs.erp.arm(ORDERS, beside(breaks, after=True))
            await runs.rung(runs.case)
            assert runs.erp.faults(), "it never ordered"
        await _driven_again(runs)
        await runs.kept_up()
        return await runs.found()


async def _at_its_beginning(stage: Stage, break_it: Breaks, mend: Mends) -> list[Violation]:
    """Let something fail as a worker takes up what was woken; mend it, and let upkeep go on."""
    async with asleep(stage) as runs:
        await runs.hospital.answer(runs.case, "ivo.petrov")
        async with _broken(runs, break_it, mend, calm=stage.calm) as breaks:
            await runs.rung(runs.case, breaks)
        await runs.kept_up()
        return await runs.found()


@asynccontextmanager
async def _broken(runs: Runs, break_it: Breaks, mend: Mends, *, calm: bool) -> AsyncIterator[Callable[[], None]]:
    """Give what breaks it, once; see that it was called, and mend it whatever happens. *calm*: nothing is broken."""
    called = []

    def breaks() -> None:
        called.append(True)
        if not calm:
            break_it(runs)

    try:
        yield breaks
    finally:
        if called and not calm:
            await mend(runs)
        runs.api.heal()
    assert called, "the fault never struck"


async def _driven_again(runs: Runs) -> None:
    """Let a worker find the run, unless Prefect heard that it went well: what was done must not be done again.

    Who is back fast enough hears that it failed; whoever presses Retry then drives it as well.
    """
    run = await runs.client.read_flow_run(runs.run.id)
    if run.state and run.state.is_final() and not (run.state.is_crashed() or run.state.is_failed()):
        return
    await runs.client.set_flow_run_state(run.id, Crashed(message="its worker is gone"), force=True)
    await runs.awake()


@row(24, "Prefect's server dies while the ERP is called", guard="what was done is remembered by the ledger",
     without=guards.amnesiac, shows="I1", needs="prefect")  # fmt: skip
async def server_dies(stage: Stage) -> list[Violation]:
    return await _in_flight(stage, lambda runs: runs.stack.kill("prefect"), well)


@row(24, "Prefect's server stands still as a run begins", guard="upkeep rings for who stands still",
     without=guards.unwatched, shows="I2", needs="prefect")  # fmt: skip
async def server_stands_still(stage: Stage) -> list[Violation]:
    """SIGSTOP for as long as our client is patient, then SIGCONT: five minutes are no more to it than seconds."""

    async def woken(runs: Runs) -> None:
        os.kill(runs.stack.pid("prefect"), signal.SIGCONT)
        await well(runs)

    return await _at_its_beginning(stage, lambda runs: os.kill(runs.stack.pid("prefect"), signal.SIGSTOP), woken)


@row(25, "Prefect takes no states any more: 503", guard="what was done is remembered by the ledger",
     without=guards.amnesiac, shows="I1", needs="prefect")  # fmt: skip
async def takes_no_states(stage: Stage) -> list[Violation]:
    return await _in_flight(stage, lambda runs: runs.api.arm(STATES, refused(503), times=None) and None, well)


@row(25, "Prefect takes states, and says that it did not", guard="upkeep rings for who stands still",
     without=guards.unwatched, shows="I2", needs="prefect")  # fmt: skip
async def takes_states_twice(stage: Stage) -> list[Violation]:
    def break_it(runs: Runs) -> None:
        runs.api.arm(STATES, misreported(503), times=2)
        runs.api.arm(STATES, unheard(), times=2)

    return await _at_its_beginning(stage, break_it, well)


@row(26, "PostgreSQL is stopped at once, under Prefect", guard="what was done is remembered by the ledger",
     without=guards.amnesiac, shows="I1", needs="prefect")  # fmt: skip
async def database_stops(stage: Stage) -> list[Violation]:
    """SIGQUIT: no goodbye to anybody, as `pg_ctl stop -m immediate`; it recovers as it starts again."""
    return await _in_flight(stage, lambda runs: runs.stack.kill("postgres", signal.SIGQUIT), well)


@row(26, "PostgreSQL is stopped fast, under Prefect", guard="what was done is remembered by the ledger",
     without=guards.amnesiac, shows="I1", needs="prefect")  # fmt: skip
async def database_stops_fast(stage: Stage) -> list[Violation]:
    """SIGINT: whoever is connected is thrown out, and it ends in good order, as `pg_ctl stop -m fast`."""
    return await _in_flight(stage, lambda runs: runs.stack.kill("postgres", signal.SIGINT), well)


@row(26, "Every connection to PostgreSQL is cut, and none is let in", needs="prefect", shows="I1",
     guard="what was done is remembered by the ledger", without=guards.amnesiac)  # fmt: skip
async def connections_cut(stage: Stage) -> list[Violation]:
    async def let_in(runs: Runs) -> None:
        await _apart(runs.stack, "ALTER DATABASE prefect ALLOW_CONNECTIONS true")
        await well(runs)

    def cut(runs: Runs) -> None:
        asyncio.run(_said(runs.stack, "ALTER DATABASE prefect ALLOW_CONNECTIONS false", CUT))

    return await _in_flight(stage, cut, let_in)


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'prefect'"


async def _said(stack: BackgroundStack, *sentences: str) -> None:
    """Say something to PostgreSQL past Prefect, which stands still meanwhile."""
    ports, server = stack.site.ports, stack.pid("prefect")
    os.kill(server, signal.SIGSTOP)
    try:
        line = await asyncpg.connect(
            host="127.0.0.1", port=ports["postgres"], user="prefect", password=stack.site.keys.postgres_password,
            database="postgres",
        )  # fmt: skip
        try:
            for sentence in sentences:
                await line.execute(sentence)
        finally:
            await line.close()
    finally:
        os.kill(server, signal.SIGCONT)


@row(27, "PostgreSQL is restored from an older copy: Prefect forgets the run", guard="the ledger makes it anew",
     without=guards.known_to_prefect, shows="I2", needs="prefect")  # fmt: skip
async def restored(stage: Stage) -> list[Violation]:
    """The copy is of before the case, not before its deployment; the answer comes when the run is forgotten."""
    assert stage.prefect
    async with asleep(replace(stage, root=stage.root / "before")):
        await _apart(stage.prefect, CUT, "DROP DATABASE IF EXISTS copy", "CREATE DATABASE copy TEMPLATE prefect")
    async with asleep(replace(stage, root=stage.root / "after")) as runs:
        back = ("ALTER DATABASE prefect RENAME TO gone", "ALTER DATABASE copy RENAME TO prefect", "DROP DATABASE gone")
        await _apart(runs.stack, CUT, *back)
        await well(runs)
        assert not await runs_of([runs.case], runs.client), "Prefect still knows the run"
        await runs.hospital.answer(runs.case, "ivo.petrov")
        await runs.kept_up()
        return await runs.found()


async def _apart(stack: BackgroundStack, *sentences: str) -> None:
    """Say something to PostgreSQL from another thread."""
    await asyncio.to_thread(lambda: asyncio.run(_said(stack, *sentences)))
