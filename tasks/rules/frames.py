"""Many requests at once: what policy makes of each line of a frame, and why.

Line by line the same as the process finds one at a time: which lines are alike is found in the frame, and what becomes
of those is asked of the process's own rules, once for all of them.
"""

from collections.abc import Iterable
from typing import Any

import polars as pl

from blocks.records.money import Money, said
from blocks.records.outcome import Facts
from blocks.records.people import Person
from blocks.records.policy import Matrix, Policy, Rulebook
from blocks.records.purchasing import Requisition
from blocks.records.routes import Band
from tasks.rules.asking import NobodyMayError
from tasks.rules.funds import too_short
from tasks.rules.plan import Planned, Seat, Situation, goes_by_requester, planned, short_of, who_sits
from tasks.rules.requisition import closed, no_price, other_books, other_price, too_large
from tasks.rules.routes import limits_of

AMOUNT = pl.Decimal(38, 6)
LINES = pl.Schema(
    {
        "requester": pl.String(), "cost_centre": pl.String(), "item": pl.String(), "quantity": pl.Int64(),
        "currency": pl.String(), "charge_on": pl.Date(), "emergency": pl.Boolean(), "category": pl.String(),
        "on_hand": AMOUNT, "supplier": pl.String(), "contract": pl.String(), "price": AMOUNT, "priced_in": pl.String(),
        "period_open": pl.Boolean(), "budget": AMOUNT, "books_in": pl.String(), "year": pl.Int64(), "left": AMOUNT,
        "recent": AMOUNT,
    }
)  # fmt: skip
"""One request and what is known of it, a line. Amounts are in the currency that the line says; recent: null or more."""

WORDED = (
    "line", "end", "short", "charge_on", "cost_centre", "books_in", "currency", "item", "priced_in", "amount", "left",
    "year", "counted",
)  # fmt: skip
WHERE = "\x00"
"""Stands for the place and the amount, which are a line's own."""
ALIKE = (
    "matrix",
    "tier",
    "cost_centre",
    "category",
    "emergency",
    "off_contract",
    "low_budget",
    "bands",
    "reach",
    "who",
)
VERDICTS = pl.Schema(
    {
        "line": pl.UInt32(), "verdict": pl.String(), "route": pl.List(pl.String()), "asked": pl.List(pl.String()),
        "because": pl.String(),
    }
)  # fmt: skip


def line_of(request: Requisition, facts: Facts) -> tuple[Any, ...]:
    """Print a request and its facts as a line of `LINES`."""
    sourcing, price, budget = facts.sourcing, facts.sourcing.unit_price, facts.sourcing.budget
    return (
        request.requester, request.cost_centre, request.item, request.quantity, request.currency, request.charge_on,
        request.emergency, sourcing.category, sourcing.on_hand, sourcing.supplier, sourcing.contract,
        price.amount if price else None, price.currency if price else None, sourcing.period_open, budget.budget.amount,
        budget.budget.currency, budget.year, facts.left.amount, facts.recent.amount if facts.recent else None,
    )  # fmt: skip


def decide_all(lines: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Judge every line of a frame of `LINES`; return, in the same order, `VERDICTS`.

    The verdict is `refused`, `filled` from stock, `nobody` (too few people for the seats) or `asked`; the route names
    each step that is asked for, none where it goes straight through, asked each capacity once; because says why it is
    refused, or who is lacking.
    """
    policy = rulebook.policy
    told = _with_ends(lines.with_row_index("line"), policy)
    asked = _with_rules(told.filter(pl.col("verdict") == "asked"), rulebook)
    kinds = asked.group_by(ALIKE).agg(pl.col("counted").first()).with_row_index("kind")
    people, names = _People(rulebook), pl.List(pl.String())
    answers = pl.DataFrame(
        [(kind["kind"], *_answer(kind, policy, people)) for kind in kinds.iter_rows(named=True)],
        {"kind": pl.UInt32(), "route": names, "asked": names, "short": names},
        orient="row",
    )
    routed = (
        asked.join(kinds.drop("counted"), on=ALIKE).join(answers, on="kind").select("line", "route", "asked", "short")
    )
    told = told.join(routed, on="line", how="left")
    verdict = pl.when(pl.col("short").list.len() > 0).then(pl.lit("nobody")).otherwise("verdict")
    told = told.with_columns(pl.col("route", "asked").fill_null([]), verdict=verdict)
    told = told.join(_reasons(told, policy), on="line", how="left").sort("line")
    told = told.with_columns(pl.col("because").fill_null(""))
    return told.select(pl.col(name).cast(kind) for name, kind in VERDICTS.items())


def label(step: Planned) -> str:
    """Name a step.

    >>> label(Planned((Seat("finance-director"), Seat("procurement-lead")), 1, "tier"))
    '1 of finance-director, procurement-lead'
    """
    seats = ", ".join(seat.key for seat in step.seats)
    return seats if len(step.seats) == 1 else f"{step.enough} of {seats}"


def _with_ends(lines: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Say of each line whether it ends before anybody is asked, in the order in which the process looks."""
    amount = (pl.col("price").fill_null(0) * pl.col("quantity")).cast(AMOUNT)
    lines = lines.with_columns(amount=amount).with_columns(counted=pl.col("amount") + pl.col("recent").fill_null(0))
    end = (
        pl.when(~pl.col("period_open"))
        .then(pl.lit("closed"))
        .when(pl.col("books_in") != pl.col("currency"))
        .then(pl.lit("other books"))
        .when(pl.col("on_hand") >= pl.col("quantity"))
        .then(pl.lit("filled"))
        .when(pl.col("supplier").is_null() | pl.col("price").is_null())
        .then(pl.lit("no price"))
        .when(pl.col("priced_in") != policy.currency)
        .then(pl.lit("other price"))
        .when(pl.col("amount") > policy.amount_max)
        .then(pl.lit("too large"))
        .when(pl.col("amount") > pl.col("left"))
        .then(pl.lit("short of funds"))
        .otherwise(pl.lit("asked"))
    )
    lines = lines.with_columns(end=end)
    verdict = pl.when(pl.col("end").is_in(["filled", "asked"])).then("end").otherwise(pl.lit("refused"))
    return lines.with_columns(verdict=verdict)


def _with_rules(lines: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Say of each line all that policy and people make a difference of."""
    policy, counted = rulebook.policy, pl.col("counted")
    after, share = pl.col("left") - pl.col("amount"), pl.lit(policy.low_budget_share, pl.Decimal(38, 18))
    bands, limits = [also.band for also in policy.also if also.band], limits_of(rulebook.directory)
    lines = lines.with_columns(
        off_contract=pl.col("contract").is_null(),
        low_budget=after.cast(pl.Decimal(38, 12)) < (pl.col("budget") * share).cast(pl.Decimal(38, 12)),
        bands=pl.concat_str([_holds(band).cast(pl.Int8) for band in bands]) if bands else pl.lit(""),
        reach=pl.sum_horizontal([pl.lit(0), *((counted > one).cast(pl.Int32) for one in limits)]),
        who=_who(rulebook),
    )
    places = lines.select("category", "cost_centre", "emergency").unique()
    found = [policy.matrices.index(policy.matrix(x, y, emergency=z)) for x, y, z in places.iter_rows()]
    placed = lines.join(places.with_columns(matrix=pl.Series(found, dtype=pl.Int64)), on=places.columns)
    return _with_tiers(placed, policy.matrices)


def _with_tiers(lines: pl.DataFrame, matrices: Iterable[Matrix]) -> pl.DataFrame:
    """Find the tier of each line: the one band of its matrix that holds what counts."""
    tiers = pl.DataFrame(
        [
            (place, row, band.lower, band.lower_included, band.upper, band.upper_included)
            for place, matrix in enumerate(matrices)
            for row, band in enumerate(tier.band for tier in matrix.tiers)
        ],
        {
            "matrix": pl.Int64(),
            "tier": pl.Int64(),
            "lower": AMOUNT,
            "from": pl.Boolean(),
            "upper": AMOUNT,
            "to": pl.Boolean(),
        },
        orient="row",
    )
    counted = pl.col("counted")
    above = (counted > pl.col("lower")) | (pl.col("from") & (counted == pl.col("lower")))
    below = (counted < pl.col("upper")) | (pl.col("to") & (counted == pl.col("upper")))
    return lines.join(tiers, on="matrix").filter(above & below.fill_null(value=True))


def _holds(band: Band) -> pl.Expr:
    counted = pl.col("counted")
    above = counted >= band.lower if band.lower_included else counted > band.lower
    if band.upper is None:
        return above
    return above & (counted <= band.upper if band.upper_included else counted < band.upper)


def _who(rulebook: Rulebook) -> pl.Expr:
    """Name who asks where it makes a difference: who may decide themselves, or anybody where that goes by who asks."""
    if goes_by_requester(rulebook.policy):
        return pl.col("requester")
    able = [one.id for one in rulebook.directory.people if one.grants or one.owns]
    return pl.when(pl.col("requester").is_in(able)).then("requester").otherwise(pl.lit(""))


class _People:
    """Who sits where, asked again and again."""

    def __init__(self, rulebook: Rulebook) -> None:
        some = tuple(one for one in rulebook.directory.people if one.grants or one.owns)
        self.by_line = goes_by_requester(rulebook.policy)
        self.everybody = rulebook.directory
        self._able = rulebook.directory if self.by_line else rulebook.directory.model_copy(update={"people": some})
        self._sitting: dict[tuple[object, ...], tuple[Person, ...]] = {}

    def in_seat(self, seat: Seat, on: Situation, reach: int) -> tuple[Person, ...]:
        """List who may fill a seat, whom the requester cannot be; *reach* names the amount, as far as limits go."""
        key = (seat, on.cost_centre, reach, on.requester if seat.capacity == "line-manager" else "")
        if key not in self._sitting:
            self._sitting[key] = who_sits(self._able, seat, on.cost_centre, on.counted, str(key[-1]))
        return tuple(one for one in self._sitting[key] if one.id != on.requester)


def _answer(kind: dict[str, Any], policy: Policy, people: _People) -> tuple[list[str], list[str], list[str]]:
    """Ask the process's own rules about lines that are alike: the route; and the seats and people where too few are."""
    on = Situation(
        category=kind["category"],
        cost_centre=kind["cost_centre"],
        requester=kind["who"],
        counted=Money(amount=kind["counted"], currency=policy.currency),
        off_contract=kind["off_contract"],
        low_budget=kind["low_budget"],
        emergency=kind["emergency"],
    )
    plan = planned(policy, on, people.everybody)
    sitting = {seat: people.in_seat(seat, on, kind["reach"]) for step in plan for seat in step.seats}
    short = short_of(plan, {seat: frozenset(one.id for one in who) for seat, who in sitting.items()})
    if not short:
        asked = dict.fromkeys(seat.capacity for step in plan for seat in step.seats)
        return [label(step) for step in plan], [*asked], []
    named = {one.name for seat in short for one in sitting[seat]}
    return [], [], str(NobodyMayError(short, named, WHERE)).split(WHERE)


def _reasons(told: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Say why each line that ends does, in the words of the process's own rules."""
    ended = told.filter(pl.col("verdict").is_in(["refused", "nobody"]))
    words = [(row["line"], _in_words(row, policy)) for row in ended.select(*WORDED).iter_rows(named=True)]
    return pl.DataFrame(words, {"line": pl.UInt32(), "because": pl.String()}, orient="row")


def _in_words(row: dict[str, Any], policy: Policy) -> str:
    match row["end"]:
        case "closed":
            return closed(row["charge_on"])
        case "other books":
            return other_books(row["cost_centre"], row["books_in"], row["currency"])
        case "no price":
            return no_price(row["item"])
        case "other price":
            return other_price(row["item"], row["priced_in"], policy)
        case "too large":
            return too_large(said(row["amount"], policy.currency), policy)
        case "short of funds":
            have, need, books = row["left"], row["amount"], row["books_in"]
            over = said(need - have, books)
            return too_short(row["cost_centre"], row["year"], said(have, books), said(need, books), over)
        case _:
            return f"{row['cost_centre']} up to {said(row['counted'], policy.currency)}".join(row["short"])
