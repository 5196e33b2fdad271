"""Tampering by the thousand: each mutation is made, looked for by both verifiers, and undone."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.tampering.ledger import Kept
from tests.tampering.mutations import MUTATIONS


@dataclass
class Told:
    """How a campaign went, by kind of mutation."""

    made: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    """Each mutation that one of the verifiers did not find, with what replays it."""
    unnamed: dict[str, list[str]] = field(default_factory=lambda: {"ours": [], "go": []})

    @property
    def total(self) -> int:
        """How many mutations were made."""
        return sum(self.made.values())


def campaign(kept: Kept, program: Path, seeds: range, told: Told) -> Told:
    """Tamper once a seed, in turn in each way there is."""
    ways = list(MUTATIONS.items())
    for seed in seeds:
        name, way = ways[seed % len(ways)]
        mutation = way(kept, Random(f"{name} {seed}"))  # noqa: S311  to be replayed
        files = {key: data for key, data in mutation.files.items() if kept.files.get(key) != data}
        if not files:
            continue
        kept.put(files)
        try:
            ours, theirs = [one.where for one in kept.verdict().findings], kept.told(program)
        finally:
            kept.restore(list(files))
        told.made[name] += 1
        named = mutation.named
        for by, found in (("ours", ours), ("go", [line.split(":")[0] for line in theirs])):
            if not found:
                told.missed.append(f"{by}: {name} {seed} {sorted(files)[:3]}")
            elif not named & set(found):
                told.unnamed[by].append(f"{name} {seed}: {sorted(named)[:3]} found as {found[:3]}")
    return told
