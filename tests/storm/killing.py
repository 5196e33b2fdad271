"""Kill-and-restart cycles: somebody is killed, or made to stand still, while cases are carried; and what came of it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median, quantiles
from time import monotonic
from typing import NamedTuple

from blocks import connect
from blocks.ledger import Chain
from blocks.wire.report import in_doubt
from tasks.case import utc_now
from tasks.decide import waits_for
from tests.invariants import Violation
from tests.storm.servants import Servant
from tests.storm.town import Town

VICTIMS = ("worker",) * 10 + ("erp", "prefect", "log")
"""Who is killed, how often: workers most of all."""
STOPS_S = 45.0
"""How long who is stopped stands still: longer than a claim is good for, than a lease, than three heartbeats."""
MOMENT_S = 1.0
COMMIT_WITHIN_S = 2.0
MOVES_WITHIN_S = 240.0
"""Whoever has not moved by then is lost: on SQLite a write of Prefect's may wait for a minute, and for another."""
OPEN_EACH = 3
"""How many cases are open at a time, for each worker."""


class Struck(NamedTuple):
    """A case that was being carried by whoever was killed, or stopped: how far it had come, and when."""

    case: str
    seq: int
    at: datetime
    how: str


@dataclass
class Score:
    """What the cycles have come to so far."""

    kills: Counter[str] = field(default_factory=Counter)
    struck: list[Struck] = field(default_factory=list)
    moved_s: dict[str, list[float]] = field(default_factory=dict)
    """Seconds from the kill to the case's next entry in the ledger, by who was killed."""
    violations: list[Violation] = field(default_factory=list)
    cases: int = 0
    ended: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Score") -> None:
        """Count another town's."""
        self.kills, self.ended = self.kills + other.kills, self.ended + other.ended
        self.violations += other.violations
        self.cases += other.cases
        for how, took in other.moved_s.items():
            self.moved_s.setdefault(how, []).extend(took)

    def __str__(self) -> str:
        """Print it."""
        kills = ", ".join(f"{n:,} {how}" for how, n in self.kills.most_common())
        ends = ", ".join(f"{n:,} {how}" for how, n in self.ended.most_common())
        lines = [f"  {how}: moves again: {self.recovery(how)}" for how in sorted(self.moved_s)]
        wrong = [f"  {one.invariant} {one.where}: {one.what}" for one in self.violations]
        head = f"  {self.kills.total():,} cycles ({kills}), {self.cases:,} cases ({ends}), "
        return "\n".join([f"{head}{len(self.violations):,} violations", *lines, *wrong])

    def recovery(self, how: str) -> str:
        """Print how long it took until cases moved again."""
        took = sorted(self.moved_s.get(how, ()))
        if not took:
            return "none struck"
        return (
            f"{len(took):,} cases struck, median {median(took):.1f} s, p99 {p99(took):.1f} s, longest {took[-1]:.1f} s"
        )


def p99(took: list[float]) -> float:
    """Find what 99 of a hundred stay below."""
    return quantiles(took, n=100, method="inclusive")[98] if len(took) > 1 else took[0]


class Storm:
    """A number of cycles in one town."""

    def __init__(self, town: Town, cycles: int, stops: int, told: Callable[[Score], None]) -> None:
        self.town, self.left, self.stops, self.told = town, cycles, stops, told
        self.score = Score()
        self._judging = asyncio.Lock()

    async def rage(self) -> Score:
        """Go through the cycles, let everything come to its end, and judge."""
        people = asyncio.create_task(self.town.attend())
        try:
            feeding = asyncio.create_task(self._feed())
            async with asyncio.TaskGroup() as group:
                for worker in self.town.workers:
                    group.create_task(self._batter(worker))
            feeding.cancel()
            await self.town.until_all_ended(MOVES_WITHIN_S)
        finally:
            people.cancel()
            await asyncio.gather(people, return_exceptions=True)
        self.score.violations += await self.town.judge(over=True)
        await self._reckon()
        return self.score

    async def _feed(self) -> None:
        """Let cases come in all the time."""
        town = self.town
        while True:
            if len(town.open) < OPEN_EACH * len(town.workers):
                await town.submit(town.dice.choice(town.workers))
            await asyncio.sleep(town.dice.uniform(0.2, 1.0))

    async def _batter(self, worker: Servant) -> None:
        while self.left > 0:
            self.left -= 1
            await worker.until_well()
            await self.town.submit(worker)
            await self._moment()
            victim = self.town.dice.choice(VICTIMS)
            if self.stops:
                self.stops -= 1
                await self._stop(worker)
            elif victim == "worker" or (victim != "erp" and victim not in self.town.stack.parts):
                await self._kill_worker(worker)
            else:
                await self._kill(victim)
            async with self._judging:
                self.score.violations += await self.town.judge()
            self.told(self.score)

    async def _moment(self) -> None:
        """Wait for a random moment, or for one between what the ERP committed and what it answers."""
        town = self.town
        if town.dice.random() < 0.4:
            await asyncio.sleep(town.dice.uniform(0, MOMENT_S))
            return
        size, deadline = _size(town), monotonic() + COMMIT_WITHIN_S
        while _size(town) == size and monotonic() < deadline:  # noqa: ASYNC110  another process writes it
            await asyncio.sleep(0.002)

    async def _kill_worker(self, worker: Servant) -> None:
        await worker.kill()
        struck = await self._strike(worker, "worker killed")
        await worker.start()
        await self._until_moved(struck)

    async def _stop(self, worker: Servant) -> None:
        """Let a worker stand still for so long that others take over, then let it go on."""
        worker.stop()
        struck = await self._strike(worker, "worker stopped")
        await asyncio.sleep(STOPS_S)
        worker.go_on()
        await self._until_moved(struck)

    async def _kill(self, victim: str) -> None:
        """Kill somebody else: every case that is open may be struck."""
        town = self.town
        if victim == "erp":
            await town.erp.kill()
            struck = await self._strike(None, "erp killed")
            await town.erp.start()
        else:
            await town.stack.kill(victim)
            struck = await self._strike(None, f"{victim} killed")
            await town.stack.until_well(victim)
        await self._until_moved(struck)

    async def _strike(self, worker: Servant | None, how: str) -> list[Struck]:
        """Note which cases have been struck: those that somebody was to carry on just then."""
        now, found = utc_now(), []
        self.score.kills[how] += 1
        for case, known in [*self.town.open.items()]:
            if worker is not None and self.town.carriers[case] is not worker:
                continue
            chain = await connect.ledger().read(case, known=known)
            if is_to_move(chain):
                found.append(Struck(case, chain.seq, now, how))
        self.score.struck += found
        return found

    async def _until_moved(self, struck: list[Struck]) -> None:
        """Wait until each has gone on; what does not is found by the judge, and in what is reckoned."""
        deadline = monotonic() + MOVES_WITHIN_S
        for one in struck:
            while monotonic() < deadline:
                if (await connect.ledger().read(one.case)).seq > one.seq:
                    break
                await asyncio.sleep(0.2)
            else:
                self.score.violations.append(Violation("I2", one.case, f"{one.how}, and it does not move again"))

    async def _reckon(self) -> None:
        """Read from the ledger how long each took, and how each case ended."""
        for one in self.score.struck:
            entries = (await connect.ledger().read(one.case)).entries[one.seq :]
            if entries:
                took = (entries[0].lines[-1].at - one.at).total_seconds()
                self.score.moved_s.setdefault(one.how, []).append(took)
        async for name, _ in connect.ledger().cases():
            ended = (await connect.ledger().read(name)).last("ended") if "~" not in name else None
            if ended:
                self.score.cases += 1
                self.score.ended[ended.body["outcome"]["ended"]] += 1


def is_to_move(chain: Chain) -> bool:
    """Say whether a case is to go on by itself: it has not ended, and nobody is being waited for."""
    return not chain.last("ended") and not waits_for(chain) and not in_doubt(chain)


def _size(town: Town) -> int:
    return town.journal.stat().st_size if town.journal.exists() else 0
