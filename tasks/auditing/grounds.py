"""On what grounds somebody asks for what the ledger must answer for: who, why, by which door, when."""

from datetime import datetime
from typing import Any, NamedTuple

from blocks.records.ledger import Line
from blocks.records.people import Person


class Grounds(NamedTuple):
    """Who asks, why, by which door and when."""

    by: Person | None
    because: str
    door: str
    at: datetime

    def line(self, act: str, key: str, **more: Any) -> Line:
        """Print what a book of the ledger holds of it."""
        actor, body = f"person:{self.by.id if self.by else ''}", {"because": self.because.strip(), **more}
        return Line(act=act, key=key, actor=actor, at=self.at, source=self.door, body=body)
