"""What to do about an effect whose answer was lost: the whole table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.ports import Personality
from tasks.rules.doubt import SKEW_S, what_next

FINDS_AT_ONCE = Personality(key_kept_s=None, finds=True)
FINDS_LATER = Personality(key_kept_s=0, finds=True, lag_s=60)
KEY_FOR_A_DAY = Personality(key_kept_s=86_400, finds=False)
KEY_AND_LOOK_UP = Personality(key_kept_s=86_400, finds=True, lag_s=60)
KEY_FOR_GOOD = Personality(key_kept_s=None, finds=False)
NOTHING_AT_ALL = Personality(key_kept_s=0, finds=False)
KEPT_S = 86_400 - SKEW_S

# personality, since the key's first use, since the last call, found: what next
TABLE = [
    (FINDS_AT_ONCE, 0, 0, True, "adopt"),
    (FINDS_AT_ONCE, 0, 0, False, "retry"),
    (FINDS_LATER, 0, 0, True, "adopt"),
    (FINDS_LATER, 0, -30, False, "wait"),
    (FINDS_LATER, 900, 59.9, False, "wait"),
    (FINDS_LATER, 60, 60, False, "retry"),
    (KEY_FOR_A_DAY, 0, 0, False, "retry"),
    (KEY_FOR_A_DAY, KEPT_S - 1, 0, False, "retry"),
    (KEY_FOR_A_DAY, KEPT_S, 10**9, False, "park"),
    (KEY_AND_LOOK_UP, KEPT_S - 1, 0, False, "retry"),
    (KEY_AND_LOOK_UP, KEPT_S, 59, False, "wait"),
    (KEY_AND_LOOK_UP, KEPT_S, 60, False, "retry"),
    (KEY_AND_LOOK_UP, KEPT_S, 60, True, "adopt"),
    (KEY_FOR_GOOD, 10**9, 0, False, "retry"),
    (NOTHING_AT_ALL, 0, 0, False, "park"),
    (NOTHING_AT_ALL, 10**9, 10**9, False, "park"),
]


@pytest.mark.parametrize(("personality", "age_s", "quiet_s", "found", "step"), TABLE)
def test_the_personality_decides(personality: Personality, age_s: float, quiet_s: float, found: bool, step: str):
    assert what_next(personality, found=found, key_age_s=age_s, quiet_s=quiet_s) == step


@given(
    st.one_of(st.none(), st.floats(0, 10**7)), st.booleans(), st.floats(0, 10**5), st.floats(0, 10**8),
    st.floats(-60, 10**8),
)  # fmt: skip
def test_nothing_is_sent_again_that_may_have_been_made(kept_s, finds, lag_s, age_s, quiet_s):
    """Whatever the system: the key is still kept, or a look-up has shown that nothing is there, or nothing is sent."""
    system = Personality(kept_s, finds, lag_s)
    if what_next(system, found=False, key_age_s=age_s, quiet_s=quiet_s) == "retry":
        assert kept_s is None or age_s < kept_s or (finds and quiet_s >= lag_s)
    assert what_next(system, found=True, key_age_s=age_s, quiet_s=quiet_s) == "adopt"
