"""Live many lives and say what came of them: `python -m tests.simulation --lifetimes 5000`.

A life is that of a few cases at once, and is known by its seed: `--seed 4711` alone lives that one again, step by step
the same, and tells its story. The lifetime of a case counts when at least three things went wrong in it: with what was
done for it, or with the whole house while it was open. `--minutes` goes on for so long instead.
"""

import argparse
import json
import os
import sys
from time import time

from tests.simulation.running import GUARDS, get_ready, live_many, lived
from tests.simulation.tally import Tally, story_of


def main() -> int:
    """Live, print, and return 1 where anything was violated."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=int, default=1, help="of the first life; without more, of the only one")
    made.add_argument("--lifetimes", type=int)
    made.add_argument("--minutes", type=float)
    made.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="how many live at once")
    made.add_argument("--without", choices=[*GUARDS], help="take a guard away: something must be found")
    made.add_argument("--follow", action="store_true", help="say how it goes, as lines of JSON on stderr")
    given = made.parse_args()
    if given.without:
        GUARDS[given.without]()
    get_ready()
    if given.lifetimes is None and given.minutes is None:
        life = lived(given.seed)
        sys.stdout.write(f"{story_of(life)}\n")
        return int(bool(life.violations))
    until = time() + 60 * given.minutes if given.minutes else float("inf")
    told = follow if given.follow else lambda _: None
    tally = live_many(given.seed, given.lifetimes or sys.maxsize, until, given.processes, told)
    cpu = sum(os.times()[:4])
    sys.stdout.write("\n".join([*tally.stories, f"{tally}\n  {cpu:.0f} s of CPU\n"]))
    return int(bool(tally.wrong))


def follow(tally: Tally) -> None:
    """Say how it goes."""
    told = {"lifetimes": tally.enough, "faults": tally.faults.total(), "wrong": tally.wrong}
    sys.stderr.write(f"{json.dumps(told)}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set is part of a life
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    sys.exit(main())
