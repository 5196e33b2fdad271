"""Books: the chains that many cases write, folded into what they say. Pure; entries in, state out."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

from blocks.records.ledger import Entry
from blocks.records.money import Money, total
from blocks.records.outcome import Hold

PAID_MAX = 24
"""How many of the latest prices of an item are remembered."""
LONG_HELD = timedelta(minutes=10)
"""Between hold and order lie seconds; where an order is in doubt, days."""


def funds_book(cost_centre: str, year: int) -> str:
    """Name the book in which a cost centre's funds are held for a fiscal year."""
    return f"book~funds~{cost_centre}~{year}"


def fiscal_years(first: date, last: date) -> range:
    """List the fiscal years, named by the years in which they end, that may hold a day between *first* and *last*."""
    return range(first.year, last.year + 2)


def spend_book(requester: str) -> str:
    """Name the book of what one requester orders."""
    return f"book~spend~{requester}"


@dataclass
class Funds:
    """A cost centre's holds: those whose order is not in the ERP yet, and since when the others' are.

    A hold ends when it is released, or when it is marked placed: from then on the ERP's books carry it.
    """

    seq: int = 0
    holds: dict[str, Hold] = field(default_factory=dict)
    placed: dict[str, tuple[int, Hold]] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    """When each case's money was last set aside."""
    paid: dict[str, tuple[dict[str, str], ...]] = field(default_factory=dict)
    """The latest unit prices of each item that was ordered, oldest first, as they are kept."""

    def take(self, entry: Entry) -> None:
        """Fold one more entry in."""
        self.seq = entry.seq
        for line in entry.lines:
            if line.act == "held":
                self.holds[line.key] = Hold.model_validate(line.body["hold"])
                self.since[line.key] = line.at
            elif line.act == "released":
                self.holds.pop(line.key, None)
            elif line.act == "placed":
                if hold := self.holds.pop(line.key, None):
                    self.placed[line.key] = (entry.seq, hold)
                if item := line.body.get("item"):
                    self.paid[item] = (*self.paid.get(item, ()), line.body["unit_price"])[-PAID_MAX:]

    def standing(self, *, since: int, but: str) -> tuple[Hold, ...]:
        """List the holds that the ERP's books, read when this one stood at *since*, may not carry yet."""
        late = takewhile(lambda placed: placed[0] > since, reversed(self.placed.values()))
        return tuple(hold for hold in (*self.holds.values(), *(hold for _, hold in late)) if hold.case != but)

    def copy(self) -> "Funds":
        """Copy the state."""
        return Funds(self.seq, dict(self.holds), dict(self.placed), dict(self.since), dict(self.paid))

    def long_held(self, at: datetime) -> tuple[str, ...]:
        """Name the cases whose money has been set aside for so long that it may have been forgotten."""
        return tuple(case for case in self.holds if at - self.since[case] > LONG_HELD)

    def in_flight(self) -> frozenset[str]:
        """List the keys of orders that may or may not stand in the ERP."""
        return frozenset(hold.order_key for hold in self.holds.values())


@dataclass
class Spend:
    """What one requester ordered, from whom and when; in the order in which it was entered."""

    seq: int = 0
    spent: dict[str, tuple[str, Money, datetime]] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Fold one more entry in."""
        self.seq = entry.seq
        for line in entry.lines:
            if line.act == "spent":
                self.spent[line.key] = (
                    line.body["supplier"],
                    Money.model_validate(line.body["amount"]),
                    line.at.astimezone(UTC),  # two moments of one zone object compare quickest
                )
            elif line.act == "dropped":
                self.dropped.add(line.key)

    def copy(self) -> "Spend":
        """Copy the state."""
        return Spend(self.seq, dict(self.spent), set(self.dropped))

    def recent(self, case: str, window_days: int) -> Money | None:
        """Sum what was entered before *case*, from the same supplier, within the window before it; None: nothing.

        The window includes the moment exactly *window_days* earlier. What is entered later does not count
        here: there it is this case that counts.
        """
        supplier, own, at = self.spent[case]
        since = at - timedelta(days=window_days)
        counted = []
        for other, (whom, one, when) in self.spent.items():  # of a thousand: a loop costs a third of its generators
            if other == case:
                break
            if whom == supplier and when >= since and other not in self.dropped:
                counted.append(one)
        summed = total(counted, own.currency)
        return summed if summed.amount else None
