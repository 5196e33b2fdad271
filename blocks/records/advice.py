"""Advice: what a model recommends. It is read by `tasks.rules.governance` alone, and decides nothing."""

from typing import Literal

from pydantic import Field

from blocks.records.base import Record


class Advice(Record):
    """What a model recommends to whoever decides."""

    recommendation: Literal["usual", "look"] = Field(description="Nothing stands out, or: look at this before deciding")
    because: str = Field(description="Why, in a line, as people read it")
    confidence: int = Field(ge=0, le=100, description="Per cent, by the model's own account")
    model: str
    version: str
    input: str = Field(description="SHA-256 of what it was made from, in canonical JSON")
