"""Live many lives and say what came of them: `python -m tests.simulation --lifetimes 5000 --seed 1`.

A life is known by its seed: `--seed 4711` alone lives that one again, step by step the same, and tells its story.
A life counts when at least three things went wrong in it. `--minutes` goes on for so long instead.
"""

import argparse
import asyncio
import gc
import logging
import os
import sys
from collections import Counter
from itertools import count
from random import seed as seed_random
from time import process_time, time

import blocks.rulebook
import tasks.book
import tasks.claims
from blocks.ledger import Ledger
from blocks.rulebook import adopt
from infrastructure.local.hospital.__main__ import directory, policy
from tasks import durable, effects
from tests.crashes.points import Killed
from tests.hospital import MORNING, with_gaps
from tests.simulation.city import City
from tests.simulation.life import FAULTS_MIN, Lived, live
from tests.stores import MemoryStore

TOLD_MAX = 5


async def founded() -> dict[str, bytes]:
    """Put policy and people in force: the small hospital's, without passkeys."""
    store = MemoryStore()
    for document in (policy().model_copy(update={"step_up_from": None}), with_gaps(directory())):
        await adopt(Ledger(store), document, actor="door:test", at=MORNING)
    return store.kept


def by_the_clock_of(city: City) -> None:
    """Let whoever measures time measure the city's; nobody waits in earnest."""
    for module in (blocks.rulebook, tasks.book, tasks.claims):
        module.monotonic = city.seconds  # type: ignore[attr-defined]
    tasks.book.PAUSE_S = durable.BACKOFF_S = 0


class Tally:
    """What came of the lives so far."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.lives = self.calm = self.wrong = 0

    def take(self, lived: Lived) -> None:
        """Count one more."""
        enough = lived.faults.total() >= FAULTS_MIN
        self.lives += enough
        self.calm += not enough
        self.wrong += bool(lived.violations)
        self.ends += lived.ends
        self.faults += lived.faults

    def __str__(self) -> str:
        """Print it in three lines."""
        return (
            f"{self.lives:,} lifetimes with {FAULTS_MIN} faults or more ({self.calm:,} calmer ones), "
            f"{self.faults.total():,} faults, {self.wrong:,} with a violation\n"
            f"  ends: {_printed(self.ends)}\n  faults: {_printed(self.faults)}"
        )


def _printed(counts: Counter[str]) -> str:
    return ", ".join(f"{n:,} {name}" for name, n in counts.most_common())


def story_of(lived: Lived) -> str:
    """Tell a life, and how to live it again."""
    wrong = [f"  {x.invariant} {x.where}: {x.what}" for x in lived.violations] or ["  nothing is violated"]
    again = f"again: python -m tests.simulation --seed {lived.seed}"
    return "\n".join([f"life {lived.seed}, {lived.personality}", *wrong, *(f"    {x}" for x in lived.story), again])


def _quiet(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    if not isinstance(context.get("exception"), Killed):
        sys.stderr.write(f"{context.get('message')}: {context.get('exception')!r}\n")


async def live_again(seed: int, kept: dict[str, bytes]) -> Lived:
    """Live the life of a seed."""
    asyncio.get_running_loop().set_exception_handler(_quiet)
    seed_random(seed)
    return await live(seed, kept, by_the_clock_of)


def _no_resolver() -> None:
    """Call again whenever an answer was lost."""
    effects.what_next = lambda *_, **__: "retry"  # type: ignore[assignment]


def _no_conditional_writes() -> None:
    """Write over what is there."""

    async def put(self: MemoryStore, key: str, data: bytes) -> None:
        self.kept[key] = data

    MemoryStore.create = put  # type: ignore[method-assign]


GUARDS = {"resolver": _no_resolver, "conditional-writes": _no_conditional_writes}
"""What can be taken away: the check must then find it."""


async def live_many(first: int, lifetimes: int, until: float) -> Tally:
    """Live one life after the other until there are enough, or time is over; tell those in which something is wrong."""
    kept, tally = await founded(), Tally()
    gc.collect()
    gc.freeze()  # what is imported stays; to look through it again and again costs a tenth of the time
    for seed in count(first):
        if tally.lives >= lifetimes or time() >= until:
            break
        lived = await live_again(seed, kept)
        tally.take(lived)
        if lived.violations and tally.wrong <= TOLD_MAX:
            sys.stdout.write(f"{story_of(lived)}\n")
            sys.stdout.flush()
    return tally


async def main() -> int:
    """Live, print, and return 1 where anything was violated."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=int, default=1, help="of the first life; without more, of the only one")
    made.add_argument("--lifetimes", type=int)
    made.add_argument("--minutes", type=float)
    made.add_argument("--without", choices=[*GUARDS], help="take a guard away: something must be found")
    given = made.parse_args()
    if given.without:
        GUARDS[given.without]()
    logging.disable(logging.CRITICAL)
    if given.lifetimes is None and given.minutes is None:
        lived = await live_again(given.seed, await founded())
        sys.stdout.write(f"{story_of(lived)}\n")
        return int(bool(lived.violations))
    until = time() + 60 * given.minutes if given.minutes else float("inf")
    tally = await live_many(given.seed, given.lifetimes or sys.maxsize, until)
    sys.stdout.write(f"{tally}\n  {process_time():.0f} s of CPU\n")
    return int(bool(tally.wrong))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set is part of a life
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    sys.exit(asyncio.run(main()))
