"""The plan of a request: every step has as many seats as policy wants, and nobody is asked for twice."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.records.policy import Band, Tier
from blocks.records.routes import Approver, Step
from infrastructure.local.hospital.__main__ import directory
from tasks.rules.plan import Situation, planned
from tests.hospital import plain_policy
from tests.samples import usd

ON = Situation("supplies", "OR", "rita.okafor", usd(100))


def step(*asked: str, seats: int = 1, quorum: int | None = None) -> Step:
    return Step(approvers=tuple(Approver(who=who, seats=seats) for who in asked), quorum=quorum)


def plan(*steps: Step) -> list[list[str]]:
    tier = Tier(band=Band(lower=Decimal(0)), steps=steps)
    matrices = tuple(one.model_copy(update={"tiers": (tier,)}) for one in plain_policy().matrices)
    policy = plain_policy().model_copy(update={"matrices": matrices, "also": ()})
    return [[seat.key for seat in one.seats] for one in planned(policy, ON, directory())]


ONE_OF_TWO = step("department-manager", "procurement-lead", quorum=1)
PLANS = [
    ([step("department-manager"), step("department-manager")], [["department-manager"]]),
    ([step("department-manager"), step("department-manager", seats=2)],
     [["department-manager"], ["department-manager-2"]]),
    ([ONE_OF_TWO, step("department-manager")], [["department-manager", "procurement-lead"], ["department-manager-2"]]),
    ([ONE_OF_TWO, step("department-manager", seats=2)],
     [["department-manager", "procurement-lead"], ["department-manager-2", "department-manager-3"]]),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "seats"), PLANS)
def test_who_is_surely_asked_is_not_asked_again_and_who_is_not_is(steps, seats):
    assert plan(*steps) == seats


@given(st.lists(st.builds(
    step, st.sampled_from(["department-manager", "procurement-lead", "cost-centre-owner"]),
    seats=st.integers(1, 2), quorum=st.sampled_from([None, 1]),
), min_size=1, max_size=4))  # fmt: skip
def test_no_seat_stands_in_a_plan_twice(steps):
    seats = [seat for one in plan(*steps) for seat in one]
    assert len(seats) == len(set(seats))
