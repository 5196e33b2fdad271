"""Lives, one after the other and on several cores: what they share, and the clocks they go by."""

import asyncio
import gc
import logging
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import cache, lru_cache
from itertools import count
from random import seed as seed_random
from time import time

import uvloop

import blocks.rulebook
import tasks.book
import tasks.claims
import tasks.parked
from blocks.ledger import Ledger
from blocks.records.ledger import Entry
from blocks.records.people import Directory
from blocks.records.policy import Policy
from blocks.rulebook import adopt
from infrastructure.local.hospital.__main__ import directory, policy
from tasks import durable, effects
from tests.crashes.points import Killed
from tests.hospital import MORNING, with_gaps
from tests.simulation.city import City
from tests.simulation.life import Lived, live
from tests.simulation.tally import Tally
from tests.stores import MemoryStore

AT_A_TIME = 10
"""How many lives a process lives before it tells of them."""
READ_MAX = 2_000


@cache
def founded() -> dict[str, bytes]:
    """Put policy and people in force, once a process: the small hospital's, without passkeys."""
    store = MemoryStore()

    async def found() -> None:
        for document in (policy().model_copy(update={"step_up_from": None}), with_gaps(directory())):
            await adopt(Ledger(store), document, actor="door:test", at=MORNING)

    asyncio.run(found())
    return store.kept


def by_the_clock_of(city: City) -> None:
    """Let whoever measures time measure the city's; nobody waits in earnest."""
    for module in (blocks.rulebook, tasks.book, tasks.claims, tasks.parked):
        module.monotonic = city.seconds  # type: ignore[attr-defined]
    tasks.book.PAUSE_S = durable.BACKOFF_S = 0


def _no_resolver() -> None:
    """Call again whenever an answer was lost."""
    effects.what_next = lambda *_, **__: "retry"  # type: ignore[assignment]


def _no_conditional_writes() -> None:
    """Write over what is there."""

    async def put(self: MemoryStore, key: str, data: bytes) -> None:
        self.kept[key] = data

    MemoryStore.create = put  # type: ignore[method-assign]


def _no_compare_and_swap() -> None:
    """Write over whatever is there, whoever wrote it."""
    swap = MemoryStore.swap

    async def blindly(self: MemoryStore, key: str, data: bytes, *, was: str) -> str:  # noqa: ARG001  that is the point
        return await swap(self, key, data, was=(await self.look(key)).version)

    MemoryStore.swap = blindly  # type: ignore[method-assign]


GUARDS = {
    "compare-and-swap": _no_compare_and_swap,
    "resolver": _no_resolver,
    "conditional-writes": _no_conditional_writes,
}
"""What can be taken away: the check must then find it."""


def get_ready() -> None:
    """Be ready to live: what is read is frozen, so the same bytes are parsed once; what is imported stays."""
    logging.disable(logging.CRITICAL)
    for kind in (Entry, Policy, Directory):
        kind.model_validate_json = lru_cache(READ_MAX)(kind.model_validate_json)  # type: ignore[method-assign]
    founded()
    gc.collect()
    gc.freeze()  # to look through it again and again would cost a tenth of the time


def lived(seed: int) -> Lived:
    """Live the life of a seed."""
    return uvloop.run(_lived(seed))


async def _lived(seed: int) -> Lived:
    asyncio.get_running_loop().set_exception_handler(_quiet)
    seed_random(seed)
    return await live(seed, founded(), by_the_clock_of)


def _quiet(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    if not isinstance(context.get("exception"), Killed):
        sys.stderr.write(f"{context.get('message')}: {context.get('exception')!r}\n")


def lived_from(first: int) -> Tally:
    """Live a few lives, from a seed on."""
    tally = Tally()
    for seed in range(first, first + AT_A_TIME):
        tally.take(lived(seed))
    return tally


def live_many(
    first: int, lifetimes: int, until: float, processes: int, told: Callable[[Tally], None] = lambda _: None
) -> Tally:
    """Live from a seed on until there are enough lifetimes, or time is over; *told* hears how it goes."""
    tally, seeds = Tally(), count(first, AT_A_TIME)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        under_way = {pool.submit(lived_from, next(seeds)) for _ in range(processes)}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for one in done:
                tally.add(one.result())
                if tally.enough < lifetimes and time() < until:
                    under_way.add(pool.submit(lived_from, next(seeds)))
            told(tally)
    return tally
