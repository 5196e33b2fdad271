"""Retention: the longest rule that applies."""

from collections.abc import Sequence

import pytest

from blocks.records.retention import KEEPING, Keeping, Kept
from tasks.rules.retention import years_kept


@pytest.mark.parametrize(
    ("kinds", "years"),
    [(["finance"], 10), (["policy"], 6), (["policy", "claims"], 10), (["access", "policy"], 6), ([], 0)],
)
def test_what_is_of_several_kinds_is_kept_as_long_as_the_longest_rule(kinds: Sequence[Kept], years: int):
    assert years_kept(KEEPING, kinds) == years


def test_two_rules_for_one_kind_are_both_kept():
    rules = [
        Keeping(kind="policy", years=6, source="45 CFR 164.316"),
        Keeping(kind="policy", years=8, source="a contract"),
    ]
    assert years_kept(rules, ["policy"]) == 8
