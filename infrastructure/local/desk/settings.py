"""What a desk is told when it starts: where it keeps its state, whom it serves, how strict it is."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_COMMANDS = {
    "/requisition": "Ask for something to be bought",
    "/almoner": "Your inbox, a case's status, standing in for each other, emergencies",
}
"""As the app's manifest has them."""


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """Everything a desk needs to know; nothing is read from the environment behind your back.

    `home` holds the state (None keeps it in memory and forgets it on exit). `people` is the
    directory file (None uses the built-in cast, meant for tests). `rate_factor` multiplies Slack's
    own rate limits: 1 is Slack's own, 20 is twenty times as generous, None switches them off.
    `app_wait_s` is Slack's three-second clock; `event_retries_s` the waits before each retry.
    """

    bot_token: str
    signing_secret: str
    app_url: str = "http://127.0.0.1:18080"
    home: Path | None = None
    people: Path | None = None
    rate_factor: float | None = 1.0
    commands: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_COMMANDS))
    app_wait_s: float = 3.0
    event_retries_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    now: Callable[[], float] = time.time


def parse_rate_factor(text: str) -> float | None:
    """Read `real`, `off` or `xN` (N times Slack's own limits).

    >>> parse_rate_factor("real"), parse_rate_factor("off"), parse_rate_factor("x20")
    (1.0, None, 20.0)

    Raises ValueError for anything else.
    """
    if text == "real":
        return 1.0
    if text == "off":
        return None
    factor = float(text.removeprefix("x"))
    if not text.startswith("x") or not factor > 0:
        raise ValueError("say real, off, or xN with N above zero, as in x20")
    return factor
