"""Waiting for something to come true, in real time."""

import asyncio
import time
from collections.abc import Callable

WAIT_S = 60.0


async def until(true: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(0.02)


def until_so(true: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    """Look again and again until it is so, where nothing else is to go on meanwhile."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.02)
