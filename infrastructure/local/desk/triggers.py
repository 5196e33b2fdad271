"""Trigger ids: a person did something, so the app may open one modal, now."""

import secrets
from collections.abc import Callable

from infrastructure.local.desk.shapes import SlackError

LIFE_S = 3.0
_REMEMBERED = 1000


class Triggers:
    """Issues trigger ids that live three seconds and work once."""

    def __init__(self, now: Callable[[], float], team: str) -> None:
        self._now = now
        self._team = team
        self._issued: dict[str, tuple[str, float, bool]] = {}

    def issue(self, user: str) -> str:
        """Make a trigger id for something this person just did."""
        millis = int(self._now() * 1000)
        trigger = f"{millis}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._issued[trigger] = (user, self._now(), False)
        while len(self._issued) > _REMEMBERED:
            del self._issued[next(iter(self._issued))]
        return trigger

    def exchange(self, trigger: str) -> str:
        """Use a trigger id up; return the person it was issued for.

        Raises SlackError `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`.
        """
        user, since, used = self._issued.get(trigger, ("", 0.0, False))
        if not user:
            raise SlackError("invalid_trigger_id")
        if used:
            raise SlackError("exchanged_trigger_id")
        if self._now() - since > LIFE_S:
            raise SlackError("expired_trigger_id")
        self._issued[trigger] = (user, since, True)
        return user
