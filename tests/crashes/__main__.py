"""`python -m tests.crashes [--all]`: die at every boundary, and print how often, and what came of it.

--all: after a death on the posting path, die anywhere in what follows, not on the posting path alone.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator

from tasks import durable
from tests.crashes.plan import Tried, pairs, singles
from tests.crashes.town import LONGER, STORIES, UNWANTED, WRONG
from tests.fakes.erp_server import PERSONALITIES

FAULTS_MAX = 20


async def every(personality: str, *, further: bool) -> AsyncIterator[tuple[str, Tried]]:
    """Try every death under one personality."""
    for story in (*STORIES, LONGER, UNWANTED, WRONG):
        async for one in singles(story, personality):
            yield "one", one
    async for one in pairs(personality, further=further):
        yield "two", one


async def main(*, further: bool) -> int:
    """Try them all; return 1 where anything was violated."""
    durable.BACKOFF_S = 0
    faults: list[str] = []
    total: Counter[str] = Counter()
    print(f"{'the ERP':36}{'one death':>10}{'two deaths':>11}{'in doubt':>10}{'violations':>11}")
    for personality in PERSONALITIES:
        seen: Counter[str] = Counter()
        async for deaths, one in every(personality, further=further):
            seen[deaths] += 1
            seen["parked"] += one.lived.parked
            seen["faults"] += bool(one.faults)
            faults += one.faults
        total += seen
        print(f"{personality:36}{seen['one']:10,}{seen['two']:11,}{seen['parked']:10,}{seen['faults']:11,}", flush=True)
    print(f"{'all':36}{total['one']:10,}{total['two']:11,}{total['parked']:10,}{total['faults']:11,}")
    print("\n".join(faults[:FAULTS_MAX]))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(further="--all" in sys.argv[1:])))
