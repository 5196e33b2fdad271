"""Run races and print what came of them: `python -m tests.races --races 10000 --seed 1`.

A race is known by the seed and its number: `--seed 1 --only 4711` runs that one again, call by call the same way.
With `--s3` the store is the bucket that ALMONER_STORE names (`almoner env` prints it for a running stack); there the
order of events is the network's as well.
"""

import argparse
import asyncio
import hashlib
import os
import sys
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import uuid4

from blocks.store import FolderStore, S3Store
from tests.races.crowd import world
from tests.races.judging import faults
from tests.races.race import Race

ROOM = next((name for name in ("/dev/shm",) if Path(name).is_dir()), None)  # noqa: S108  each makes its own folder

AUDITED = 5
"""Of so many races one is verified from its first entry to its last object; of all, the chain is read and followed."""


async def run(race: Race, counts: Counter[str]) -> list[str]:
    """Run one race, count what happened, and list what went wrong."""
    finish = await race.run()
    counts["races"] += 1
    counts["clicks"] += sum(one.tries for one in finish.told)
    counts.update(one.verdict.taken for one in finish.told)
    counts.update(f"{one.deed} {verdict.taken}" for one, verdict in finish.beside)
    counts["lost writes"] += race.trace.conflicts
    counts["lost acknowledgements"] += race.trace.lost
    counts[f"order {hashlib.sha256(' '.join(race.trace.events).encode()).hexdigest()}"] += 1
    return faults(finish)


async def run_many(numbers: range, seed: int, counts: Counter[str], *, s3: bool = False) -> dict[int, list[str]]:
    """Run races one after the other, each in a store of its own; return what went wrong, by number."""
    wrong, everything, prefix = {}, await world(), f"races/{uuid4().hex}"
    for number in numbers:
        with TemporaryDirectory(prefix="race-", dir=ROOM) as folder:
            store = bucket(f"{prefix}/{number}") if s3 else FolderStore(Path(folder))
            race = Race(store, dice(seed, number), everything, naps=s3, audited=number % AUDITED == 0)
            if found := await run(race, counts):
                wrong[number] = found
    return wrong


def dice(seed: int, number: int) -> Random:
    """Take the dice of one race."""
    return Random(f"{seed}/{number}")  # noqa: S311  dice, not secrets


def bucket(prefix: str) -> S3Store:
    """Open the bucket of the running stack."""
    name = os.environ["ALMONER_STORE"].removeprefix("s3://").partition("/")[0]
    return S3Store(name, prefix=prefix, endpoint=os.environ.get("ALMONER_S3_URL"), timeout_s=60)


def summary(counts: Counter[str]) -> str:
    """Print the counts in a line."""
    orders = sum(name.startswith("order ") for name in counts)
    shown = [f"{count:,} {name}" for name, count in counts.items() if not name.startswith("order ")]
    return ", ".join([*shown, f"{orders:,} different orders of events"])


def main() -> int:
    """Run, print, and say how to run one again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--races", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="run this race alone")
    parser.add_argument("--s3", action="store_true")
    given = parser.parse_args()
    numbers = range(given.races) if given.only is None else range(given.only, given.only + 1)
    counts: Counter[str] = Counter()
    begun = perf_counter()
    wrong = asyncio.run(run_many(numbers, given.seed, counts, s3=given.s3))
    print(f"{summary(counts)}, {perf_counter() - begun:.0f} s")
    for number, found in wrong.items():
        print(f"race {number}: {'; '.join(found)}")
        print(f"  again: python -m tests.races --seed {given.seed} --only {number}{' --s3' if given.s3 else ''}")
    print(f"{len(wrong)} races went wrong" if wrong else "each race had one end, and everybody was told the truth")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
