"""What to do about an effect whose answer was lost: the whole table."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.ports import Personality
from blocks.records.ledger import Line
from tasks.rules.doubt import AT_WORK_S, SKEW_S, may_be_at_work, what_a_no_says, what_next

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


NOBODY_KNOWS = Personality(key_kept_s=86_400, finds=False)
KNOWS_FIRST = Personality(key_kept_s=86_400, finds=False, knows_before_it_judges=True)
FINDS_LATE = Personality(key_kept_s=None, finds=True, lag_s=600)


@pytest.mark.parametrize(
    ("personality", "quiet_s", "says"),
    [
        (NOBODY_KNOWS, 0, "park"),
        (NOBODY_KNOWS, 10**9, "park"),
        (KNOWS_FIRST, AT_WORK_S - 0.1, "wait"),
        (KNOWS_FIRST, AT_WORK_S, "no"),
        (FINDS_AT_ONCE, AT_WORK_S - 0.1, "wait"),
        (FINDS_AT_ONCE, AT_WORK_S, "no"),
        (FINDS_LATE, AT_WORK_S, "wait"),
        (FINDS_LATE, 600, "no"),
    ],
)
def test_a_no_to_a_further_call_counts_once_the_first_can_be_at_work_no_more(personality, quiet_s, says):
    assert what_a_no_says(personality, quiet_s=quiet_s) == says


@pytest.mark.parametrize("personality", [KNOWS_FIRST, FINDS_AT_ONCE])
def test_who_was_refused_is_not_asked_again_before_it_can_count(personality):
    asked = [what_next(personality, found=False, key_age_s=0, quiet_s=x, refused=True) for x in (0, 119, 120)]
    assert asked == ["wait", "wait", "retry"]


def tried(*acts: str) -> list[Line]:
    """Note what was tried; `no`: a further call was refused."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    return [
        Line(act="unknown" if act == "no" else act, key="k", actor="a", at=at + timedelta(seconds=n),
             body={"refused": "closed"} if act == "no" else {})
        for n, act in enumerate(acts)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("acts", "last"),
    [
        ((), None),
        (("intent",), 0),
        (("intent", "unknown"), 1),
        (("intent", "unsent"), None),
        (("intent", "unknown", "taken"), 2),
        (("intent", "unknown", "taken", "no"), 1),
        (("intent", "taken", "no"), 0),
        (("intent", "taken", "no", "taken", "no"), 0),
        (("intent", "no"), None),
        (("intent", "unknown", "parked", "settled"), None),
        (("intent", "unknown", "parked", "settled", "attempt"), 4),
        (("unknown",), 0),
        (("intent", "unknown", "parked"), 1),
    ],
)
def test_a_call_that_was_refused_leaves_the_one_before_it_in_doubt(acts, last):
    lines = tried(*acts)
    assert may_be_at_work(lines) == (None if last is None else lines[last])
