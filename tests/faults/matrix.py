"""The matrix: each row a fault, a check over a scene of it, and a twin of the check in which the guard is taken out.

    @row(11, "The ERP commits, and its answer is lost", guard="…", without=guards.forgetful, shows="I1")
    async def answer_lost(stage: Stage) -> list[Violation]:
        ...

The check is the scene with its guard: it must find nothing. The twin is the same scene without: it must find what
`shows` says, or the check could not fail. Rows are numbered as the specification of effects and faults numbers them.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from infrastructure.local.stack.running import BackgroundStack
from tests.faults.hands import Hands
from tests.faults.proxy import Proxy
from tests.invariants import Violation

NUMBERS = range(1, 31)
Needs = Literal["", "s3", "prefect"]


@dataclass
class Stage:
    """What a scene is played on: a folder of its own, and the servers that its row needs."""

    root: Path
    hands: Hands
    s3: BackgroundStack | None = None
    prefect: BackgroundStack | None = None
    api: Proxy | None = None
    """What stands before Prefect: one for all scenes, since its client keeps an address for good."""
    calm: bool = False
    """Whether the fault stays away: then also the twin finds nothing, or it would not be the fault that it shows."""


Scene = Callable[[Stage], Awaitable[list[Violation]]]


class Row(NamedTuple):
    """One row, or one of several scenes of a row."""

    number: int
    fault: str
    scene: Scene
    guard: str
    without: Callable[[], AbstractContextManager[object]]
    shows: str
    needs: Needs

    def __str__(self) -> str:
        return f"{self.number:02}-{self.scene.__name__.replace('_', '-')}"


ROWS: list[Row] = []


def row(
    number: int,
    fault: str,
    *,
    guard: str,
    without: Callable[[], AbstractContextManager[object]],
    shows: str,
    needs: Needs = "",
) -> Callable[[Scene], Scene]:
    """Put a scene into the matrix. *shows*: the invariant that the twin must find violated."""

    def entered(scene: Scene) -> Scene:
        ROWS.append(Row(number, fault, scene, guard, without, shows, needs))
        return scene

    return entered
