"""What to do about an effect whose answer was lost: the whole table."""

import pytest

from blocks.ports import Personality
from tasks.rules.doubt import what_next

FINDS_AT_ONCE = Personality(key_kept_s=None, finds=True)
FINDS_LATER = Personality(key_kept_s=0, finds=True, lag_s=60)
KEY_FOR_A_DAY = Personality(key_kept_s=86_400, finds=False)
KEY_FOR_GOOD = Personality(key_kept_s=None, finds=False)
NOTHING_AT_ALL = Personality(key_kept_s=0, finds=False)

TABLE = [
    (FINDS_AT_ONCE, 0, True, "adopt"),
    (FINDS_AT_ONCE, 0, False, "retry"),
    (FINDS_LATER, 0, True, "adopt"),
    (FINDS_LATER, 0, False, "wait"),
    (FINDS_LATER, 59.9, False, "wait"),
    (FINDS_LATER, 60, False, "retry"),
    (KEY_FOR_A_DAY, 0, False, "retry"),
    (KEY_FOR_A_DAY, 86_399.9, False, "retry"),
    (KEY_FOR_A_DAY, 86_400, False, "park"),
    (KEY_FOR_GOOD, 10**9, False, "retry"),
    (NOTHING_AT_ALL, 0, False, "park"),
    (NOTHING_AT_ALL, 10**9, False, "park"),
]


@pytest.mark.parametrize(("personality", "age_s", "found", "step"), TABLE)
def test_the_personality_decides(personality: Personality, age_s: float, found: bool, step: str):
    assert what_next(personality, age_s=age_s, found=found) == step
