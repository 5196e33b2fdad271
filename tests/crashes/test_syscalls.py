"""The posting worker is killed at a system call, as a real process: the ERP's own books stay true."""

import shutil
import sys

import pytest

from tests.crashes.syscalls import TRACED, killed
from tests.needs import missing

EVERY = 17
"""CI takes a sample; `python -m tests.crashes.syscalls` takes them all."""


@pytest.mark.parametrize("personality", TRACED)
def test_whichever_system_call_was_the_last_there_is_one_order(personality, capsys):
    if not shutil.which("strace"):
        missing("There is no strace here: apt-get install strace.")
    calls, deaths, faults = killed(personality, every=EVERY)
    with capsys.disabled():
        sys.stdout.write(f"\n{deaths} deaths at {calls} system calls: {personality} ")
    assert calls > 50
    assert deaths == -(-calls // EVERY)
    assert not faults
