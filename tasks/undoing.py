"""Undoing: whether somebody has asked for a case to be gone on from its end. Knows no Prefect."""

from blocks.ledger import Chain
from blocks.records.ledger import Line

ASKS = frozenset({"cancelling", "reversing"})
"""The lines that ask for it, each for a way back of its own."""


def undoing(chain: Chain) -> Line | None:
    """Read what was asked for after a case had ended, where nothing has come of it yet."""
    last = next((line for line in reversed(chain.lines) if line.act == "ended" or line.act in ASKS), None)
    return last if last and last.act in ASKS else None


def reason_under_way(chain: Chain) -> str | None:
    """Say who has asked for something that is under way, or None where nothing is."""
    if asked := undoing(chain):
        entry = f"agreed that journal entry {asked.key} be reversed,"
        said = "has asked for it to be cancelled," if asked.act == "cancelling" else entry
        when = f"at {asked.at:%H:%M} UTC on {asked.at:%d %b}"
        return f"{asked.body['name']} {said} {when}: wait for how that ends."
    return None
