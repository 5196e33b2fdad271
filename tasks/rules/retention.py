"""How long records are kept: the longest rule that applies; and who may have a case kept beyond that."""

import math
from collections.abc import Iterable

from blocks.records.people import Person
from blocks.records.policy import Policy
from blocks.records.retention import Keeping
from blocks.wire.patients import reason_to_leave_out

DAYS_A_YEAR = 365.25


def days_kept(rules: Iterable[Keeping]) -> int:
    """Say for how many days the bucket keeps what is written to it: the longest rule, in whole days.

    No decision can be judged without the policy, the directory and the log of its day, so none of them may go first.

    >>> days_kept([Keeping(kind="policy", years=6, source="45 CFR 164.316(b)(2)(i)")])
    2192
    """
    return math.ceil(max((rule.years for rule in rules), default=0) * DAYS_A_YEAR)


def reason_not_to_hold(by: Person | None, because: str, policy: Policy) -> str | None:
    """Say why somebody may not put a legal hold on something, nor lift it, or None where they may.

    The reason they give stays in the ledger, so it must name no patient.
    """
    roles = {grant.role for grant in by.grants} if by and by.active else set()
    if not roles & set(policy.hold_keepers):
        return f"as: a legal hold is put on and lifted by a {' or '.join(policy.hold_keepers)} alone"
    if not because.strip():
        return "because: please say why, such as the matter it is for: the ledger keeps it"
    why = reason_to_leave_out(because)
    return f"because: it {why}" if why else None
