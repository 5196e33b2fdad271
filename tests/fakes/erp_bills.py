"""The fake ERP's books: what cost centres spend and order, and the bills of suppliers, each until it is reversed."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from blocks.errors import RefusedError
from blocks.records.money import Money
from blocks.records.purchasing import ErpDocument, OpenOrder, ReverseDraft, Trace


class Bill(NamedTuple):
    """A bill for an order as it was posted: its number and the supplier's, its entry, and what it costs whom."""

    number: str
    theirs: str
    entry: str
    key: str
    of: str
    centre: str
    dated: date
    amount: Money

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Say of which order it came, and its entry."""
        of = {"state": "posted", "key": self.key, "of": self.of, "dated": self.dated, "amount": self.amount}
        return (
            Trace(kind="supplier invoice", number=self.number, supplier_number=self.theirs, **of),
            Trace(kind="journal entry", number=self.entry, **of),
        )


class Reversed(NamedTuple):
    """What reverses a journal entry, what for, and under which key it was first asked for."""

    document: ErpDocument
    draft: ReverseDraft
    key: str


@dataclass
class Books:
    """What a cost centre has spent and ordered."""

    posted: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    open: dict[str, tuple[date, OpenOrder]] = field(default_factory=dict)


@dataclass
class Bills:
    """All that was billed."""

    posted: list[Bill] = field(default_factory=list)
    mirrors: dict[str, Reversed] = field(default_factory=dict)
    """By the entry that each reverses."""
    paid: set[str] = field(default_factory=set)
    """Journal entries whose bills have been paid."""

    def trace(self, number: str) -> tuple[Trace, ...]:
        """List what has a number."""
        found = [x for bill in self.posted for x in bill.traces if number in (x.number, x.supplier_number)]
        undone = [x for x in self.posted if x.entry in self.mirrors and f"{x.entry}-R" == number]
        return (*found, *(x.traces[-1].model_copy(update={"number": number, "reverses": x.entry}) for x in undone))

    def to_reverse(self, draft: ReverseDraft, system: str) -> Bill:
        """Find the bill whose entry is to be reversed; `RefusedError` where there is none, or it is paid."""
        bill = next((x for x in self.posted if (x.key, x.entry) == (draft.of, draft.entry)), None)
        if bill is None:
            raise RefusedError(system, f"no bill for order {draft.number} is booked as journal entry {draft.entry}")
        if bill.entry in self.paid:
            raise RefusedError(system, f"{bill.number} has been paid: settle it with the supplier first")
        return bill

    def reverse(self, bill: Bill, draft: ReverseDraft, key: str) -> None:
        """Post the mirror of a bill's entry."""
        told = {"number": f"{bill.entry}-R", "state": "posted", "key": bill.key, "amount": bill.amount}
        self.mirrors[bill.entry] = Reversed(ErpDocument(kind="journal entry", **told), draft, key)
