"""Replay: what a proposed policy would have made of past cases.

Cases are judged in frames, which say what the process's own rules would; what comes of it is summed in frames too.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl
from pydantic import Field

from blocks.records.base import Record
from blocks.records.outcome import Facts
from blocks.records.policy import Policy, Rulebook
from blocks.records.purchasing import Requisition
from tasks.rules.frames import LINES, decide_all, line_of
from tasks.rules.requisition import amount_of

ENDS = " → "
ENDED = {"asked": "", "filled": "filled", "refused": "refused", "nobody": "nobody could decide"}
CASES = pl.Schema(
    {"case": pl.String(), "amount": pl.Decimal(18, 6), "was": pl.String(), "would": pl.String(), "nobody": pl.String()}
)
WAITS = pl.Schema(
    {"case": pl.String(), "role": pl.String(), "asked": pl.Datetime("ms", "UTC"), "decided": pl.Datetime("ms", "UTC")}
)
WOULD = pl.Schema({"role": pl.String(), "case": pl.String()})


class Wait(NamedTuple):
    """How long one role took in one case; None: it has not answered."""

    role: str
    asked: datetime
    decided: datetime | None


class Past(NamedTuple):
    """A past case as far as policy matters to it: what was known at each look, who was asked, by which policy."""

    case: str
    looks: tuple[tuple[Requisition, Facts], ...]
    waits: tuple[Wait, ...]
    policy: Policy


class Asked(Record):
    """One role: how often it was asked and would be, and how long it takes."""

    role: str
    was: int
    would: int
    median_hours: float | None = Field(description="From being asked to the answer; None: it never answered")


class Change(Record):
    """Cases that would go another way, together."""

    was: str
    would: str
    cases: int
    amount: str
    hours_was: float | None = Field(description="Median sum of the hours they waited for people")
    hours_would: float | None = Field(description="Sum of the roles' median hours; None: a role never answered yet")


class Conflict(Record):
    """A case that nobody could decide."""

    case: str
    because: str


class Replay(Record):
    """What a proposed policy would have made of past cases."""

    cases: int
    unchanged: int
    roles: tuple[Asked, ...]
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    skipped: dict[str, int]


class _Verdict(NamedTuple):
    roles: tuple[str, ...] = ()
    end: str = ""
    nobody: str = ""


def replay(cases: tuple[Past, ...], skipped: dict[str, int], proposed: Policy, today: Rulebook) -> Replay:
    """Judge past cases by a proposed policy and today's people, and compare.

    What was is told in full too: of a case that waits or was rejected, whom its own policy would have asked next.
    """
    verdicts = _judged(cases, today.model_copy(update={"policy": proposed}))
    before = _by_own_policy(cases, today)
    rows = [_row(one, before[one.case], verdicts[one.case]) for one in cases]
    told = pl.DataFrame(rows, CASES, orient="row")
    waits = pl.DataFrame([(one.case, *x) for one in cases for x in one.waits], WAITS, orient="row")
    hours = (pl.col("decided") - pl.col("asked")).dt.total_milliseconds() / 3_600_000
    waits = waits.with_columns(hours=hours)
    would = pl.DataFrame([(x, one.case) for one in cases for x in verdicts[one.case].roles], WOULD, orient="row")
    moved = told.filter(pl.col("was") != pl.col("would"))
    return Replay(
        cases=told.height,
        unchanged=told.height - moved.height,
        roles=tuple(Asked.model_validate(row) for row in _by_role(waits, would).iter_rows(named=True)),
        changes=tuple(Change.model_validate(row) for row in _changes(moved, waits, would).iter_rows(named=True)),
        conflicts=tuple(
            Conflict(case=row["case"], because=row["nobody"])
            for row in told.filter(pl.col("nobody") != "").sort("case").iter_rows(named=True)
        ),
        skipped=skipped,
    )


def _judged(cases: Iterable[Past], rulebook: Rulebook) -> dict[str, _Verdict]:
    """Judge every look of every case, all of them in one frame; whoever is asked at any look of a case is asked.

    The first look that ends a case, ends it.
    """
    looks = [(past.case, line_of(request, facts)) for past in cases for request, facts in past.looks]
    told = decide_all(pl.DataFrame([line for _, line in looks], LINES, orient="row"), rulebook)
    found: dict[str, _Verdict] = {}
    for (case, _), row in zip(looks, told.iter_rows(named=True), strict=True):
        known = found.get(case, _Verdict())
        if not known.end:
            asked = tuple(dict.fromkeys((*known.roles, *row["asked"])))
            found[case] = _Verdict(asked, ENDED[row["verdict"]], row["because"] * (row["verdict"] == "nobody"))
    return found


def _by_own_policy(cases: Iterable[Past], today: Rulebook) -> dict[str, _Verdict]:
    """Judge each case by the policy it went by, and today's people."""
    found: dict[str, _Verdict] = {}
    by_policy: dict[int, list[Past]] = {}
    for past in cases:
        by_policy.setdefault(id(past.policy), []).append(past)
    for same in by_policy.values():
        found |= _judged(same, today.model_copy(update={"policy": same[0].policy}))
    return found


def _row(past: Past, before: _Verdict, verdict: _Verdict) -> tuple[Any, ...]:
    request, facts = past.looks[0]
    asked = dict.fromkeys((*(one.role for one in past.waits), *before.roles))
    was = ENDS.join([*asked, *([before.end] if before.end else [])])
    would = ENDS.join([*verdict.roles, *([verdict.end] if verdict.end else [])])
    return past.case, amount_of(request, facts.sourcing).amount, was or "nobody", would or "nobody", verdict.nobody


def _by_role(waits: pl.DataFrame, would: pl.DataFrame) -> pl.DataFrame:
    was = waits.group_by("role").agg(
        pl.col("case").n_unique().alias("was"), pl.col("hours").median().alias("median_hours")
    )
    then = would.group_by("role").agg(pl.col("case").n_unique().alias("would"))
    both = was.join(then, on="role", how="full", coalesce=True)
    return both.with_columns(pl.col("was", "would").fill_null(0), pl.col("median_hours").round(2)).sort("role")


def _changes(moved: pl.DataFrame, waits: pl.DataFrame, would: pl.DataFrame) -> pl.DataFrame:
    """Group the cases that would go another way, by both ways, the most frequent first."""
    medians = waits.group_by("role").agg(pl.col("hours").median())
    waited = waits.group_by("case").agg(pl.col("hours").sum().alias("hours_was"))
    will = would.join(medians, on="role", how="left").group_by("case")
    wait = will.agg(pl.when(pl.col("hours").null_count() == 0).then(pl.col("hours").sum()).alias("hours_would"))
    asks_nobody = ~pl.col("case").is_in(would["case"].implode())
    known = moved.join(waited, on="case", how="left").join(wait, on="case", how="left")
    known = known.with_columns(
        pl.col("hours_was").fill_null(0.0),
        pl.when(asks_nobody).then(0.0).otherwise(pl.col("hours_would")).alias("hours_would"),
    )
    grouped = known.group_by("was", "would").agg(
        pl.len().alias("cases"),
        pl.col("amount").sum().cast(pl.Decimal(18, 2)).cast(pl.String),
        pl.col("hours_was", "hours_would").median().round(2),
    )
    return grouped.sort(["cases", "was", "would"], descending=[True, False, False])
