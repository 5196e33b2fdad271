"""The policy: every bound of the small hospital's, and what no policy may be."""

import json
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.records.policy import Band, Policy
from blocks.records.purchasing import Category
from infrastructure.local.hospital.__main__ import policy

DOCUMENT = json.loads(files("infrastructure.local.hospital").joinpath("policy.json").read_bytes())
CENT = Decimal("0.01")
POLICY = policy()

BOUNDS = [
    pytest.param(matrix.category, place, id=f"{matrix.category} {one.band.upper}")
    for matrix in POLICY.matrices
    for place, (one, _) in enumerate(pairwise(matrix.tiers))
]


def place_of(category: str, amount: Decimal) -> int:
    """Say which of a category's tiers an amount falls into: exactly one."""
    matrix = next(one for one in POLICY.matrices if one.category == category)
    (place,) = [place for place, tier in enumerate(matrix.tiers) if tier.band.holds(amount)]
    assert POLICY.tier(matrix.category, amount) == matrix.tiers[place]
    return place


@pytest.mark.parametrize(("category", "lower"), BOUNDS)
def test_a_cent_below_at_and_above_each_bound(category: str, lower: int):
    matrix = next(one for one in POLICY.matrices if one.category == category)
    band, above = matrix.tiers[lower].band, matrix.tiers[lower + 1].band
    bound = band.upper
    assert bound is not None
    assert bound == above.lower
    assert place_of(category, bound - CENT) == lower
    assert place_of(category, bound) == (lower if band.upper_included else lower + 1)
    assert place_of(category, bound + CENT) == lower + 1


@pytest.mark.parametrize("included", [True, False])
def test_a_bound_belongs_to_one_side_as_it_declares(included: bool):
    below = Band(lower=Decimal(0), upper=Decimal(1000), upper_included=included)
    above = Band(lower=Decimal(1000), lower_included=not included)
    assert below.meets(above)
    for amount, in_below in ((Decimal("999.99"), True), (Decimal(1000), included), (Decimal("1000.01"), False)):
        assert below.holds(amount) is in_below
        assert above.holds(amount) is not in_below


@given(category=st.sampled_from(get_args(Category)), amount=st.decimals(0, 10**7, places=6))
def test_every_amount_of_every_category_reaches_exactly_one_tier(category, amount):
    place_of(category, amount)


def with_tiers(*tiers: dict[str, Any]) -> dict[str, Any]:
    """Give supplies other tiers."""
    matrices = [m for m in DOCUMENT["matrices"] if m["category"] != "supplies"]
    return DOCUMENT | {"matrices": [*matrices, {"category": "supplies", "tiers": list(tiers)}]}


def tier(lower: str, upper: str | None = None, *, low: bool = True, up: bool = False) -> dict[str, Any]:
    return {"band": {"lower": lower, "lower_included": low, "upper": upper, "upper_included": up}, "roles": []}


REFUSED = {
    "a gap": (with_tiers(tier("0", "10"), tier("11")), "gap or an overlap"),
    "an overlap": (with_tiers(tier("0", "10"), tier("9")), "gap or an overlap"),
    "a bound in both": (with_tiers(tier("0", "10", up=True), tier("10")), "gap or an overlap"),
    "a bound in neither": (with_tiers(tier("0", "10"), tier("10", low=False)), "gap or an overlap"),
    "out of order": (with_tiers(tier("10"), tier("0", "10")), "reach from 0"),
    "not from zero": (with_tiers(tier("1")), "reach from 0"),
    "zero left out": (with_tiers(tier("0", low=False)), "reach from 0"),
    "an end": (with_tiers(tier("0", "10")), "reach from 0"),
    "below zero": (with_tiers(tier("-1")), "greater than or equal to 0"),
    "no tiers": (with_tiers(), "at least 1"),
    "a category left out": (DOCUMENT | {"matrices": DOCUMENT["matrices"][1:]}, "exactly one matrix"),
    "a category twice": (DOCUMENT | {"matrices": [*DOCUMENT["matrices"], DOCUMENT["matrices"][0]]}, "exactly one"),
    "an unknown role": (with_tiers(tier("0") | {"roles": ["king"]}), "department-manager"),
    "an unknown field": (DOCUMENT | {"amuont_max": "1"}, "Extra inputs"),
    "no largest amount": (DOCUMENT | {"amount_max": "0"}, "greater than 0"),
    "a share above all": (DOCUMENT | {"low_budget_share": "1.01"}, "less than or equal to 1"),
    "no window": (DOCUMENT | {"split_window_days": 0}, "greater than or equal to 1"),
}


@pytest.mark.parametrize(("document", "because"), REFUSED.values(), ids=REFUSED)
def test_a_policy_is_refused_with(document: dict[str, Any], because: str):
    with pytest.raises(ValidationError, match=because):
        Policy.model_validate(document)


def test_bounds_may_belong_to_the_lower_band():
    document = with_tiers(tier("0", "10", up=True), tier("10", "20", low=False, up=True), tier("20", low=False))
    stricter = Policy.model_validate(document)
    found = [stricter.tier("supplies", Decimal(amount)).band.lower for amount in ("10", "10.01", "20", "20.01")]
    assert found == [0, 10, 10, 20]


def test_a_policy_survives_being_stored():
    assert Policy.model_validate_json(POLICY.model_dump_json()) == POLICY
