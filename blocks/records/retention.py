"""Retention as policy data: how long records of each kind are kept, and who says so."""

from typing import Literal

from pydantic import Field

from blocks.records.base import Record

Kept = Literal["finance", "claims", "policy", "access"]
"""What a record is of, as the rules of retention see it."""


class Keeping(Record):
    """A rule of retention: records of a kind are kept so long, and who says so."""

    kind: Kept
    years: int = Field(ge=1, le=100)
    source: str = Field(min_length=1, description="The law or contract that asks for it")


KEEPING: tuple[Keeping, ...] = (
    Keeping(kind="finance", years=10, source="42 CFR 422.504(d); False Claims Act"),
    Keeping(kind="claims", years=10, source="42 CFR 422.504(d); False Claims Act"),
    Keeping(kind="policy", years=6, source="45 CFR 164.316(b)(2)(i)"),
    Keeping(kind="access", years=6, source="45 CFR 164.316(b)(2)(i)"),
)
"""What applies to a hospital in the United States where its policy does not say otherwise."""
