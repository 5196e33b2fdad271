"""What cycles have come to: who was killed, how soon cases moved again, what was violated."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median, quantiles

from tests.invariants import Violation

AGAIN = "struck again before it moved"
SLOW_S = 30.0
"""What took so long to move again is told of."""


@dataclass
class Struck:
    """A case that was being carried by whoever was killed, or stopped: how far it had come, and when."""

    case: str
    seq: int
    at: datetime
    how: str
    back: datetime | None = None
    """Since when the ledger can be written again: a line on its way when its store died bears an older time."""


@dataclass
class Score:
    """What the cycles have come to so far."""

    kills: Counter[str] = field(default_factory=Counter)
    struck: list[Struck] = field(default_factory=list)
    moved_s: dict[str, list[float]] = field(default_factory=dict)
    """Seconds from the kill to the case's next entry in the ledger, by who was killed."""
    violations: list[Violation] = field(default_factory=list)
    cases: int = 0
    agreed: int = 0
    """Entries under signed heads over which the Go program agreed when the storm was over."""
    ended: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, tuple[float, list[str]]] = field(default_factory=dict)
    """Of each kind, the case that took longest: how long, and what happened to it meanwhile."""

    @property
    def deaths(self) -> int:
        """How often somebody was killed: to stand still is not to die."""
        return self.kills.total() - self.kills["worker stopped"]

    def add(self, other: "Score") -> None:
        """Count another town's."""
        self.kills, self.ended = self.kills + other.kills, self.ended + other.ended
        self.violations += other.violations
        self.cases += other.cases
        self.agreed += other.agreed
        for how, took in other.moved_s.items():
            self.moved_s.setdefault(how, []).extend(took)
        for how, worst in other.slowest.items():
            self.slowest[how] = max(worst, self.slowest.get(how, worst))

    def __str__(self) -> str:
        """Print it."""
        kills = ", ".join(f"{n:,} {how}" for how, n in self.kills.most_common())
        ends = ", ".join(f"{n:,} {how}" for how, n in self.ended.most_common())
        lines = [f"  {how}: moves again: {recovery(self.moved_s[how])}" for how in sorted(self.moved_s)]
        if len(self.moved_s) > 1:
            lines.append(f"  all of them: {recovery([one for took in self.moved_s.values() for one in took])}")
        if self.agreed:
            lines.append(f"  the Go program agrees over {self.agreed:,} entries under signed heads")
        wrong = [f"  {one.invariant} {one.where}: {one.what}" for one in self.violations]
        head = f"  {self.kills.total():,} cycles ({kills}), {self.cases:,} cases ({ends}), "
        return "\n".join([f"{head}{len(self.violations):,} violations", *lines, *wrong])

    def stories(self, from_s: float) -> str:
        """Print what happened to the slowest case of each kind, where it took so long."""
        told = sorted((how, took, lines) for how, (took, lines) in self.slowest.items() if took >= from_s)
        return "\n".join(f"  {how}, {took:.1f} s:\n" + "\n".join(lines) for how, took, lines in told)


def recovery(took: list[float]) -> str:
    """Print how long it took until cases moved again."""
    head = f"{len(took):,} cases struck, median {median(took):.1f} s"
    return f"{head}, p99 {p99(took):.1f} s, longest {max(took):.1f} s"


def p99(took: list[float]) -> float:
    """Find what 99 of a hundred stay below."""
    return quantiles(took, n=100, method="inclusive")[98] if len(took) > 1 else took[0]
