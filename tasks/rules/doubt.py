"""Doubt: what to do about an effect whose answer was lost, given how the system treats a key."""

from collections.abc import Iterable
from typing import Literal

from blocks.ports import Personality
from blocks.records.ledger import Line

Next = Literal["adopt", "retry", "wait", "park"]
Says = Literal["no", "wait", "park"]
SKEW_S = 600.0
"""How far the system's clock may be from ours: so much earlier than it says, a key counts as forgotten."""
AT_WORK_S = 120.0
"""How long a call is taken to be at work after we ceased to wait for it, before a no to a further one ends a case."""


def may_be_at_work(tried: Iterable[Line]) -> Line | None:
    """Find the latest call under a key that may have made something, of all that was tried; None: none did.

    A call that was itself refused made nothing: then the one before it is in doubt as it was.
    """
    calls: list[Line] = []
    for line in tried:
        if line.act == "unknown" and "refused" in line.body:
            calls[-1:] = []
        elif line.act == "unknown":
            calls[-1:] = [line]
        elif line.act in {"unsent", "settled"}:
            calls.clear()
        elif line.act != "parked":
            calls.append(line)
    return calls[-1] if calls else None


def what_next(
    personality: Personality, *, found: bool, key_age_s: float, quiet_s: float, refused: bool = False
) -> Next:
    """Say what to do about an effect that was tried before, having looked where one can look.

    *key_age_s* since the key was first used; *quiet_s* since the last call ended, or since none can begin any more;
    *refused*: a further call was refused meanwhile.

    adopt: it is there. retry: the same key again is safe, because the system would recognise it, or because
    it is known to be absent. wait: it may be there and not visible yet. park: neither look-up nor key can
    tell, so a person must.
    """
    if found:
        return "adopt"
    if recognises(personality, key_age_s):
        return "wait" if refused and quiet_s < _settled_s(personality) else "retry"
    if personality.finds:
        return "retry" if quiet_s >= personality.lag_s else "wait"
    return "park"


def what_a_no_says(personality: Personality, *, quiet_s: float) -> Says:
    """Say what a refusal is worth where an earlier call may be at work, having looked where one can look.

    It is about the second call: the first may be made yet, or stand in the books of a system that judges before it
    looks at the key. no: whatever the first did would show by now. wait: not yet. park: only a person can tell.
    """
    if not (personality.finds or personality.knows_before_it_judges):
        return "park"
    return "no" if quiet_s >= _settled_s(personality) else "wait"


def recognises(personality: Personality, key_age_s: float) -> bool:
    """Say whether a key first used *key_age_s* ago is still known for certain."""
    return personality.key_kept_s is None or key_age_s < personality.key_kept_s - SKEW_S


def _settled_s(personality: Personality) -> float:
    return max(personality.lag_s, AT_WORK_S)
