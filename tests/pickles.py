"""Watching for pickles: Python tells its audit hooks of every class that one names."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNPICKLED: list[tuple[object, ...]] = []
WATCHING: list[bool] = []


def _watch(event: str, told: tuple[object, ...]) -> None:
    """Note each class that a pickle names. A hook stays for good, so it looks only while a test watches."""
    if event == "pickle.find_class" and WATCHING:
        UNPICKLED.append(told)


@contextmanager
def watched() -> Iterator[list[tuple[object, ...]]]:
    """Note every class that a pickle names meanwhile."""
    if not getattr(sys, "_almoner_watches_pickles", False):
        sys.addaudithook(_watch)
        sys._almoner_watches_pickles = True  # type: ignore[attr-defined]
    UNPICKLED.clear()
    WATCHING.append(True)
    try:
        yield UNPICKLED
    finally:
        WATCHING.clear()
