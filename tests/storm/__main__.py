"""Lives on one core, real kills on the other, for as long as one likes: `python -m tests.storm --minutes 60 --seed 7`.

`--lives N` and `--kills N` go on until there are so many instead; `--kills 0` lives only, `--lives 0` kills only. A
line tells how it goes, a table at the end what came of it. Returns 1 where anything was violated.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from tests.storm.campaign import WORKERS, Campaign, fought
from tests.storm.erp import TREATED
from tests.storm.score import SLOW_S, Score
from tests.storm.town import Database

CYCLES, STOPS, BLACKOUTS = 30, 1, 1
"""Of each town."""
MANY = 10**9
TELL_EVERY_S = 5.0


@dataclass
class Storms:
    """Both halves of a storm, as they stand."""

    began: float = field(default_factory=monotonic)
    database: Database | None = None
    """Of every town; None: PostgreSQL three times of four, else SQLite."""
    lives: dict[str, Any] = field(default_factory=lambda: {"lifetimes": 0, "faults": 0, "wrong": []})
    table: str = ""
    score: Score = field(default_factory=Score)
    now: Score | None = None
    broken: list[str] = field(default_factory=list)
    news: list[str] = field(default_factory=list)
    """What came of each town, told as it comes."""

    def live(self, seed: int, lives: int, minutes: float) -> None:
        """Let lives be lived in a process of their own, on one core, and follow them."""
        command = [sys.executable, "-m", "tests.simulation", "--seed", f"{seed}", "--processes", "1", "--follow"]
        command += ["--lifetimes", f"{lives}", "--minutes", f"{minutes}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as living:  # noqa: S603
            assert living.stderr is not None
            assert living.stdout is not None
            for line in living.stderr:
                with contextlib.suppress(ValueError):
                    self.lives = json.loads(line)
            self.table = living.stdout.read()
        if living.returncode and not self.lives["wrong"]:
            self.broken.append(f"the simulation ended with {living.returncode}")

    def kill(self, seed: int, kills: int, minutes: float, home: Path) -> None:
        """Build town after town until there were kills enough, or time is over."""
        dice, until = Random(seed), monotonic() + 60 * minutes  # noqa: S311  dice, not secrets
        for number in count(seed):
            left = kills - self.score.deaths
            if left <= 0 or monotonic() >= until:
                return
            database = self.database or ("sqlite" if number % 4 == 3 else "postgresql")
            stops = STOPS * (WORKERS[database] > 1)  # who stands still alone is relieved by nobody
            campaign = Campaign(database, dice.choice([*TREATED]), min(left, CYCLES), stops, number, BLACKOUTS)
            try:
                self.score.add(score := fought(campaign, home, self._hear))
                self.news.append(f"{campaign.database}, {campaign.personality}, seed {number}:\n{score}")
            except Exception as error:  # noqa: BLE001  whatever it is, the storm is judged by it
                self.broken.append(f"{campaign}: {error!r}")
                self.news.append(self.broken[-1])
                if len(self.broken) > 3:
                    return
            self.now = None

    def _hear(self, score: Score) -> None:
        self.now = score

    def line(self) -> str:
        """Say how it goes."""
        kills = self.score.deaths + (self.now.deaths if self.now else 0)
        wrong = len(self.lives["wrong"]) + len(self.score.violations) + (len(self.now.violations) if self.now else 0)
        minutes = (monotonic() - self.began) / 60
        lived = f"{self.lives['lifetimes']:,} lifetimes, {self.lives['faults']:,} faults"
        seeds = f" (lives {', '.join(map(str, self.lives['wrong'][:10]))})" if self.lives["wrong"] else ""
        return f"{minutes:6.1f} min  {lived}  {kills:,} real kills  {wrong:,} violations{seeds}"


def main() -> int:
    """Let it storm, print, and return 1 where anything was violated."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--minutes", type=float)
    made.add_argument("--lives", type=int)
    made.add_argument("--kills", type=int)
    made.add_argument("--database", choices=("postgresql", "sqlite"))
    made.add_argument("--slow-s", type=float, default=SLOW_S, help="tell what happened where it took so long (30)")
    made.add_argument("--home", type=Path, default=Path(".almoner-test/storm-long"))
    given = made.parse_args()
    counted = given.lives is not None or given.kills is not None
    minutes = given.minutes or (MANY if counted else 10)
    lives, kills = (MANY if given.lives is None else given.lives), (MANY if given.kills is None else given.kills)
    if counted and given.minutes is None:  # what nobody named goes on no longer than what somebody did
        lives, kills = given.lives or 0, given.kills or 0
    storms = Storms(database=given.database)
    given.home.absolute().parent.mkdir(exist_ok=True)
    halves = [threading.Thread(target=storms.live, args=(given.seed, lives, minutes))] if lives else []
    if kills:
        halves.append(threading.Thread(target=storms.kill, args=(given.seed, kills, minutes, given.home.absolute())))
    for half in halves:
        half.start()
    _tell(storms, halves)
    print(f"\nlives:\n{storms.table or '  none'}\nkills:\n{storms.score}")
    print(storms.score.stories(given.slow_s))
    print("\n".join(f"  broken: {one}" for one in storms.broken))
    return int(bool(storms.lives["wrong"] or storms.score.violations or storms.broken))


def _tell(storms: Storms, halves: list[threading.Thread]) -> None:
    """Print how it goes until both are over: in place on a terminal, a line at a time elsewhere."""
    end = "\r" if sys.stdout.isatty() else "\n"
    every_s = TELL_EVERY_S if sys.stdout.isatty() else TELL_EVERY_S * 12
    while any(half.is_alive() for half in halves):
        news, storms.news = storms.news, []
        print("\n".join([*news, storms.line()]), end=end, flush=True)
        until = monotonic() + every_s
        for half in halves:
            half.join(max(0.0, until - monotonic()))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # object storage's own threads must not be taken down while they let go of a result
