"""Routine: which requests may be approved many at once, and which are looked at one by one."""

from blocks.records.approval import Ask
from blocks.records.policy import Policy


def is_routine(ask: Ask, policy: Policy) -> bool:
    """Say whether an ask is small, under contract, and leaves most of the budget: an outlier in any of it is none."""
    if policy.routine_max is None or ask.contract is None or ask.category == "capital" or ask.passkey:
        return False
    after = ask.budget_left - ask.amount
    return ask.counted.amount <= policy.routine_max and after.amount >= ask.budget.amount * policy.low_budget_share
