"""Many requests at once: line by line what the process finds one at a time."""

from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import event, given, settings
from hypothesis import strategies as st

from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.policy import Rulebook
from blocks.records.purchasing import Requisition
from tasks.rules.asking import NobodyMayError, approvals_needed
from tasks.rules.frames import LINES, decide_all, line_of
from tasks.rules.requisition import can_fill_from_stock, reason_not_to_charge, reason_to_refuse
from tests.hospital import plain_policy
from tests.samples import budget, facts, request, rulebook, usd
from tests.tasks.rules.test_proof_at_random import policies, staffs

Line = tuple[Requisition, Facts]
Told = tuple[str, list[str], list[str], str]


def one_at_a_time(line: Line, rules: Rulebook) -> Told:
    """Find what the process does with a request, and whom it asks."""
    wanted, known = line
    if reason := reason_not_to_charge(wanted, known.sourcing):
        return "refused", [], [], reason
    if can_fill_from_stock(wanted, known.sourcing):
        return "filled", [], [], ""
    if reason := reason_to_refuse(wanted, known, rules.policy):
        return "refused", [], [], reason
    try:
        stages = approvals_needed("RQ-X", wanted, known, rules, 1)
    except NobodyMayError as gap:
        return "nobody", [], [], str(gap)
    route = []
    for stage in stages:
        names = ", ".join(ask.key.removeprefix("1-") for ask in stage.asks)
        route.append(names if len(stage.asks) == 1 else f"{stage.enough} of {names}")
    asked = dict.fromkeys(ask.role for stage in stages for ask in stage.asks)
    return "asked", route, [*asked], ""


def at_once(lines: list[Line], rules: Rulebook) -> list[Told]:
    """Judge them in one frame."""
    frame = pl.DataFrame([line_of(*line) for line in lines], LINES, orient="row")
    told = decide_all(frame, rules)
    assert told["line"].to_list() == list(range(len(lines)))
    return [(row["verdict"], row["route"], row["asked"], row["because"]) for row in told.iter_rows(named=True)]


amounts = st.sampled_from([Decimal(x) for x in ("0", "99.99", "100", "250", "300", "500", "500.01", "999", "1200.01")])


@st.composite
def lines(draw: st.DrawFn) -> Line:
    asker = draw(st.sampled_from(["p0", "p1", "p2", "nobody.known"]))
    wanted = request(
        requester=asker,
        cost_centre=draw(st.sampled_from(["A", "B", "C", "Z"])),
        quantity=draw(st.integers(1, 3)),
        emergency=draw(st.booleans()),
        reason="because",
    )
    more: dict[str, Any] = {
        "category": draw(st.sampled_from(["supplies", "implants", "capital", "services"])),
        "contract": draw(st.sampled_from([None, "C-1"])),
        "supplier": draw(st.sampled_from(["SUP", "SUP", "SUP", None])),
        "unit_price": draw(st.sampled_from([True] * 9 + [False])) or None,
        "on_hand": Decimal(draw(st.sampled_from([0, 0, 0, 2]))),
        "period_open": draw(st.sampled_from([True] * 9 + [False])),
        "budget": budget(draw(st.sampled_from([400, 2000, 90_000]))).model_copy(
            update={"cost_centre": wanted.cost_centre}
        ),
    }
    if more["unit_price"]:
        more["unit_price"] = Money.of(draw(amounts), draw(st.sampled_from(["USD"] * 9 + ["EUR"])))
    known = facts(draw(st.sampled_from([100, 1000, 80_000])), **more)
    recent = draw(st.none() | amounts)
    return wanted, known.model_copy(update={"recent": usd(recent) if recent else None})


@settings(max_examples=40, deadline=None)
@given(rules=policies(), staff=staffs, asked=st.lists(lines(), min_size=1, max_size=12))
def test_a_frame_says_of_each_line_what_the_process_finds(rules, staff, asked):
    book = rulebook(with_policy=rules, with_directory=staff)
    each = [one_at_a_time(line, book) for line in asked]
    for verdict, route, *_ in each:
        event(f"{verdict} {'with a quorum' if any(' of ' in step for step in route) else ''}")
    assert at_once(asked, book) == each


def test_a_frame_without_lines_has_no_verdicts():
    assert decide_all(pl.DataFrame(schema=LINES), rulebook(with_policy=plain_policy())).is_empty()
