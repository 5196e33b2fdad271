"""Retention: the longest rule that applies."""

import pytest

from blocks.records.retention import KEEPING, Keeping, Kept
from tasks.rules.retention import days_kept


@pytest.mark.parametrize(
    ("kinds", "days"),
    [({"finance"}, 3653), ({"policy"}, 2192), ({"policy", "claims"}, 3653), ({"access", "policy"}, 2192), (set(), 0)],
)
def test_what_is_of_several_kinds_is_kept_as_long_as_the_longest_rule(kinds: set[Kept], days: int):
    assert days_kept(rule for rule in KEEPING if rule.kind in kinds) == days


def test_of_two_rules_for_one_kind_the_longer_counts():
    rules = [
        Keeping(kind="policy", years=6, source="45 CFR 164.316"),
        Keeping(kind="policy", years=8, source="a contract"),
    ]
    assert days_kept(rules) == 2922
