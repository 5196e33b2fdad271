"""Tampering by the thousand: each mutation is made, looked for by both verifiers, and undone."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.tampering.ledger import Kept
from tests.tampering.mutations import MUTATIONS, Mutation, Way
from tests.tampering.shadows import SHADOWS


class Tampering(NamedTuple):
    """One way to tamper, with the ledger it is done to."""

    name: str
    way: Way
    kept: Kept


def in_folder(kept: Kept) -> list[Tampering]:
    """Say how one tampers where what is written over is gone."""
    return [Tampering(name, way, kept) for name, way in MUTATIONS.items()]


def in_bucket(kept: Kept) -> list[Tampering]:
    """Say how one tampers where versions are kept."""
    return [Tampering(name, way, kept) for name, way in SHADOWS.items()]


@dataclass
class Told:
    """How a campaign went, by kind of mutation."""

    made: Counter[str] = field(default_factory=Counter)
    harmless: int = 0
    """How many of them change nothing of what readers are shown."""
    missed: list[str] = field(default_factory=list)
    """Each mutation that one of the verifiers did not find, or found where there was none, with what replays it."""
    unnamed: dict[str, list[str]] = field(default_factory=lambda: {"ours": [], "go": []})
    """Each of which another place is named than the one that was tampered with, or something else is said of it."""

    def __add__(self, other: "Told") -> "Told":
        """Take two together."""
        missed = [*self.missed, *other.missed]
        unnamed = {by: [*lines, *other.unnamed[by]] for by, lines in self.unnamed.items()}
        return Told(self.made + other.made, self.harmless + other.harmless, missed, unnamed)

    @property
    def total(self) -> int:
        """How many mutations were made."""
        return sum(self.made.values())

    @property
    def harmful(self) -> int:
        """How many were to be found."""
        return self.total - self.harmless

    def names(self, share: float) -> bool:
        """Say whether each verifier named such a share of what it was to find."""
        return all(len(lines) <= (1 - share) * self.harmful for lines in self.unnamed.values())


def campaign(
    ways: Sequence[Tampering],
    program: Path,
    seeds: range,
    told: Told,
    follow: Callable[[Told], None] = lambda _: None,
) -> Told:
    """Tamper once a seed, in turn in each way there is; *follow* is told how it goes."""
    for seed in seeds:
        name, way, kept = ways[seed % len(ways)]
        mutation = way(kept, Random(f"{name} {seed}"))  # noqa: S311  to be replayed
        files = {key: data for key, data in mutation.files.items() if mutation.harmless or kept.files.get(key) != data}
        if not files:
            continue
        try:
            kept.place.put(files)
            kept.place.put(mutation.then)
            ours = [(one.where, str(one.fault)) for one in kept.verdict().findings]
            theirs = kept.told(program)
        finally:
            kept.place.undo()
        told.made[name] += 1
        told.harmless += mutation.harmless
        for by, found in (("ours", ours), ("go", theirs)):
            if bool(found) is mutation.harmless:
                told.missed.append(f"{by}: {name} {seed} {sorted(files)[:3]} {found[:3]}")
            elif not mutation.harmless and not _names(mutation, found):
                told.unnamed[by].append(f"{name} {seed}: {sorted(mutation.named)[:3]} found as {found[:3]}")
        follow(told)
    return told


def _names(mutation: Mutation, found: Sequence[tuple[str, str]]) -> bool:
    """Say whether the place is named, and what was done there."""
    done = mutation.done
    places = {_bare(where) for where in mutation.named}
    return any(_bare(where) in places and (not done or what in done) for where, what in found)


def _bare(where: str) -> str:
    """Name a place of the witness's store as our own verification does."""
    return where.removeprefix("witness/").removeprefix("witness:")
