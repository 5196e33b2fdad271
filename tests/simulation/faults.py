"""What may go wrong at a boundary: drawn from the dice, suffered by the process that stands there."""

from types import MappingProxyType
from typing import Literal, NamedTuple

Kind = Literal[
    "turned away",
    "answer lost",
    "never arrived",
    "made late",
    "killed before",
    "killed unheard",
    "killed after",
    "stopped before",
    "stopped after",
]
READS: tuple[Kind, ...] = ("turned away", "killed before", "stopped before", "stopped after")
WRITES: tuple[Kind, ...] = (
    "turned away", "turned away", "answer lost", "answer lost", "killed before", "killed unheard", "killed after",
    "stopped before", "stopped after",
)  # fmt: skip
POSTS: tuple[Kind, ...] = (
    "turned away", "answer lost", "answer lost", "never arrived", "made late", "made late", "killed before",
    "killed unheard", "killed unheard", "killed after", "stopped after",
)  # fmt: skip
WITH_STOPS: tuple[Kind, ...] = (*POSTS, "stopped before", "stopped before")
"""A stop between the last look at the claim and the call itself: suffered where the ERP knows keys. What it may do to
one that knows none is written down in `infrastructure/decisions/effects.md`: no program on one side can close it."""
CANCELS: tuple[Kind, ...] = (
    "turned away", "answer lost", "answer lost", "killed before", "killed unheard", "killed after", "stopped before",
    "stopped after",
)  # fmt: skip
"""To take a document back, or to reverse an entry, twice is to do it once, however late the second call comes."""
AT = MappingProxyType({
    "store.create": WRITES, "store.swap": WRITES, "store.get": READS, "store.look": READS, "store.list": READS,
    "store.age_s": READS,
    "erp.order": POSTS, "erp.issue": POSTS, "erp.cancel": CANCELS, "erp.reverse": CANCELS,
    "erp.sourcing": READS, "erp.find_order": READS, "erp.find_issue": READS, "erp.trace": READS,
    "desk.post": WRITES, "desk.tell": WRITES, "desk.redraw": WRITES, "desk.say": WRITES, "desk.key_of": READS,
})  # fmt: skip
"""The faults of each call; those named twice are drawn twice as often."""
ON_READS = 0.012
ON_WRITES = 0.13
ON_POSTS = 0.45
"""How likely a call goes wrong while there are faults to come: there are ten reads to a write, and one post a case."""
LATE_S = (5.0, 80.0)
"""How much later a call is worked off whose answer was lost: less than the lag that the personalities own up to."""
STOP_S = (5.0, 1_200.0)


class Happened(NamedTuple):
    """One fault: what, where, and to which cases."""

    kind: str
    where: str
    cases: frozenset[str]


def likelihood(call: str) -> float:
    """Say how likely a call goes wrong."""
    kinds = AT[call]
    if kinds is READS:
        return ON_READS
    return ON_WRITES if kinds is WRITES else ON_POSTS
