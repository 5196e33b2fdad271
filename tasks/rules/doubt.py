"""Doubt: what to do about an effect whose answer was lost, given how the system treats a key."""

from typing import Literal

from blocks.ports import Personality

Next = Literal["adopt", "retry", "wait", "park"]
SKEW_S = 600.0
"""How far the system's clock may be from ours: so much earlier than it says, a key counts as forgotten."""


def what_next(personality: Personality, *, found: bool, key_age_s: float, quiet_s: float) -> Next:
    """Say what to do about an effect that was tried before, having looked where one can look.

    *key_age_s* since the key was first used; *quiet_s* since the last call ended, or since none can begin any more.

    adopt: it is there. retry: the same key again is safe, because the system would recognise it, or because
    it is known to be absent. wait: it may be there and not visible yet. park: neither look-up nor key can
    tell, so a person must.
    """
    if found:
        return "adopt"
    if recognises(personality, key_age_s):
        return "retry"
    if personality.finds:
        return "retry" if quiet_s >= personality.lag_s else "wait"
    return "park"


def recognises(personality: Personality, key_age_s: float) -> bool:
    """Say whether a key first used *key_age_s* ago is still known for certain."""
    return personality.key_kept_s is None or key_age_s < personality.key_kept_s - SKEW_S
