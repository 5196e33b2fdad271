"""Kill-and-restart cycles: somebody is killed, or made to stand still, while cases are carried; and what came of it.

What is judged is durable: the ledger, and the ERP's own journal. So it is judged once, when all is over, and nothing
that went wrong on the way is missed by that.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from blocks import connect
from blocks.errors import OutsideError
from blocks.ledger import Chain
from blocks.wire.report import in_doubt
from tasks.case import utc_now
from tasks.decide import waits_for
from tests.invariants import Violation
from tests.storm.outsider import agreed, seal_the_rest
from tests.storm.score import AGAIN, Score, Struck
from tests.storm.servants import Servant
from tests.storm.story import Happened, story
from tests.storm.town import Town

VICTIMS = ("worker",) * 8 + ("erp", "prefect", "postgres", "s3", "log")
"""Who is killed, how often: workers most of all. Who is not of the town is spared, and a worker dies instead."""
EVERYTHING = ("postgres", "s3", "log", "prefect", "desk")
STOPS_S = 45.0
"""How long who is stopped stands still: longer than a claim is good for, than a lease, than three heartbeats."""
MOMENT_S = 1.0
COMMIT_WITHIN_S = 2.0
MOVES_WITHIN_S = 240.0
"""Whoever has not moved by then is lost."""
OPEN_EACH = 3
"""How many cases are open at a time, for each worker."""
LOOK_EVERY_S = 0.2


class Storm:
    """A number of cycles in one town: of each of its workers at the same time."""

    def __init__(self, town: Town, cycles: int, stops: int, told: Callable[[Score], None], blackouts: int = 0) -> None:
        self.town, self.left, self.stops, self.told, self.blackouts = town, cycles, stops, told, blackouts
        self.score = Score()
        self._unmoved: dict[str, Struck] = {}
        self._happened: list[Happened] = []
        self._one_at_a_time = asyncio.Lock()
        self._feeds = True

    async def rage(self) -> Score:
        """Go through the cycles, let everything come to its end, and judge."""
        async with asyncio.TaskGroup() as group:
            people = group.create_task(self.town.attend())
            feeding = group.create_task(self._feed())
            async with asyncio.TaskGroup() as kills:
                for worker in self.town.workers:
                    kills.create_task(self._batter(worker))
            for _ in range(self.blackouts):
                await self._black_out()
            self._feeds = False
            await feeding
            await self.town.find_everybody()
            await self.town.until_all_ended(MOVES_WITHIN_S)
            people.cancel()
        await self._judge()
        await self._reckon()
        return self.score

    async def _judge(self) -> None:
        """Ask the oracle, and an outsider where the town seals its ledger."""
        seals = "log" in self.town.stack.parts
        if seals:
            await seal_the_rest(self.town)
        self.score.violations += await self.town.judge(over=True, log=connect.log() if seals else None)
        if seals:
            self.score.agreed, found = await agreed()
            self.score.violations += found

    async def _feed(self) -> None:
        """Let cases come in all the time."""
        town = self.town
        while self._feeds:
            if len(town.open) < OPEN_EACH * len(town.workers):
                with contextlib.suppress(OutsideError):  # the store is away just now
                    await town.submit(town.dice.choice(town.workers))
            await asyncio.sleep(town.dice.uniform(0.2, 1.0))

    async def _batter(self, worker: Servant) -> None:
        while self.left > 0:
            self.left -= 1
            await self._well(worker)
            with contextlib.suppress(OutsideError):
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
        struck = await self._strike(worker, f"{worker.name} killed")
        await worker.start()
        await self._until_moved(struck)

    async def _stop(self, worker: Servant) -> None:
        """Let a worker stand still for so long that others take over, then let it go on."""
        worker.stop()
        struck = await self._strike(worker, f"{worker.name} stopped")
        await asyncio.sleep(STOPS_S)
        worker.go_on()
        self._note(f"{worker.name} goes on")
        await self._until_moved(struck)

    async def _kill(self, victim: str) -> None:
        """Kill somebody else: every case that is open may be struck."""
        town = self.town
        async with self._one_at_a_time:  # who is being started again is not killed by the other batterer
            seen = await self._seen(None, "s3 killed") if victim == "s3" else None
            if victim == "erp":
                await town.erp.kill()
            else:
                await town.stack.kill(victim)
            struck = await self._strike(None, f"{victim} killed") if seen is None else seen
            if victim == "erp":
                await town.erp.start()
            else:
                await self._back(victim, struck)
        await self._until_moved(struck)

    async def _black_out(self) -> None:
        """Kill everything at once, as a machine that loses its power; whoever supervises starts each again."""
        town = self.town
        parts = [name for name in EVERYTHING if name in town.stack.parts]
        struck = await self._seen(None, "everything killed")
        await asyncio.gather(
            *(town.stack.kill(name) for name in parts), *(one.kill() for one in (town.erp, *town.workers))
        )
        await asyncio.gather(*(one.start() for one in (town.erp, *town.workers)))
        await asyncio.gather(*(self._back(name, struck) for name in parts))
        await self._until_moved(struck)
        await asyncio.gather(*(self._well(one) for one in town.workers))
        self.told(self.score)

    async def _back(self, part: str, struck: list[Struck]) -> None:
        await self.town.stack.until_well(part)
        self._note(f"{part} is well")
        if part == "s3":
            for one in struck:
                one.back = utc_now()

    async def _well(self, servant: Servant) -> None:
        await servant.until_well()
        self._note(f"{servant.name} is well")

    def _note(self, what: str) -> None:
        self._happened.append(Happened(utc_now(), f"* {what}"))

    async def _strike(self, worker: Servant | None, how: str) -> list[Struck]:
        """Note which cases have been struck: those that somebody was to carry on just then."""
        while True:
            try:
                return await self._seen(worker, how)
            except OutsideError:  # the store was killed as well
                await asyncio.sleep(LOOK_EVERY_S)

    async def _seen(self, worker: Servant | None, how: str) -> list[Struck]:
        now, town, found = utc_now(), self.town, list[Struck]()
        kind = how if worker is None else f"worker {how.rsplit(maxsplit=1)[-1]}"
        chains = {
            case: await connect.ledger().read(case, known=known)
            for case, known in [*town.open.items()]
            if worker is None or town.carriers[case] is worker
        }
        for case, chain in chains.items():
            before = self._unmoved.get(case)
            if before and before.seq == chain.seq:  # counted from the first blow
                before.how = AGAIN
                found.append(before)
            elif is_to_move(chain):
                self._unmoved[case] = one = Struck(case, chain.seq, now, kind)
                self.score.struck.append(one)
                found.append(one)
        self.score.kills[kind] += 1
        self._note(how)
        return found

    async def _until_moved(self, struck: list[Struck]) -> None:
        """Wait until each has gone on; what does not is found by the judge, and in what is reckoned."""
        deadline = monotonic() + MOVES_WITHIN_S
        for one in struck:
            while monotonic() < deadline:
                with contextlib.suppress(OutsideError):
                    if (await connect.ledger().read(one.case)).seq > one.seq:
                        break
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                self.score.violations.append(Violation("I2", one.case, f"{one.how}, and it does not move again"))

    async def _reckon(self) -> None:
        """Read from the ledger how long each took, and how each case ended."""
        worst: dict[str, tuple[float, Struck]] = {}
        for one in self.score.struck:
            entries = (await connect.ledger().read(one.case)).entries[one.seq :]
            if entries:
                took = (max(entries[0].lines[-1].at, one.back or one.at) - one.at).total_seconds()
                self.score.moved_s.setdefault(one.how, []).append(took)
                worst[one.how] = max((took, one), worst.get(one.how, (0.0, one)), key=lambda pair: pair[0])
        for how, (took, one) in worst.items():
            until = one.at + timedelta(seconds=took)
            told = await story(one.case, one.at, until, self._happened, self.town.prefect)
            self.score.slowest[how] = (took, told)
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
