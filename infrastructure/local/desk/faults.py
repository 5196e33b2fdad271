"""Trouble on demand: a method that is slow, fails, is throttled, or loses its answer."""

from dataclasses import dataclass
from typing import Final

from infrastructure.local.desk.shapes import Json

KINDS: Final = ("delay", "error", "lost", "ratelimited")


@dataclass(slots=True)
class Fault:
    """What goes wrong with a method, and how many more times.

    `delay` waits `seconds` first; `error` answers HTTP 500 without doing anything; `lost` does it
    and then hangs up without an answer; `ratelimited` answers 429.
    """

    method: str
    kind: str
    seconds: float = 0.0
    times: int = 1


class Faults:
    """The faults that are waiting to happen."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, wanted: Json) -> Fault:
        """Arrange a fault. Raises ValueError when it is not one of the known kinds."""
        fault = Fault(
            method=str(wanted["method"]), kind=str(wanted["kind"]),
            seconds=float(wanted.get("seconds", 0)), times=int(wanted.get("times", 1)),
        )  # fmt: skip
        if fault.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}")
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Call all faults off."""
        self._waiting.clear()

    def take(self, method: str) -> Fault | None:
        """Return the next fault of a method and count it down."""
        for fault in self._waiting:
            if fault.method in (method, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None
