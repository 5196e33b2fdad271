"""Explaining an order among thousands of cases on local S3, its bundle's size, and how long one takes to check.

`python -m tests.bench.explain [--cases 5000]`
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, STDOUT
from datetime import timedelta
from pathlib import Path

import uvloop

from blocks import connect
from blocks.ledger import Ledger
from blocks.sealing.log import CHECKPOINT, PREFIX, Log
from blocks.sealing.notes import HeadsLog
from blocks.sealing.sealer import Sealer
from blocks.wire.commitments import Commitment, moment_text
from blocks.wire.names import case_of
from blocks.wire.signed_note import Checkpoint
from blocks.wire.tiles import grown
from infrastructure.auditor import check_bundle as check_bundle_module
from infrastructure.auditor.check_bundle import check_bundle
from infrastructure.ending import run_and_leave
from infrastructure.local.stack.running import Wish, running_stack
from tasks.auditing.bundling import bundle_of
from tasks.auditing.finding import found
from tasks.auditing.soundness import held_against
from tasks.case import utc_now
from tasks.groups import carry_one
from tasks.results import keep_result
from tests.bench.burst import RUN, adopt_all, approved, fakes
from tests.sealing import KEY

AT_ONCE = 32
TIMES, TYPED = 20, 5
ENTRIES = 7
"""Of a case, on average."""
NOTES = 3600


async def fill(ledger: Ledger, cases: int) -> None:
    """Write as many results as that many cases leave: what a listing has to get past."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            case = case_of("RQ", "bench-before", str(number))
            await ledger.store.create(f"results/PO-{number:07}/{case}/{'0' * 64}.json", b"{}")

    await asyncio.gather(*(one(number) for number in range(cases)))


async def go_on(ledger: Ledger, cases: int) -> Log:
    """Seal what there is, and let the log grow by the entries of that many cases, noted a second apart for an hour."""
    sealer, now = Sealer(ledger, KEY), utc_now()
    await sealer.follow()
    await sealer.sweep()
    await sealer.seal(now)
    names = [case_of("RQ", "bench-after", str(number)) for number in range(cases)]
    later = [Commitment(moment_text(now), name, seq, "ab" * 32) for seq in range(1, ENTRIES + 1) for name in names]
    edge, files = grown(sealer.edge, [one.data for one in later])
    room = asyncio.Semaphore(AT_ONCE)

    async def create(key: str, data: bytes) -> None:
        async with room:
            await ledger.store.create(key, data)

    await asyncio.gather(*(create(PREFIX + path, data) for path, data in files.items()))
    head = Checkpoint(KEY.name, edge.size, edge.root).signed([KEY])
    await ledger.store.swap(CHECKPOINT, head.data, was=(await ledger.store.look(CHECKPOINT)).version)
    heads = HeadsLog(ledger.store)
    for second in range(NOTES):
        for one in later[second * len(later) // NOTES : (second + 1) * len(later) // NOTES]:
            heads(one.case, one.seq, one.digest)
        await heads.flush(now - timedelta(seconds=NOTES - second))
    return Log(ledger.store, KEY.public)


async def as_commands(number: str, bundle: bytes, log: Log, home: Path) -> dict[str, list[float]]:
    """Type what an auditor types, start and imports included: explain an order, and check a bundle of it."""
    file, own = home / "bundle.json", {**os.environ, "ALMONER_LOG_FIRST_KEY": log.first_key.text}
    file.write_bytes(bundle)
    almoner = str(Path(sys.executable).with_name("almoner"))
    commands = {
        "explain_command_ms": [almoner, "ledger", "explain", number],
        "check_command_ms": [sys.executable, str(Path(check_bundle_module.__file__)), str(file)],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    for name, command in commands.items():
        for _ in range(TYPED):
            began = time.perf_counter()
            typed = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT, env=own)
            told, _ = await typed.communicate()
            took[name].append(time.perf_counter() - began)
            if typed.returncode:
                raise AssertionError(told.decode())
    return took


async def measure(cases: int, home: Path) -> dict[str, object]:
    """Fill, order once, explain by the order's number; return the figures."""
    async with running_stack(Wish(home, only=("s3",))) as stack:
        os.environ.update(stack.site.own_environment() | {"ALMONER_STORE": f"s3://evidence/{RUN}"})
        outside = connect.opened(asyncio.get_running_loop())
        outside.erp, outside.desk = fakes()
        with connect.bound(outside):
            await adopt_all(outside.ledger)
            await fill(outside.ledger, cases)
            case = await approved(outside, 1)
            carried = await carry_one(case)
            if carried.result is None:
                raise AssertionError(carried)
            await keep_result(carried.result, outside.ledger)
            number, log, took = carried.result.key.split("/")[1], await go_on(outside.ledger, cases), []
            for _ in range(TIMES):
                fresh = connect.opened(asyncio.get_running_loop())
                began = time.perf_counter()
                (one,) = await found(number, fresh.ledger)
                dossier = await held_against(
                    Log(fresh.ledger.store, log.first_key), None, one,
                    ledger=fresh.ledger, shelf=fresh.shelf, at=utc_now(),
                )  # fmt: skip
                took.append(time.perf_counter() - began)
                if not (dossier.holds and dossier.sealed):
                    raise AssertionError(dossier)
            data = await bundle_of(one.chain, outside.ledger, log, at=utc_now())
            typed = await as_commands(number, data, log, home)
    checked = []
    for _ in range(TIMES):
        began = time.perf_counter()
        check_bundle(json.loads(data))
        checked.append(time.perf_counter() - began)
    ms = {"explain_ms": took, "check_ms": checked, **typed}
    figures = {name: round(1000 * sorted(values)[len(values) // 2], 1) for name, values in ms.items()}
    worst = {f"{name}_worst": round(1000 * max(values), 1) for name, values in ms.items()}
    return {"cases": cases, **figures, **worst, "bundle_bytes": len(data)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--home", type=Path, default=Path(tempfile.mkdtemp(prefix="almoner-bench-")))
    asked = parser.parse_args()
    print(json.dumps(uvloop.run(measure(asked.cases, asked.home))))
    return 0


if __name__ == "__main__":
    run_and_leave(main)
