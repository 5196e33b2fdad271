"""What people read of a case whose record does not hold: what is wrong with it, who is told, what to do. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from blocks.ports import Card
from blocks.wire.canonical import digest
from blocks.wire.cards import escape, said_card
from blocks.wire.reminders import Late

KEEPERS = "whoever keeps the evidence"
RUNBOOK = "infrastructure/runbooks/evidence.md"
NEXT = f"What to do now, step by step: {RUNBOOK}"
NAMED_MAX = 10


class Broken(NamedTuple):
    """A case that stands still because of its record: which, what is wrong with that, and where.

    Of whom it asks, and what, nothing is known: all of it may be false.
    """

    case: str
    fault: str
    where: str

    @property
    def is_book(self) -> bool:
        """Say whether it is no case but a book that many go by: of people, policy, funds."""
        return "~" in self.case

    @property
    def told(self) -> str:
        """Say what is wrong to whoever can do something about it."""
        return f"{self.fault} ({self.where})"


def told_instead(one: Broken, channel: str) -> str:
    """Say to somebody who wanted to do something with it that nothing was done, why, and what to do.

    *channel*: where those who can restore it are told at the same time; empty where they are not.
    """
    told = f"{KEEPERS.capitalize()} is told in #{channel.removeprefix('#')}; please call them too if it cannot wait."
    what, then = f"The ledger's record of {one.case or 'this request'} {one.fault}", "so it stands still"
    if one.is_book:
        what, then = f"A book that this goes by ({one.case}) {one.fault}", "so nothing that needs it goes on"
    return "\n".join([
        f"Nothing was decided. {what}, {then}.",
        told if channel else f"Please call {KEEPERS}.",
        "Once its record is restored it goes on by itself: then please try again.",
        "What a patient needs meanwhile is ordered in the ERP's own way.",
    ])  # fmt: skip


def stand_still(broken: Sequence[Broken]) -> str:
    """Say to whoever looks at what waits which cases stand still, and what to do."""
    many = len(broken) > 1
    head = f"⚠️ *{len(broken)} cases stand still*" if many else "⚠️ *One case stands still*"
    do = f"Nobody can decide {'them' if many else 'it'} now, or tell who is asked: please call {KEEPERS}. "
    do += f"Once restored {'they go on by themselves' if many else 'it goes on by itself'}."
    return "\n".join([head, *_named(broken, [one.fault for one in broken]), do])


def keepers_card(broken: Sequence[Broken], at: datetime) -> Card:
    """Draw the message to those who keep the evidence: the same cases on the same day (UTC) are one message."""
    names = digest("\n".join(sorted(one.case for one in broken)).encode())
    head = "⚠️ *The record of one case does not hold*: it stands still until that is restored, all others go on."
    if len(broken) > 1:
        head = f"⚠️ *The records of {len(broken)} cases do not hold*: they stand still until that is restored."
    if any(one.is_book for one in broken):
        head = "⚠️ *A book does not hold*: whatever goes by it stands still until it is restored."
    do = f"Change nothing, delete nothing. {NEXT}"
    return said_card(
        f"evidence-{at:%Y-%m-%d}-{names[:16]}", "\n".join([head, do, *_named(broken, [one.told for one in broken])])
    )


def row_of(one: Broken, since: datetime) -> Late:
    """Tell it in the table of all that waits, before everything else."""
    note = f"stands still: its record {one.told}. What to do: {RUNBOOK}"
    return Late(one.case, "its record in the ledger", (KEEPERS,), "", since, None, note, first=True)


def _named(broken: Sequence[Broken], faults: Sequence[str]) -> list[str]:
    more = [f"and {len(broken) - NAMED_MAX} more"] if len(broken) > NAMED_MAX else []
    told = [f"• *{x.case or 'a document'}*: its record {escape(y)}" for x, y in zip(broken, faults, strict=True)]
    return told[:NAMED_MAX] + more
