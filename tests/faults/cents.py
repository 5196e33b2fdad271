"""`python -m tests.faults.cents [--cases N --seconds S --seed X]`: every approved cent, once, or named as in doubt.

Approved cases wait for their orders. They are woken one after the other while S3 and three ERPs do wrong with every few
requests, each behind a proxy, and in the last third answer nothing at all; upkeep looks every ten seconds. Each ERP
makes its first order and is cut off before it can say so, however slow the machine. When the faults are over, the clock
starts: until each case is posted once, as the ERP's own books have it, or is named as in doubt. Time is real.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple
from uuid import uuid4

from blocks import connect
from blocks.errors import OutsideError
from blocks.ledger import Ledger
from blocks.ports import Personality
from blocks.records.money import Money as Amount
from blocks.records.policy import Policy
from blocks.rulebook import Shelf, adopt
from blocks.wire.report import in_doubt
from infrastructure.local.stack.running import BackgroundStack, Wish, background_stack
from tasks.case import Case, OvertakenError, Waiting
from tasks.durable import PROCESSES, carry
from tasks.effects import InDoubtError
from tasks.results import keep_result, result_of
from tasks.upkeep.lookout import Lookout
from tests.buckets import installed_tools
from tests.crashes.syscalls import served
from tests.fakes.desk import FakeDesk
from tests.fakes.erp import FakeErp
from tests.fakes.erp_client import HttpErp
from tests.fakes.erp_server import PERSONALITIES, ErpServer
from tests.faults.proxy import Proxy, proxied
from tests.faults.rows_store import through
from tests.faults.wrongs import black_hole, misreported, refused, reset, slow, sometimes, twice, unheard
from tests.hospital import Hospital, plain_policy

OURS: dict[str, Personality] = {
    "a key for ever, and a look-up": Personality(key_kept_s=None, finds=True, lag_s=0),
    "a key kept for a day": PERSONALITIES["a key kept for a day"],
    "nothing at all": PERSONALITIES["nothing at all"],
}
"""The first is how Tryton behaves with our index."""
SHARE, SHARE_OF_S3 = 0.5, 0.1
"""Of requests to an ERP and to S3: how many go wrong."""
DARK = 1 / 3
"""For which part of the time, at its end, nothing answers at all."""
AT_ONCE, LOOKS_S, GIVES_UP_S, TIMEOUT_S = 8, 10.0, 100.0, 1.0
WITHIN_S = 60.0
"""How soon after the last fault's end all must be posted or named."""
WANTED = (("KNEE-TIB-4", 1), ("HIP-STEM-12", 1))
FAILS = (reset, unheard, partial(misreported, 502), partial(misreported, 504), partial(refused, 503))
LOSSES = (*FAILS, partial(slow, 1.5), black_hole, partial(slow, 0.3))
OF_S3 = (partial(refused, 503), partial(misreported, 500), reset, unheard, partial(slow, 0.3))


class Counted(NamedTuple):
    """What became of the cents."""

    cases: int
    approved: int
    posted: int
    doubted: int
    """Named as in doubt, posted or not."""
    open: int
    """Neither."""
    doubled: int
    """Posted a second time."""
    seconds: float
    """From the last fault's end until all were posted or named."""
    faults: Counter[str]

    def __str__(self) -> str:
        of = 100 * (self.posted + self.doubted) / self.approved
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.faults.most_common())
        return (
            f"{self.approved:,} cents approved in {self.cases} cases\n"
            f"{self.posted:,} posted once, {self.doubted:,} named as in doubt, {self.open:,} neither, "
            f"{self.doubled:,} posted twice: {of:.2f} %\n"
            f"all of them {self.seconds:.1f} s after the last of {self.faults.total():,} faults ({kinds})"
        )


@dataclass
class Money:
    """Approved cases, the ERPs they are ordered from, and everything that does wrong."""

    ledger: Ledger
    servers: dict[str, ErpServer] = field(default_factory=dict)
    proxies: list[Proxy] = field(default_factory=list)
    erps: dict[str, HttpErp] = field(default_factory=dict)
    ordered_from: dict[str, str] = field(default_factory=dict)
    approved: dict[str, int] = field(default_factory=dict)
    """Cents, by case."""
    desk: FakeDesk = field(default_factory=FakeDesk)
    carried: set[str] = field(default_factory=set)

    async def carry(self, name: str, turns: asyncio.Semaphore) -> None:
        """Carry a case as far as it goes."""
        if name in self.carried:
            return
        self.carried.add(name)
        outside = connect.Outside(self.ledger, Shelf(self.ledger), self.erps[self.ordered_from[name]], self.desk)
        try:
            async with turns:
                case = Case(self.ledger, await self.ledger.read(name), "process:requisition")
                with connect.bound(outside):
                    outcome = await carry(PROCESSES["requisition"], case)
                await keep_result(result_of(case.chain, outcome), self.ledger)
        except (Waiting, OutsideError, OvertakenError, InDoubtError):
            return  # upkeep rings again where that is due
        finally:
            self.carried.discard(name)

    async def keep_up(self, tasks: asyncio.TaskGroup, turns: asyncio.Semaphore) -> None:
        """Ring for what stands still, every ten seconds."""
        lookout = Lookout(share=1e9)
        while True:
            await asyncio.sleep(LOOKS_S)
            try:
                still = await lookout.standing_still(self.ledger)
            except OutsideError:
                continue
            for name in set(still) & set(self.approved):
                tasks.create_task(self.carry(name, turns))

    async def settled(self, past: Ledger) -> set[str]:
        """Name the cases that have ended, or are named as in doubt; read past every fault."""
        chains = [await past.read(name) for name in self.approved]
        return {chain.case for chain in chains if chain.last("ended") or in_doubt(chain)}

    async def counted(self, past: Ledger, seconds: float) -> Counted:
        """Count the cents, by the ERPs' own books."""
        booked = [one for server in self.servers.values() for one in server.booked()]
        of_key: dict[str, list[int]] = {}
        for one in booked:
            of_key.setdefault(one.document.key, []).append(_cents(one.draft.unit_price * one.draft.quantity))
        sums: Counter[str] = Counter()
        for name, cents in self.approved.items():
            chain = await past.read(name)
            intent = chain.last("intent")
            made = of_key.get(intent.key, []) if intent else []
            once = chain.last("ended") and made == [cents]
            sums["doubted" if in_doubt(chain) else "posted" if once else "open"] += cents
        doubled = sum(sum(made[1:]) for made in of_key.values())
        faults = sum((proxy.drawn for proxy in self.proxies), Counter[str]())
        approved = sum(self.approved.values())
        kinds = (sums["posted"], sums["doubted"], sums["open"], doubled)
        return Counted(len(self.approved), approved, *kinds, seconds, faults)


def _cents(amount: Amount) -> int:
    return int(amount.amount * 100)


async def count(s3: BackgroundStack, root: Path, *, cases: int, seconds: float, seed: int) -> Counted:
    """Let so many approved cases be ordered while everything does wrong for so long."""
    dice = Random(seed)  # noqa: S311  dice, not secrets
    async with _town(s3, root, dice, cases) as (money, past):
        turns = asyncio.Semaphore(AT_ONCE)
        lost = [proxy.arm("POST /orders", sometimes(dice, 1, (unheard,))) for proxy in money.proxies[1:]]
        for proxy in money.proxies[1:]:
            wrongs = LOSSES if proxy is money.proxies[-1] else (*LOSSES, twice)  # without keys no client can bear twice
            proxy.arm("/orders", sometimes(dice, SHARE, wrongs), times=None)
        money.proxies[0].arm("/cases/", sometimes(dice, SHARE_OF_S3, OF_S3), times=None)
        async with asyncio.TaskGroup() as tasks:
            upkeep = tasks.create_task(money.keep_up(tasks, turns))
            for name in money.approved:
                asyncio.get_running_loop().call_later(
                    dice.random() * seconds, lambda it: tasks.create_task(money.carry(it, turns)), name
                )
            await asyncio.sleep(seconds * (1 - DARK))
            await _until(lambda: not any(first.times for first in lost))  # a slow machine has ordered nothing yet
            for proxy in money.proxies:
                proxy.heal()
                proxy.arm(".", sometimes(dice, 1, (black_hole, reset)), times=None)
            await asyncio.sleep(seconds * DARK)
            for proxy in money.proxies:
                proxy.heal()
            healed = time.monotonic()
            took = 0.0
            while took < GIVES_UP_S and await money.settled(past) < {*money.approved}:
                await asyncio.sleep(0.5)
                took = time.monotonic() - healed
            upkeep.cancel()
        return await money.counted(past, took)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(GIVES_UP_S):
        while not true():  # noqa: ASYNC110 -- a proxy rings no bell
            await asyncio.sleep(0.1)


@asynccontextmanager
async def _town(s3: BackgroundStack, root: Path, dice: Random, cases: int) -> AsyncIterator[tuple[Money, Ledger]]:
    """Approve the cases, put the ledger into S3, and a proxy before everything."""
    async with AsyncExitStack() as stack:
        straight, prefix = s3.site.ports.url("s3"), f"cents/{uuid4().hex}"
        before_s3 = stack.enter_context(proxied(straight))
        ledger = Ledger(through(before_s3.url, s3, prefix=prefix, timeout_s=TIMEOUT_S))
        past = Ledger(through(straight, s3, prefix=prefix, timeout_s=30))
        money = Money(ledger, proxies=[before_s3])
        for name, personality in OURS.items():
            server = money.servers[name] = ErpServer(personality, clock=time.time)
            proxy = stack.enter_context(proxied(stack.enter_context(served(server))))
            money.proxies.append(proxy)
            erp = money.erps[name] = HttpErp(proxy.url, personality, timeout_s=TIMEOUT_S, transport=None)
            stack.push_async_callback(erp.aclose)
        hospital = await _approve(money, root, dice, cases)
        async for blob in hospital.ledger.store.list(""):
            await past.store.create(blob.key, await hospital.ledger.store.get(blob.key))
        yield money, past


async def _approve(money: Money, root: Path, dice: Random, cases: int) -> Hospital:
    """Let so many be asked for and approved, each by one person, and none be ordered yet."""
    hospital = await Hospital.opened(root)
    hospital.now = datetime.now(UTC).replace(microsecond=0) - cases * timedelta(minutes=2)  # each takes one
    hospital.erp, hospital.desk = FakeErp(year=hospital.now.year), money.desk
    await adopt(hospital.ledger, _one_asked(plain_policy()), actor="door:test", at=hospital.now)
    for n in range(cases):
        case = await hospital.submit(*dice.choice(WANTED))
        await hospital.wake(case)
        (ask,) = await hospital.asks(case)
        await hospital.answer(case, "ivo.petrov")
        money.approved[case], money.ordered_from[case] = _cents(ask.amount), [*OURS][n % len(OURS)]
    return hospital


def _one_asked(policy: Policy) -> Policy:
    """Let implants of any amount take one approval, so that all may be approved before any is ordered."""
    (first, *_) = next(one for one in policy.matrices if one.category == "implants").tiers
    every = first.model_copy(update={"band": first.band.model_copy(update={"upper": None})})
    matrices = (
        one.model_copy(update={"tiers": (every,)}) if one.category == "implants" else one for one in policy.matrices
    )
    return policy.model_copy(update={"matrices": tuple(matrices), "effective_from": date(2026, 1, 2)})


@contextmanager
def seaweed() -> Iterator[BackgroundStack]:
    """Run an S3 for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="almoner-cents-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "tools").symlink_to(installed_tools())
        with background_stack(Wish(home, only=("s3",))) as running:
            yield running


def main() -> int:
    """Count, print, and return 1 where a cent is missing or was spent twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=30, help="how long things go wrong")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with seaweed() as s3, tempfile.TemporaryDirectory(prefix="almoner-cents-") as folder:
        told = asyncio.run(count(s3, Path(folder) / "store", cases=given.cases, seconds=given.seconds, seed=given.seed))
    print(told)  # noqa: T201  a command prints
    return int(bool(told.open or told.doubled or told.seconds > WITHIN_S))


if __name__ == "__main__":
    sys.exit(main())
