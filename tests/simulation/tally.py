"""What came of many lives, and how to live one again."""

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.life import FAULTS_MIN, Lived

TOLD_MAX = 5
"""How many stories of lives in which something is wrong are kept."""


@dataclass
class Tally:
    """What came of the lives so far: of each case, how it ended; how many had faults enough to count."""

    lives: int = 0
    enough: int = 0
    """Lifetimes of cases to which at least `FAULTS_MIN` faults happened."""
    calm: int = 0
    wrong: list[int] = field(default_factory=list)
    """The seeds of the lives in which something is violated."""
    stories: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    each: Counter[int] = field(default_factory=Counter)
    """How many lifetimes had so many faults."""

    def take(self, lived: Lived) -> None:
        """Count one more."""
        enough = sum(n >= FAULTS_MIN for n in lived.suffered.values())
        self.lives += 1
        self.enough += enough
        self.calm += len(lived.suffered) - enough
        self.ends += lived.ends
        self.faults += lived.faults
        self.each += Counter(lived.suffered.values())
        if lived.violations:
            self.wrong.append(lived.seed)
            self.stories.append(story_of(lived))

    def add(self, other: "Tally") -> None:
        """Count what another process has lived."""
        self.lives, self.enough, self.calm = (
            self.lives + other.lives,
            self.enough + other.enough,
            self.calm + other.calm,
        )
        self.wrong += other.wrong
        self.stories = (self.stories + other.stories)[:TOLD_MAX]
        self.ends, self.faults = self.ends + other.ends, self.faults + other.faults
        self.each = self.each + other.each

    def __str__(self) -> str:
        """Print it."""
        return (
            f"{self.enough:,} lifetimes of cases with {FAULTS_MIN} faults or more each ({self.calm:,} calmer ones), "
            f"{self.faults.total():,} faults, {len(self.wrong):,} lives with a violation of {self.lives:,} in all\n"
            f"  ends: {printed(self.ends)}\n  faults: {printed(self.faults)}\n"
            f"  faults a lifetime: {', '.join(f'{n} × {times:,}' for n, times in sorted(self.each.items()))}"
        )


def printed(counts: Counter[str]) -> str:
    """List what was counted, the most frequent first."""
    return ", ".join(f"{n:,} {name}" for name, n in counts.most_common())


def story_of(lived: Lived) -> str:
    """Tell a life, and how to live it again."""
    wrong = [f"  {x.invariant} {x.where}: {x.what}" for x in lived.violations] or ["  nothing is violated"]
    suffered = [f"  {case}: {n} faults" for case, n in lived.suffered.items()]
    again = f"again: python -m tests.simulation --seed {lived.seed}"
    head = f"life {lived.seed}, {lived.personality}"
    return "\n".join([head, *wrong, *suffered, *(f"    {x}" for x in lived.story), again])
