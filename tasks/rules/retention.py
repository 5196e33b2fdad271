"""How long records are kept: the longest rule that applies."""

from collections.abc import Iterable

from blocks.records.policy import Keeping, Kept


def years_kept(rules: Iterable[Keeping], kinds: Iterable[Kept]) -> int:
    """Say for how many years something that is of *kinds* is kept: the longest of the rules; 0 where none applies.

    One bucket holds all of a case together, so what is of several kinds is kept as long as the longest asks.
    """
    wanted = set(kinds)
    return max((rule.years for rule in rules if rule.kind in wanted), default=0)
