"""The Merkle log, measured: `python -m tests.bench.log [--entries 1000000] [--writers 16] [--seconds 20]`.

First: that many entries verified, by ours and by the program in Go. Then: writer processes on a local S3 behind 20 ms
of latency, while one process seals; how many entries a second, how long until each is under a signed head, and that
none is lost and none doubled. Times are wall-clock, on however many cores others leave.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blocks.audit.log import audit_log
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.sealing.log import CHECKPOINT, PREFIX, Log, committed
from blocks.sealing.notes import HeadsLog
from blocks.sealing.sealer import LOCK, Sealer
from blocks.store import FolderStore, S3Store
from blocks.wire.commitments import Commitment
from blocks.wire.signed_note import Checkpoint, SecretKey
from blocks.wire.tiles import Edge, grown
from infrastructure.local.stack.running import Wish, running_stack
from infrastructure.local.stack.site import BUCKET
from tests.bench.latency import Delayed
from tests.tampering.verifier import built

KEY = SecretKey.made("log.example/ledger")
DELAY_S = 0.020
ENTRIES_A_CASE = 8
CASES_AT_ONCE = 1
AT = "2026-11-25T20:00:00Z"


def write_log(root: Path, entries: int) -> None:
    """Write a log of so many entries, without the chains."""
    edge, files = Edge(), dict[str, bytes]()
    for start in range(0, entries, 65_536):
        numbers = range(start, min(entries, start + 65_536))
        leaves = [Commitment(AT, f"RQ-{n // 8:08}", n % 8 + 1, f"{n:064x}").data for n in numbers]
        edge, new = grown(edge, leaves)
        files |= new
    note = Checkpoint(KEY.name, edge.size, edge.root).signed([KEY]).data
    for key, data in {**{PREFIX + path: data for path, data in files.items()}, CHECKPOINT: note, LOCK: note}.items():
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(data)


def verified(folder: Path, entries: int) -> dict[str, float]:
    """Time both verifiers on the log alone; seconds by the clock and of CPU."""
    root, program = folder / "store", built(folder)
    write_log(root, entries)
    began, used = time.perf_counter(), time.process_time()
    found = asyncio.run(audit_log(Log(FolderStore(root), KEY.public), None))
    assert (found.size, found.findings) == (entries, [])
    took, used = time.perf_counter() - began, time.process_time() - used
    figures = {"entries": entries, "ours_s": round(took, 1), "ours_cpu_s": round(used, 1)}
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(program), "-log-only", "-store", str(root), "-key", KEY.public.text]
    told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert told.stdout.startswith(f"ok: {entries} entries"), told.stdout
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return figures | {"go_s": round(took, 1), "go_cpu_s": round(used, 1)}


async def write(number: int, seconds: float, store: S3Store) -> list[tuple[str, int, str, float]]:
    """Write chains until the time is over; each entry with when it was written."""
    heads, until = HeadsLog(store), time.time() + seconds
    ledger = Ledger(store, [heads])
    noting = asyncio.create_task(heads.run(lambda: datetime.now(UTC)))
    wrote = list[tuple[str, int, str, float]]()

    async def lane(lane: int) -> None:
        count = 0
        while time.time() < until:
            chain, count = Chain(f"RQ-{number:02}-{lane}-{count:05}"), count + 1
            for _ in range(ENTRIES_A_CASE):
                line = Line(act="step", actor="process:bench", at=datetime.now(UTC), body={"n": count})
                chain = await ledger.append(chain, [line])
                wrote.append((chain.case, chain.seq, chain.head, time.time()))

    await asyncio.gather(*map(lane, range(CASES_AT_ONCE)))
    noting.cancel()
    await asyncio.gather(noting, return_exceptions=True)
    return wrote


async def sealed(writers: int, seconds: float, home: Path) -> dict[str, float]:
    """Run the writers and seal; the rate, and the wait until a signed head."""
    async with running_stack(Wish(home, only=("s3",))) as stack:
        keys, ports = stack.site.keys, stack.site.ports
        async with Delayed(ports["s3"], DELAY_S / 2) as delayed:
            where = {"endpoint": delayed.url, "access_key_id": keys.s3_access_key, "region": "us-east-1",
                     "secret_access_key": keys.s3_secret_key, "timeout_s": 60}  # fmt: skip
            running = [
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "tests.bench.log", "--writer", str(number)),
                    *("--seconds", str(seconds), "--where", json.dumps(where)),
                    stdout=asyncio.subprocess.PIPE,
                )
                for number in range(writers)
            ]
            store = S3Store(BUCKET, **where)
            sealer, heads = Sealer(Ledger(store), KEY), list[tuple[float, int]]()
            gathering = asyncio.gather(*(one.communicate() for one in running))
            while not gathering.done() or sealer.waiting or time.time() < heads[-1][0] + 3:
                head = await sealer.round(datetime.now(UTC))
                if head or not heads:
                    heads.append((time.time(), head.size if head else 0))
                await asyncio.sleep(1.0)
            wrote = [tuple(entry) for told, _ in await gathering for entry in json.loads(told)]
            return _figures(wrote, heads, [leaf async for _, leaf in Log(store, KEY.public).leaves(sealer.edge.size)])


def _figures(wrote: list[Any], heads: list[tuple[float, int]], leaves: list[bytes]) -> dict[str, float]:
    held = [committed(leaf, place) for place, leaf in enumerate(leaves)]
    known = {(one.case, one.seq): (place, one.digest) for place, one in enumerate(held)}
    waits = sorted(next(when for when, size in heads if size > known[case, seq][0]) - at for case, seq, _, at in wrote)
    took = max(at for *_, at in wrote) - min(at for *_, at in wrote)
    return {
        "written": len(wrote),
        "entries_per_s": round(len(wrote) / took),
        "lost": sum(known.get((case, seq), (0, ""))[1] != name for case, seq, name, _ in wrote),
        "doubled": len(held) - len(known),
        "heads": len(heads),
        "head_median_s": round(waits[len(waits) // 2], 1),
        "head_p99_s": round(waits[len(waits) * 99 // 100], 1),
        "head_worst_s": round(waits[-1], 1),
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--writer", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--where", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.writer is not None:
        store = S3Store(BUCKET, **json.loads(asked.where))
        print(json.dumps(asyncio.run(write(asked.writer, asked.seconds, store))))
        return
    figures = dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        if asked.entries:
            figures |= verified(Path(folder), asked.entries)
        if asked.writers:
            figures |= asyncio.run(sealed(asked.writers, asked.seconds, Path(folder) / "home"))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
