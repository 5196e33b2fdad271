"""A burst: approved cases wake at once; the group carries them over a ledger on local S3, an ERP fake answers.

`python -m tests.bench.burst [--cases 1000] [--profile FILE] [--plain]`; *plain*: a bucket that keeps no versions,
beside the laptop's own under Object Lock.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import secrets
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # carries no types
import uvloop

from blocks import connect
from blocks.audit.verdict import verify
from blocks.ledger import Ledger
from blocks.records.policy import Band, Policy, Tier
from blocks.rulebook import adopt
from blocks.sealing.notes import EVERY_S
from blocks.store import S3Store
from infrastructure.ending import run_and_leave
from infrastructure.local.hospital.__main__ import directory
from infrastructure.local.stack.running import Wish, running_stack
from infrastructure.local.stack.site import BUCKET
from tasks.arrivals import Message, receive
from tasks.case import utc_now
from tasks.decide import Answer, decide
from tasks.groups import carry_all, carry_one, summary
from tasks.upkeep.settling import keep_results
from tests.bench import rig
from tests.fakes.desk import FakeDesk
from tests.fakes.erp import FakeErp
from tests.hospital import plain_policy

AT_ONCE = 32
RUN = secrets.token_hex(4)
PLAIN = f"plain-{RUN}"
REQUEST = {"requester": "rita.okafor", "cost_centre": "OR", "item": "IVSET-20", "quantity": 20}


def one_approval() -> Policy:
    """Make a policy under which everything needs exactly one approval."""
    tier = Tier(band=Band(lower=Decimal(0)), roles=("department-manager",))
    ours = plain_policy()
    matrices = tuple(matrix.model_copy(update={"tiers": (tier,)}) for matrix in ours.matrices)
    return ours.model_copy(update={"matrices": matrices, "low_budget": ()})


async def prepare(outside: connect.Outside, cases: int) -> list[str]:
    """Bring cases to the point where their one approval has been given and nobody has rung yet."""
    await adopt_all(outside.ledger)
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> str:
        async with room:
            return await approved(outside, number)

    return list(await asyncio.gather(*(one(number) for number in range(cases))))


async def adopt_all(ledger: Ledger) -> None:
    """Put the bench's policy and the small hospital's people in force."""
    for document in (one_approval(), directory()):
        await adopt(ledger, document, actor="door:bench", at=utc_now())


async def received(outside: connect.Outside, number: int) -> str:
    """Receive one case."""
    message = Message("bench", str(number), json.dumps(REQUEST).encode())
    return (await receive(message, outside.ledger, outside.shelf, utc_now())).case_or_raise()


def fakes() -> tuple[FakeErp, FakeDesk]:
    """Make an ERP and a desk that answer at once."""
    return FakeErp(year=utc_now().year), FakeDesk()


async def approved(outside: connect.Outside, number: int) -> str:
    """Receive one case, carry it to its wait, and approve it."""
    ledger, now = outside.ledger, utc_now()
    case = await received(outside, number)
    carried = await carry_one(case)
    asked = (await ledger.read(case)).last("asked")
    rulebook = await outside.shelf.in_force(now)
    if carried.ended != "waits" or asked is None:
        raise AssertionError(carried)
    answer = Answer(case, asked.key, "approve", asked.seen or "")
    by = rulebook.directory.person("ana.silva")
    verdict = await decide(answer, by, "bench", ledger=ledger, rulebook=rulebook, at=utc_now())
    if verdict.taken != "counted":
        raise AssertionError(verdict)
    return case


async def measure(cases: int, home: Path, profile: Path | None, *, plain: bool) -> dict[str, object]:
    """Prepare, wake all at once, verify, and return the figures."""
    async with running_stack(Wish(home, only=("s3",))) as stack:
        os.environ.update(stack.site.own_environment() | {"ALMONER_STORE": f"s3://{PLAIN if plain else BUCKET}/{RUN}"})
        if plain:
            plain_bucket()
        outside = connect.opened(asyncio.get_running_loop())
        outside.erp, outside.desk = fakes()
        with connect.bound(outside):
            names = await prepare(outside, cases)
            fresh = connect.opened(asyncio.get_running_loop())
            fresh.erp, fresh.desk = outside.erp, outside.desk
        with connect.bound(fresh):
            figures = await _wake(names, stack.pid("s3"), profile)
            await asyncio.sleep(2 * EVERY_S)
            verdict = await verify(fresh.ledger)
        orders = len(outside.erp.orders())
    return {**figures, "cases": cases, "orders": orders, "entries": verdict.entries, "verified": verdict.verified}


def plain_bucket() -> None:
    """Make a bucket without versions and without a lock."""
    store = connect.ledger().store
    assert isinstance(store, S3Store)
    store.where.client().create_bucket(Bucket=PLAIN)


async def silently(_done: int, _of: int) -> None:
    """Hear of progress, and say nothing."""


async def _wake(names: list[str], s3: int, profile: Path | None) -> dict[str, object]:
    profiler = cProfile.Profile() if profile else None
    server = psutil.Process(s3)
    before, own, began = server.cpu_times(), psutil.Process().cpu_times(), time.perf_counter()
    if profiler:
        profiler.enable()
    carried = await carry_all(names, silently)
    await keep_results(carried)
    if profiler:
        profiler.disable()
    took_s = time.perf_counter() - began
    after, own_after = server.cpu_times(), psutil.Process().cpu_times()
    if profiler and profile:
        with profile.open("w") as out:
            pstats.Stats(profiler, stream=out).sort_stats("cumtime").print_stats(45)
    return {
        "outcomes": summary(carried),
        "cases_per_s": round(len(names) / took_s, 1),
        "own_cpu_ms_a_case": round(1000 * _cpu(own, own_after) / len(names), 2),
        "s3_cpu_ms_a_case": round(1000 * _cpu(before, after) / len(names), 2),
    }


def _cpu(before: Any, after: Any) -> float:
    return float(after.user + after.system - before.user - before.system)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--profile", type=Path, help="write where the time goes")
    parser.add_argument("--plain", action="store_true", help="in a bucket that keeps no versions")
    asked = parser.parse_args()
    with rig.home(asked.home) as home:
        print(json.dumps(uvloop.run(measure(asked.cases, home, asked.profile, plain=asked.plain))))
    return 0


if __name__ == "__main__":
    run_and_leave(main)
