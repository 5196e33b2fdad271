"""Rate limits: a bucket for each method, and for each channel where Slack counts by channel."""

import math
from collections.abc import Callable

from infrastructure.local.desk.tiers import TIERS, Tier

_BY_CHANNEL = frozenset({"chat.postMessage"})


class Limiter:
    """Says how long a caller must wait. `factor` multiplies Slack's own rates; None never waits."""

    def __init__(self, now: Callable[[], float], factor: float | None) -> None:
        self._now = now
        self._factor = factor
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def wait_s(self, method: str, channel: str) -> int:
        """Count one call; return 0, or the whole seconds after which it may be tried again."""
        if self._factor is None:
            return 0
        tier = TIERS.get(method, Tier.TIER_3)
        key = (method, channel if method in _BY_CHANNEL else "")
        now, most = self._now(), tier.burst * self._factor
        rate = tier.calls * self._factor / tier.seconds
        tokens, since = self._buckets.get(key, (most, now))
        tokens = min(most, tokens + max(0.0, now - since) * rate)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / rate))
        self._buckets[key] = (tokens - 1, now)
        return 0
