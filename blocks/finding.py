"""What verification finds: one entry, object or head that is not as it was written."""

from typing import Literal, NamedTuple

Fault = Literal[
    "altered", "removed", "reordered", "inserted", "shadowed",
    "unproven", "doubled", "unsealed", "replayed", "rewritten",
    "backdated", "postdated",
]  # fmt: skip


class Finding(NamedTuple):
    """One entry or object that is not as it was written: which, what was done, and how one sees it."""

    case: str
    where: str
    fault: Fault
    because: str
