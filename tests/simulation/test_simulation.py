"""Thousands of lifetimes, each with three faults and more: what is posted is posted once, or named as in doubt.

`make storm` lives as many more as there is time for.
"""

import re
import subprocess
import sys

import pytest

from tests.simulation.life import FAULTS_MIN

LIFETIMES = 5_000
OFTEN = (
    "ordered",
    "refused",
    "rejected",
    "filled",
    "expired",
    "cancelled",
    "ordered and its bill reversed",
    "made late",
    "killed unheard",
    "two workers",
    "clock set",
)
"""What must have happened a good many times, lest the lives be uneventful."""


def simulated(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as a process of its own: it takes the clocks of every module for itself."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def counted(kind: str, told: str) -> int:
    """Read how often something happened."""
    return sum(int(n.replace(",", "")) for n in re.findall(rf"([\d,]+) {kind}\b", told))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_in_thousands_of_lifetimes_nothing_is_posted_twice_or_lost(capsys):
    run = simulated("--lifetimes", f"{LIFETIMES}")
    with capsys.disabled():
        sys.stdout.write(f"\n{run.stdout}")
    assert (run.returncode, run.stderr) == (0, "")
    assert counted("lifetimes of cases", run.stdout) >= LIFETIMES
    assert counted("faults", run.stdout) >= FAULTS_MIN * LIFETIMES / 2  # one that befalls the house befalls many cases
    assert {kind: counted(kind, run.stdout) for kind in OFTEN if counted(kind, run.stdout) < 30} == {}


def test_a_life_lived_again_is_the_same_life():
    first, again = simulated("--seed", "4711"), simulated("--seed", "4711")
    assert first.returncode == 0
    assert first.stdout == again.stdout
    assert first.stdout.count("FAULT") >= FAULTS_MIN


def test_without_the_resolver_a_second_posting_is_found_and_its_story_told():
    run = simulated("--lifetimes", "200", "--without", "resolver")
    assert run.returncode == 1
    assert "I1 " in run.stdout
    assert "again: python -m tests.simulation --seed " in run.stdout


@pytest.mark.long
def test_without_compare_and_swap_two_sealers_write_two_logs_and_the_auditor_finds_it():
    run = simulated("--lifetimes", "600", "--without", "compare-and-swap")
    assert run.returncode == 1
    assert "I5 " in run.stdout
