"""Doubt: what to do about an effect whose answer was lost, given how the system treats a key."""

from typing import Literal

from blocks.ports import Personality

Next = Literal["adopt", "retry", "wait", "park"]


def what_next(personality: Personality, *, age_s: float, found: bool) -> Next:
    """Say what to do *age_s* seconds after the last attempt, having looked where one can look.

    adopt: it is there. wait: it may be there and not visible yet. retry: the same key again is safe,
    because it is known to be absent, or because the system would recognise the key. park: neither look-up
    nor key can tell, so a person must.
    """
    if found:
        return "adopt"
    if personality.finds:
        return "wait" if age_s < personality.lag_s else "retry"
    if personality.key_kept_s is None or age_s < personality.key_kept_s:
        return "retry"
    return "park"
