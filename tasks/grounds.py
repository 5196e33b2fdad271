"""On what grounds somebody asks for what the ledger must answer for: who, why, by which door, when."""

from datetime import datetime
from typing import Any, NamedTuple

from blocks.errors import ConflictError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.people import Person

RACES_MAX = 20


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


async def enter(ledger: Ledger, book: str, line: Line) -> None:
    """Enter a line in a book, after whatever others enter at the same moment; `ConflictError` after many lost races."""
    for _ in range(RACES_MAX):
        try:
            await ledger.append(await ledger.read(book), [line])
        except ConflictError:
            continue
        return
    message = f"{book}: {RACES_MAX} lost races in a row"
    raise ConflictError(message)
