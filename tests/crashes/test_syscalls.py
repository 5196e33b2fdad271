"""The posting worker, and the log's sequencer, are killed at a system call, as real processes: all stays true."""

import shutil
import sys

import pytest

from blocks.sealing.sealer import Sealer
from tests.crashes import sequencing
from tests.crashes.syscalls import TRACED, killed
from tests.needs import missing

pytestmark = pytest.mark.timeout(900)
LONG = pytest.mark.long


@pytest.fixture(autouse=True)
def _strace() -> None:
    if not shutil.which("strace"):
        missing("There is no strace here: apt-get install strace.")


@pytest.mark.parametrize(
    ("personality", "every"), [*(pytest.param(one, 4, marks=LONG) for one in TRACED), (TRACED[-1], 17)]
)
def test_whichever_system_call_was_the_last_there_is_one_order(personality, every, capsys):
    """A sample; `python -m tests.crashes.syscalls` takes them all."""
    calls, deaths, faults = killed(personality, every=every)
    with capsys.disabled():
        sys.stdout.write(f"\n{deaths} deaths at {calls} system calls: {personality} ")
    assert calls > 50
    assert not faults


@pytest.mark.parametrize("every", [pytest.param(1, marks=LONG), 9])
def test_whichever_system_call_was_the_sequencers_last_each_entry_is_under_one_head(every, capsys):
    calls, deaths, faults = sequencing.killed(every=every)
    with capsys.disabled():
        sys.stdout.write(f"\n{deaths} deaths at {calls} system calls: the sequencer ")
    assert calls > 50
    assert not faults  # one that outlived its call among them


def test_where_nobody_finishes_what_a_dead_sequencer_began_that_is_found(monkeypatch):
    async def nobody(*_: object) -> None: ...

    monkeypatch.setattr(Sealer, "_finish", nobody)
    _, _, faults = sequencing.killed(every=9)
    assert any("does not continue what was in the log" in one for one in faults)
