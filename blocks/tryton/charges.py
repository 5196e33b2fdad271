"""The day of charge on an order: Tryton has no field for it, so the order's description says it.

An order is charged to the fiscal year of that day. Orders made by people carry no such note: they
are charged on the day they were placed.
"""

import re
from datetime import date

_NOTE = re.compile(r"charged on (\d{4}-\d{2}-\d{2})$")


def charge_note(requester: str, cost_centre: str, on: date) -> str:
    """Print who asked, who pays and when.

    >>> charge_note("rita.okafor", "OR", date(2026, 11, 22))
    'rita.okafor for OR, charged on 2026-11-22'
    """
    return f"{requester} for {cost_centre}, charged on {on}"


def charged_on(description: str | None, placed_on: date) -> date:
    """Read the day of charge of an order.

    >>> charged_on("rita.okafor for OR, charged on 2027-01-05", date(2026, 11, 22))
    datetime.date(2027, 1, 5)
    >>> charged_on("two more for the ward", date(2026, 11, 22))
    datetime.date(2026, 11, 22)
    """
    note = _NOTE.search(description or "")
    return date.fromisoformat(note[1]) if note else placed_on
