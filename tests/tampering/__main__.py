"""Tamper by the thousand, and print how it went: `python -m tests.tampering [--mutations 10000] [--cases 6]`."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from random import Random

from infrastructure.local.stack.running import Wish, background_stack
from tests.buckets import installed_tools, unmade_on
from tests.tampering.campaign import Told, campaign, in_bucket, in_folder
from tests.tampering.ledger import Kept
from tests.tampering.places import Bucket, Folder
from tests.tampering.verifier import built


def main() -> int:
    """Tamper, in a folder and on the laptop's own S3; 0 where everything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed; a seed alone replays one mutation")
    parser.add_argument("--cases", type=int, default=6, help="chains of the ledger; 60 make more than a full tile")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "tools").symlink_to(installed_tools())
        with background_stack(Wish(home, only=("s3",))) as stack:
            server = unmade_on(stack)
            server.versioned()
            places = (Folder(Path(folder)), Bucket(server))
            written = (Kept.written(place, cases=asked.cases, random=Random(asked.cases)) for place in places)  # noqa: S311
            plain, versioned = (asyncio.run(one) for one in written)
            ways = [*in_folder(plain), *in_bucket(versioned)]
            program = built(Path(folder))
            told = campaign(ways, program, range(asked.first, asked.first + asked.mutations), Told())
    _print(told, [one.name for one in ways])
    print(f"{plain.size} entries in the log; {told.total} mutations, {len(told.missed)} missed")
    spent = os.times()
    others = spent.children_user + spent.children_system
    print(f"{spent.user + spent.system:.0f} s of CPU here, {others:.0f} s of the program in Go and the server")
    return 1 if told.missed else 0


def _print(told: Told, names: list[str]) -> None:
    for name in names:
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
