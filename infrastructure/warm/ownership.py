"""Who carries a run: the worker instance's name, as it stands in the message of a run's state."""

import re
from dataclasses import dataclass
from uuid import uuid4

_STAMP = re.compile(r"^On (?P<worker>.+), boot (?P<boot>[0-9a-f]{8})\.$")


@dataclass(frozen=True)
class Owner:
    """One life of one worker: its name survives a restart, its boot does not."""

    worker: str
    boot: str

    def __str__(self) -> str:
        return f"On {self.worker}, boot {self.boot}."


def new_owner(worker: str) -> Owner:
    """Begin a new life of the worker of this name."""
    return Owner(worker=worker, boot=uuid4().hex[:8])


def owner_in(message: str | None) -> Owner | None:
    """Read the owner out of a state's message, if a warm worker wrote it."""
    match = _STAMP.match(message or "")
    return Owner(worker=match["worker"], boot=match["boot"]) if match else None
