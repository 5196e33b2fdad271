"""Policy on a hospital system's scale: 200 rules proven, and 100,000 requests judged in one frame.

`python -m tests.bench.policy [--lines 100000]`. The floor is the same work one request at a time, by the process's own
rules, over a sample; the verdicts of the sample are compared line by line.
"""

import argparse
import json
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import get_args

import polars as pl

from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.people import Directory, Duties, Grant, Person, Role
from blocks.records.policy import Band, Matrix, Policy, Rulebook, Tier
from blocks.records.purchasing import Category, Requisition
from infrastructure.local.hospital.__main__ import policy
from tasks.rules.frames import LINES, decide_all, line_of
from tasks.rules.proof import prove
from tests.samples import budget, facts, request, rulebook, usd
from tests.tasks.rules.test_frames import one_at_a_time

ROLES: tuple[Role, ...] = get_args(Role)
CATEGORIES: tuple[Category, ...] = get_args(Category)
CENTRES = [f"C{n}" for n in range(24)]
BOUNDS = (0, 1_000, 5_000, 20_000, 80_000)
SAMPLE = 2_000


def large_policy() -> Policy:
    """Make a policy of 200 rules: for each category the general bands, and those of nine groups of cost centres."""

    def matrix(category: Category, group: int, centres: tuple[str, ...] = ()) -> Matrix:
        bounds = [Decimal(bound + (group if bound else 0)) for bound in BOUNDS]
        tiers = (
            Tier(
                band=Band(lower=lower, upper=upper),
                roles=tuple(ROLES[(row + n + group) % len(ROLES)] for n in range(min(row, 4))),
            )
            for row, (lower, upper) in enumerate(zip(bounds, [*bounds[1:], None], strict=True))
        )
        return Matrix(category=category, tiers=tuple(tiers), cost_centres=centres)

    groups = [(group, (f"C{2 * group - 2}", f"C{2 * group - 1}")) for group in range(1, 10)]
    matrices = [matrix(category, 0) for category in CATEGORIES]
    matrices += [matrix(category, group, centres) for category in CATEGORIES for group, centres in groups]
    return policy().model_copy(update={"matrices": tuple(matrices), "conflicts": ()})


def large_directory() -> Directory:
    """Make people enough: two of each local role in each cost centre, three of each central one, 200 who ask."""
    people = [
        Person(
            id=f"p{centre}-{role}-{n}",
            name=f"{role} {n} of {centre}",
            asks=False,
            grants=(Grant(role=role, cost_centres=(centre,), limit=usd(250_000)),),
        )
        for centre in CENTRES
        for role in ROLES[:2]
        for n in range(2)
    ]
    people += [
        Person(id=f"x-{role}-{n}", name=f"{role} {n}", asks=False, grants=(Grant(role=role),))
        for role in ROLES[2:]
        for n in range(3)
    ]
    people += [Person(id=f"n{n}", name=f"Nurse {n}", cost_centres=(CENTRES[n % 24],)) for n in range(200)]
    return Directory(entity="MERCY", zone="America/Chicago", effective_from=date(2026, 1, 1), people=tuple(people))


def some_lines(many: int) -> list[tuple[Requisition, Facts]]:
    """Draw requests with their facts, from a few thousand that differ."""
    dice = Random(7)  # noqa: S311  a bench repeats itself
    drawn = []
    for _ in range(min(many, 5_000)):
        nurse = dice.randrange(200)
        wanted = request(requester=f"n{nurse}", cost_centre=CENTRES[nurse % 24], quantity=dice.randint(1, 30))
        known = facts(
            dice.choice([50_000, 400_000]),
            category=dice.choice(CATEGORIES),
            contract=dice.choice([None, "C-1", "C-1"]),
            unit_price=Money.of(Decimal(dice.randint(100, 900_000)) / 100, "USD"),
            budget=budget().model_copy(update={"cost_centre": wanted.cost_centre}),
            recent=dice.choice([None, None, usd(700)]),
        )
        drawn.append((wanted, known))
    return [dice.choice(drawn) for _ in range(many)]


def compared(lines: list[tuple[Requisition, Facts]], told: pl.DataFrame, book: Rulebook) -> float:
    """Judge a sample one at a time, assert that it is the same, and return the seconds of CPU a line."""
    began = time.process_time()
    each = [one_at_a_time(line, book) for line in lines]
    took_s = time.process_time() - began
    rows = [(row["verdict"], row["route"], row["asked"], row["because"]) for row in told.iter_rows(named=True)]
    assert rows == each, next((a, b) for a, b in zip(rows, each, strict=True) if a != b)
    return took_s / len(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    many = parser.parse_args().lines
    rules, staff = large_policy(), large_directory()
    book = rulebook(with_policy=rules, with_directory=staff)
    began = time.perf_counter()
    proof = prove(rules, staff, Duties(), datetime(2026, 11, 23, tzinfo=UTC))
    check_s = time.perf_counter() - began
    lines = some_lines(many)
    frame = pl.DataFrame([line_of(*line) for line in lines], LINES, orient="row")
    began = time.perf_counter()
    told = decide_all(frame, book)
    frame_s = time.perf_counter() - began
    alone_s = compared(lines[:SAMPLE], told.head(SAMPLE), book)
    figures = {
        "rules": sum(len(one.tiers) for one in rules.matrices),
        "check_s": round(check_s, 2),
        "violations": len(proof.violations),
        "lines": many,
        "frame_s": round(frame_s, 2),
        "one_at_a_time_s": round(alone_s * many, 1),
        "verdicts": dict(told["verdict"].value_counts(sort=True).iter_rows()),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
