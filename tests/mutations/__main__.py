"""Send altered requests and print what came of them: `python -m tests.mutations --requests 10000 --seed 1`.

A request is known by the seed and its number. Every 250 requests there is another hospital, so that
`--seed 1 --only 4711` sends again no more than the block up to that request, and prints it.

Time is what the processor spends from the arrival at the doors until everything that follows the answer is done: more
than Slack waits for, and the same on a busy machine. The longest stretch by the clock is printed beside it.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.mutations.alter import alter, shown
from tests.mutations.genuine import genuine
from tests.mutations.house import House
from tests.mutations.model import able, faults, is_signed, said
from tests.mutations.sent import Sent

BLOCK = 250
UNTOUCHED, AGAIN = 0.12, 0.08
CPU_MAX_S = 0.25


@dataclass
class Tally:
    """What was sent and what came of it."""

    counts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    cpu_s: list[float] = field(default_factory=list)
    clock_s: list[float] = field(default_factory=list)
    wrong: dict[int, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        """Print the figures."""
        cpu, clock = sorted(self.cpu_s), sorted(self.clock_s)
        counted = ", ".join(f"{count:,} {name}" for name, count in sorted(self.counts.items()))
        statuses = ", ".join(f"{count:,} × {status}" for status, count in sorted(self.statuses.items()))
        p99 = int(len(cpu) * 0.99)
        times = f"processor: p99 {cpu[p99] * 1000:.1f} ms, most {cpu[-1] * 1000:.1f} ms; by the clock"
        times += f" p99 {clock[p99] * 1000:.1f} ms, most {clock[-1] * 1000:.1f} ms"
        return f"{len(cpu):,} requests: {counted}\nanswers: {statuses}\n{times}"


async def run_many(requests: int, seed: int, tally: Tally, *, only: int | None = None) -> None:
    """Send requests, a hospital for each block of them."""
    first = 0 if only is None else only // BLOCK * BLOCK
    last = requests if only is None else only + 1
    for begin in range(first, last, BLOCK):
        with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
            house = await House.built(Path(folder))
            gc.collect()  # what the last block left, as the server collects before it serves
            with house.doors():
                sent: list[Sent] = []
                for number in range(begin, min(begin + BLOCK, last)):
                    await one(house, number, seed, sent, tally)
                    if number == only:
                        print(shown(sent[-1]))
            await house.client.aclose()


async def one(house: House, number: int, seed: int, earlier: list[Sent], tally: Tally) -> None:
    """Send one request, and note what came of it."""
    dice = Random(f"{seed}/{number}")  # noqa: S311  dice, not secrets
    sent = await drawn(house, number, dice, earlier)
    earlier.append(sent)
    expected = _must_count(sent, house)
    try:
        answered = await house.send(sent)
    except Exception as error:  # noqa: BLE001  whatever it is, the door did not handle it
        tally.wrong[number] = [f"the door broke: {error!r}", shown(sent)]
        return
    cpu, clock = house.spent[-1]
    tally.cpu_s.append(cpu)
    tally.clock_s.append(clock)
    found = [*faults(sent, answered, house)]
    decided = [case for case, line in answered.lines if line.act == "decided"]
    if expected and decided != [expected]:
        found.append(f"a genuine answer about {expected} was not taken")
    if tally.cpu_s[-1] > CPU_MAX_S:
        found.append(f"it took {tally.cpu_s[-1] * 1000:.0f} ms of the processor")
    house.note(answered.lines)
    tally.statuses[answered.status] += 1
    tally.counts["signed" if is_signed(sent) else "not signed"] += 1
    tally.counts["as they were" if not sent.trail else "altered"] += 1
    tally.counts.update({f"lines {line.act}": 1 for _, line in answered.lines})
    if found:
        tally.wrong[number] = [*found, shown(sent)]


async def drawn(house: House, number: int, dice: Random, earlier: list[Sent]) -> Sent:
    """Draw a request: as it was, altered, or one that was sent before, once more."""
    if earlier and dice.random() < AGAIN:
        sent = dice.choice(earlier)
        return Sent(sent.path, sent.kind, body=sent.packed(), headers=dict(sent.headers), trail=[*sent.trail, "again"])
    sent = await genuine(house, dice, number)
    if dice.random() < UNTOUCHED:
        sent.sign()
    else:
        alter(sent, dice, house)
    return sent


def _must_count(sent: Sent, house: House) -> str:
    """Name the case that a request as it was must decide; empty where it need not decide any."""
    words = None if sent.trail or sent.kind not in ("approve", "rejected") else said(sent)
    waiting = house.open.get(words.case) if words else None
    free = waiting and not waiting.ask.passkey and waiting.ask.case not in house.held
    counts = words and waiting and free and words.person in able(waiting)
    return words.case if words and counts else ""


def main() -> int:
    """Run, print, and say how to send one again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="send the block up to this request, and print it")
    given = parser.parse_args()
    tally = Tally()
    asyncio.run(run_many(given.requests, given.seed, tally, only=given.only))
    print(tally)
    for number, found in tally.wrong.items():
        print(f"request {number}: {'; '.join(found)}")
        print(f"  again: python -m tests.mutations --seed {given.seed} --only {number}")
    print(f"{len(tally.wrong)} went wrong" if tally.wrong else "nothing was wrongly effective, and nothing broke")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
