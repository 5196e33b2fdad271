"""Hundreds of lives, each with three faults and more: what is posted is posted once, or named as in doubt.

`make storm` lives as many more as there is time for: a life takes a tenth of a second.
"""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

LIFETIMES, PROCESSES, FIRST = 600, 2, (701, 1_000_301)  # with the lives that once went wrong


def simulated(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as a process of its own: it takes the clocks of every module for itself."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def test_in_hundreds_of_lives_nothing_is_posted_twice_or_lost(capsys):
    each = f"{LIFETIMES // PROCESSES}"
    with ThreadPoolExecutor(PROCESSES) as pool:
        runs = [*pool.map(lambda first: simulated("--seed", f"{first}", "--lifetimes", each), FIRST)]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(run.stdout for run in runs))
    assert not [run.stderr for run in runs if run.returncode]
    lived = [int(found.replace(",", "")) for run in runs for found in re.findall(r"([\d,]+) lifetimes", run.stdout)]
    assert sum(lived) >= LIFETIMES
    told = " ".join(run.stdout for run in runs)
    assert all(re.search(rf"\d {kind}", told) for kind in ("made late", "killed unheard", "two workers", "ordered"))


def test_a_life_lived_again_is_the_same_life():
    first, again = simulated("--seed", "4711"), simulated("--seed", "4711")
    assert first.returncode == 0
    assert first.stdout == again.stdout
    assert first.stdout.count("FAULT") >= 3


def test_without_the_resolver_a_second_posting_is_found_and_its_story_told():
    run = simulated("--seed", "1", "--lifetimes", "60", "--without", "resolver")
    assert run.returncode == 1
    assert "I1 " in run.stdout
    assert "again: python -m tests.simulation --seed " in run.stdout
