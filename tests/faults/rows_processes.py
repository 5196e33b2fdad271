"""Rows 9, 10, 18, 19 and 28: workers that are two, die, die again, or stand still; each a process of its own."""

import asyncio
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import psutil

from tests.crashes.syscalls import Bench, later
from tests.crashes.zygote import Place, Zygote
from tests.faults import guards
from tests.faults.matrix import Stage, row
from tests.faults.proxy import proxied
from tests.faults.waiting import until_so
from tests.faults.wrongs import met
from tests.invariants import Violation
from tests.needs import missing

LAGS, NOTHING = "a look-up that lags", "nothing at all"
ORDERS = "POST /orders"
SENDS = frozenset({"connect", "sendto", "sendmsg"})
STOPPED = frozenset({psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP})
WITHIN_S, STOPS_S = 1.0, 1.5
"""A claim is good for so long, and the worker stands still for longer: twenty seconds and ten minutes elsewhere."""


def _bench(stage: Stage, personality: str, *, traced: bool = True) -> Bench:
    """Prepare an approved case, to be carried by processes."""
    if traced and not shutil.which("strace"):
        missing("There is no strace here: apt-get install strace.")
    stage.root.mkdir()
    return Bench(personality, stage.hands.zygote(), stage.root)


def _unheard(bench: Bench) -> list[Place]:
    """List every system call from the answer of the ERP to the moment at which the ledger holds it."""
    places = bench.places(ORDERS)[2:]  # its head and its body have been sent
    written = next(n for n, one in enumerate(places) if one.call.startswith("link"))
    return places[: written + 1]


@row(9, "Two workers carry one case at the same moment", guard="an entry is created once", shows="I1",
     without=guards.elsewhere("overwriting"))  # fmt: skip
async def two_workers(stage: Stage) -> list[Violation]:
    """Both have read the case as it stands before either writes: the proxy holds them until both are there."""

    def played() -> list[Violation]:
        bench = _bench(stage, LAGS, traced=False)
        with bench.town() as (asked, server), proxied(asked["erp"]) as proxy:
            proxy.arm("POST /sourcing", met(2), times=2)
            both = {**asked, "erp": proxy.url, "without": guards.taken_out()}
            with ThreadPoolExecutor(2) as at_once:
                list(at_once.map(lambda nth: stage.hands.zygote(nth).carry(both), range(2)))
            assert len(proxy.faults()) == 2, "they never met"
            return bench.taken_up(later(asked, server), server)

    return await asyncio.to_thread(played)


@row(10, "A worker is killed before it has sent the order", guard="upkeep rings for who stands still", shows="I2",
     without=guards.unwatched)  # fmt: skip
async def killed_before_it_sends(stage: Stage) -> list[Violation]:
    def played() -> list[Violation]:
        bench = _bench(stage, LAGS)
        after = {*bench.places(ORDERS)[1:]}
        sends = [one for one in bench.places() if one.call in SENDS and one not in after]
        return [one for place in sends[-2:] for one in bench.found(place)]

    return await asyncio.to_thread(played)


@row(18, "A worker is killed after the ERP has committed, before it has noted that",
     guard="what was tried before is looked up first", shows="I1", without=guards.elsewhere("forgetful"))  # fmt: skip
async def killed_after_the_commit(stage: Stage) -> list[Violation]:
    def played() -> list[Violation]:
        bench = _bench(stage, LAGS)
        return [one for place in _unheard(bench) for one in bench.found(place, without=guards.taken_out())]

    return await asyncio.to_thread(played)


@row(19, "And whoever takes it up is killed too", guard="what was tried before is looked up first", shows="I1",
     without=guards.elsewhere("forgetful"))  # fmt: skip
async def killed_again(stage: Stage) -> list[Violation]:
    def played() -> list[Violation]:
        bench = _bench(stage, NOTHING)
        tried, name = _unheard(bench)[::3], guards.taken_out()
        return [one for pair in product(tried, repeat=2) for one in bench.found(*pair, without=name)]

    return await asyncio.to_thread(played)


@row(28, "A worker stands still between its claim and its call, is taken over, and wakes",
     guard="a claim is good for a while, and for one", shows="I1", without=guards.elsewhere("unfenced"))  # fmt: skip
async def stands_still(stage: Stage) -> list[Violation]:
    """SIGSTOP as the last call is made before the order goes out, SIGCONT when somebody else has ordered."""

    def before_it_orders(bench: Bench) -> Place:
        after = {*bench.places(ORDERS)}
        return [one for one in bench.places() if one.call.startswith("unlink") and one not in after][-1]

    def played() -> list[Violation]:
        bench, sleeper, other = _bench(stage, LAGS), stage.hands.zygote(), stage.hands.zygote(1)
        place = before_it_orders(bench)
        with bench.town() as (asked, server), ThreadPoolExecutor(1) as beside:
            told = {**asked, "within_s": str(WITHIN_S), "without": guards.taken_out()}
            stop = ("-e", f"trace={place.call}", "-e", f"inject={place.call}:signal=SIGSTOP:when={place.nth}")
            sleeping = beside.submit(sleeper.carry, told, *stop, "-o", os.devnull)
            until_so(lambda: _claimed(asked) and _stopped(sleeper), "the worker stands still")
            assert not server.jobs, "it stands still too late"
            time.sleep(STOPS_S)
            over = later(asked, server)
            other.carry(over)
            assert server.booked(), "nobody took it over"
            os.kill(sleeper.child, signal.SIGCONT)
            sleeping.result(timeout=30)
            return bench.taken_up(later(over, server), server)

    return await asyncio.to_thread(played)


def _claimed(asked: dict[str, str]) -> bool:
    entries = (Path(asked["root"]) / "store" / "cases" / asked["case"]).glob("*.json")
    return any('"act":"intent"' in one.read_text() for one in entries)


def _stopped(zygote: Zygote) -> bool:
    return bool(zygote.child) and psutil.Process(zygote.child).status() in STOPPED
