"""Tamper by the thousand, and print how it went: `python -m tests.tampering [--mutations 10000] [--cases 6]`."""

import argparse
import asyncio
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random

from infrastructure.local.stack.running import Wish, background_stack
from tests.buckets import installed_tools, unmade_on
from tests.tampering.campaign import Told, campaign, in_bucket, in_folder
from tests.tampering.ledger import Kept
from tests.tampering.mutations import MUTATIONS
from tests.tampering.places import Bucket, Folder
from tests.tampering.shadows import SHADOWS
from tests.tampering.verifier import built

NAMED_MIN = 0.99


def main() -> int:
    """Tamper, in folders and on the laptop's own S3; 0 where everything was found, and as good as everything named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed; a seed alone replays one mutation")
    parser.add_argument("--cases", type=int, default=6, help="chains of the ledger; 60 make more than a full tile")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="each with its own ledger")
    asked = parser.parse_args()
    end, step = asked.first + asked.mutations, max(1, min(asked.processes, asked.mutations))
    shares = [range(asked.first + one, end, step) for one in range(step)]
    with ProcessPoolExecutor(step) as pool:
        told = sum(pool.map(tampered_with, shares, [asked.cases] * step), Told())
    _print(told)
    print(f"{told.total} mutations of ledgers of {asked.cases} cases, {len(told.missed)} missed")
    return 1 if told.missed or not told.names(NAMED_MIN) else 0


def tampered_with(seeds: range, cases: int) -> Told:
    """Tamper once a seed, with a ledger in a folder and one in a bucket that are nobody else's."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "tools").symlink_to(installed_tools())
        with background_stack(Wish(home, only=("s3",))) as stack:
            server = unmade_on(stack)
            server.versioned()
            places = (Folder(Path(folder)), Bucket(server))
            written = (Kept.written(place, cases=cases, random=Random(cases)) for place in places)  # noqa: S311
            plain, versioned = (asyncio.run(one) for one in written)
            return campaign([*in_folder(plain), *in_bucket(versioned)], built(Path(folder)), seeds, Told(), _follow)


def _follow(told: Told) -> None:
    """Say how it goes, now and then."""
    if told.total % 250 == 0:
        print(f"process {os.getpid()}: {told.total} mutations, {len(told.missed)} missed", file=sys.stderr, flush=True)


def _print(told: Told) -> None:
    for name in (*MUTATIONS, *SHADOWS):
        print(f"{name:>12} {told.made[name]:6}")
    for line in told.missed[:20]:
        print(f"MISSED {line}")
    for by, lines in told.unnamed.items():
        found = told.harmful - sum(x.startswith(f"{by}:") for x in told.missed)
        print(f"{by:>12} found {found}/{told.harmful}, named {1 - len(lines) / max(1, told.harmful):.2%}")
        for line in lines[:5]:
            print(f"             not named: {line}")
    print(f"{'harmless':>12} {told.harmless:6}, of which nothing may be found")


if __name__ == "__main__":
    sys.exit(main())
