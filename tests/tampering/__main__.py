"""Tamper by the thousand, and print how it went: `python -m tests.tampering [--mutations 10000] [--cases 6]`."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.tampering.campaign import Told, campaign
from tests.tampering.ledger import Kept
from tests.tampering.verifier import built


def main() -> int:
    """Tamper; 0 where everything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed; a seed alone replays one mutation")
    parser.add_argument("--cases", type=int, default=6, help="chains of the ledger; 60 make more than a full tile")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = asyncio.run(Kept.written(Path(folder), cases=asked.cases, random=Random(asked.cases)))  # noqa: S311
        program = built(Path(folder))
        told = campaign(kept, program, range(asked.first, asked.first + asked.mutations), Told())
    for kind, count in sorted(told.made.items()):
        print(f"{kind:>12} {count:6}")
    for line in told.missed[:20]:
        print(f"MISSED {line}")
    for by, lines in told.unnamed.items():
        named = 1 - len(lines) / max(1, told.total)
        print(
            f"{by:>12} found {told.total - sum(x.startswith(by) for x in told.missed)}/{told.total}, named {named:.2%}"
        )
        for line in lines[:5]:
            print(f"             not named: {line}")
    print(f"{kept.size} entries in the log; {told.total} mutations, {len(told.missed)} missed")
    return 1 if told.missed else 0


if __name__ == "__main__":
    sys.exit(main())
