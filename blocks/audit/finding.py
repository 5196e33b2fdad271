"""What verification finds: one entry, object or head that is not as it was written."""

from typing import Literal, NamedTuple

Fault = Literal[
    "altered", "removed", "reordered", "inserted", "shadowed",
    "unproven", "doubled", "unsealed", "replayed", "rewritten",
    "backdated", "postdated", "refused", "unwitnessed",
]  # fmt: skip


WITNESS = "witness"
CAUSES = frozenset({"log", WITNESS})


class Finding(NamedTuple):
    """One entry or object that is not as it was written: which, what was done, and how one sees it."""

    case: str
    """Or of what else it is: `log`, `witness`, `objects`."""
    where: str
    fault: Fault
    because: str

    @property
    def rank(self) -> tuple[bool, "Finding"]:
        """Order findings as one reads them: log and witness first, for much of the rest may only follow from those."""
        return self.case not in CAUSES, self
