"""Findings: what a proof of policy and people found to be wrong."""

from typing import Literal

from blocks.records.base import Record

Level = Literal["violation", "warning"]


class Finding(Record):
    """One thing that is wrong: where, what, and what to do about it. A warning keeps nothing from taking effect."""

    level: Level
    rule: str
    field: str
    what: str
    remedy: str


def finding(rule: str, field: str, what: str, remedy: str, level: Level = "violation") -> Finding:
    """Put a finding together."""
    return Finding(level=level, rule=rule, field=field, what=what, remedy=remedy)
