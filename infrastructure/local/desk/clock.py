"""Slack's message clock: `seconds.microseconds`, never the same twice, never going back."""

from collections.abc import Callable

_MICRO = 1_000_000


class MessageClock:
    """Gives each message its `ts`. Starts after `last`, the newest one already stored."""

    def __init__(self, now: Callable[[], float], last: str = "") -> None:
        self._now = now
        self._last = int(last.replace(".", "")) if last else 0

    def tick(self) -> str:
        """Return the next timestamp, later than every one before it.

        >>> clock = MessageClock(lambda: 1531420618.0)
        >>> clock.tick(), clock.tick()
        ('1531420618.000000', '1531420618.000001')
        """
        self._last = max(int(self._now() * _MICRO), self._last + 1)
        seconds, micros = divmod(self._last, _MICRO)
        return f"{seconds:010d}.{micros:06d}"
