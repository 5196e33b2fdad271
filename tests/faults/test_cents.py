"""Every approved cent is posted once or named as in doubt; and where it were not, the count would say so."""

from pathlib import Path

import pytest

from infrastructure.local.stack.running import BackgroundStack
from tests.faults import guards
from tests.faults.cents import OURS, count

pytestmark = pytest.mark.long
CASES, SECONDS = 15, 9


async def test_every_approved_cent_is_posted_once_or_named_as_in_doubt(seaweed: BackgroundStack, tmp_path: Path):
    told = await count(seaweed, tmp_path / "store", cases=CASES, seconds=SECONDS, seed=3)
    assert (told.open, told.doubled) == (0, 0), str(told)
    assert told.posted + told.doubted == told.approved
    assert told.faults.total() > CASES
    assert told.faults["commit, then drop"] >= len(OURS)  # without a loss nothing could be posted twice


async def test_without_the_resolver_cents_are_posted_twice_and_counted(seaweed: BackgroundStack, tmp_path: Path):
    with guards.forgetful():
        told = await count(seaweed, tmp_path / "store", cases=CASES, seconds=SECONDS, seed=3)
    assert told.doubled > 0, str(told)
