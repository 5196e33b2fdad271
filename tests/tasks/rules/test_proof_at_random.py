"""Policy check at random: what it passes never leaves a case without people, and what it finds is true."""

from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from blocks.records.people import ByPlace, Directory, Duties, Grant, Person, Role
from blocks.records.policy import Band, Matrix, Policy, Tier
from blocks.records.purchasing import Category
from blocks.records.routes import Also, Approver, Step
from tasks.rules.asking import NobodyMayError, approvals_needed
from tasks.rules.proof import prove
from tasks.rules.reach import Reach, gaps
from tasks.rules.routes import routes
from tests.hospital import plain_policy
from tests.samples import NOON, budget, facts, people, request, rulebook, usd

ROLES: tuple[Role, ...] = get_args(Role)
CATEGORIES: tuple[Category, ...] = get_args(Category)
CENTRES = ("A", "B", "C")
limits = st.none() | st.sampled_from([100, 500, 1000]).map(usd)
grants = st.builds(
    Grant,
    role=st.sampled_from(ROLES),
    cost_centres=st.sampled_from([("*",), ("*",), ("A",), ("A", "B"), ("C",)]),
    limit=st.none() | limits,
)
persons = st.builds(
    dict,
    active=st.sampled_from([True, True, True, False]),
    asks=st.booleans(),
    cost_centres=st.sampled_from([(), ("A",), ("B", "C")]),
    grants=st.lists(grants, max_size=3).map(tuple),
    manager=st.none() | st.sampled_from(["p0", "p1", "p2", "full0"]),
    manager_limit=st.none() | st.sampled_from([100, 500]).map(usd),
    owns=st.sampled_from([(), (), ("A",), ("B", "C")]),
)
FULL_HOUSE = tuple(
    Person(id=f"full{n}", name=f"Full {n}", asks=False, grants=(Grant(role=x),)) for n, x in enumerate(ROLES)
)
staffs = st.builds(
    lambda made, more: people(*(Person(id=f"p{n}", name=f"P{n}", **one) for n, one in enumerate(made)), *more),
    st.lists(persons, min_size=2, max_size=9),
    st.sampled_from([(), FULL_HOUSE, FULL_HOUSE, FULL_HOUSE[1:]]),
)
few_roles = st.lists(st.sampled_from(ROLES), max_size=2, unique=True).map(tuple)
approvers = st.builds(
    lambda who, seats: Approver(who=who, seats=1 if who == "line-manager" else seats),
    st.sampled_from([*ROLES, *get_args(ByPlace)]),
    st.sampled_from([1, 1, 2]),
)


@st.composite
def some_steps(draw: st.DrawFn) -> Step:
    if draw(st.integers(0, 5)) == 0:
        return Step(approvers=(Approver(who="management"),))
    asked = tuple(draw(st.lists(approvers, min_size=1, max_size=2, unique_by=lambda one: one.who)))
    return Step(approvers=asked, quorum=draw(st.none() | st.integers(1, sum(one.seats for one in asked))))


few_steps = st.lists(some_steps(), max_size=2).map(tuple)
alsos = st.builds(
    Also,
    why=st.just("because"),
    steps=st.lists(some_steps(), min_size=1, max_size=1).map(tuple),
    categories=st.sampled_from([(), ("capital",)]),
    cost_centres=st.sampled_from([(), ("A",), ("B", "C")]),
    band=st.none() | st.just(Band(lower=Decimal(200), upper=Decimal(300), upper_included=True)),
    off_contract=st.none() | st.booleans(),
    low_budget=st.none() | st.booleans(),
    emergency=st.none() | st.booleans(),
)


@st.composite
def matrices(draw: st.DrawFn, category: Category, **more: Any) -> Matrix:
    bounds = [Decimal(0), *sorted(draw(st.sets(st.sampled_from([100, 250, 500, 999])))), None]
    included = [True, *(draw(st.booleans()) for _ in bounds[2:])]
    tiers = [
        Tier(
            band=Band(
                lower=bounds[n],
                lower_included=included[n],
                upper=bounds[n + 1],
                upper_included=n + 1 < len(included) and not included[n + 1],
            ),
            **draw(st.builds(dict, roles=few_roles) | st.builds(dict, steps=few_steps)),
        )
        for n in range(len(included))
    ]
    return Matrix(category=category, tiers=tuple(tiers), **more)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    for_some = [("cost_centres", ("A", "B")), ("emergency", True)]
    special = draw(st.lists(st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(for_some)), max_size=2, unique=True))
    more = (draw(matrices(category, **dict([what]))) for category, what in special)
    return plain_policy().model_copy(
        update={
            "matrices": (*(draw(matrices(category)) for category in CATEGORIES), *more),
            "also": tuple(draw(st.lists(alsos, max_size=2))),
            "off_contract": draw(few_roles)[:1],
            "low_budget": draw(few_roles)[:1],
            "amount_max": Decimal(draw(st.sampled_from([400, 1200]))),
            "conflicts": (),
            "policy_approvers": ROLES,
        }
    )


def left_without_people(rules: Policy, staff: Directory, amount: Decimal, centre: str, asker: str, **more: Any) -> bool:
    """Ask the process itself whether nobody may decide."""
    low, hurry = more.pop("low"), more.pop("emergency", False)
    left = amount if low else 10 * amount + 1
    whole = budget(left=100 * amount + 100) if low else budget(left=left)
    known = facts(left, unit_price=usd(amount), budget=whole, **more)
    book = rulebook(with_policy=rules, with_directory=staff)
    try:
        wanted = request(requester=asker, cost_centre=centre, emergency=hurry, reason="because")
        approvals_needed("RQ-X", wanted, known, book, 1)
    except NobodyMayError:
        return True
    return False


def askers(staff: Directory) -> list[tuple[str, str]]:
    return [
        (one.id, centre)
        for one in staff.people
        for centre in one.cost_centres or CENTRES
        if one.active and one.asks
    ]  # fmt: skip


def some_or(many: int) -> pytest.MarkDecorator:
    """So many examples would be minutes of every run: a fifth of them comes with each, all of them beside it."""
    return pytest.mark.parametrize("examples", [many // 5, pytest.param(many, marks=pytest.mark.long)])


@some_or(200)
def test_what_is_proven_never_leaves_a_case_without_people(examples: int):
    @settings(max_examples=examples, deadline=None)
    @given(rules=policies(), staff=staffs, data=st.data())
    def nobody_is_left(rules: Policy, staff: Directory, data: st.DataObject) -> None:
        violated = bool(prove(rules, staff, Duties(), NOON).violations)
        event("violated" if violated else "proven")
        amounts = st.decimals(0, rules.amount_max, places=2) | st.sampled_from([Decimal(x) for x in (0, 100, 500, 250)])
        for _ in range(3):
            amount, category = data.draw(amounts), data.draw(st.sampled_from(CATEGORIES))
            more = {"contract": data.draw(st.sampled_from([None, "C-1"])), "low": data.draw(st.booleans())}
            more["emergency"] = data.draw(st.booleans())
            for asker, centre in askers(staff):
                alone = left_without_people(rules, staff, amount, centre, asker, category=category, **more)
                assert violated or not alone

    nobody_is_left()


@some_or(100)
def test_what_is_found_is_true(examples: int):
    """Each gap is one that the process would run into: at its amount, in each of its cost centres."""

    @settings(max_examples=examples, deadline=None)
    @given(rules=policies(), staff=staffs)
    def each_is_run_into(rules: Policy, staff: Directory) -> None:
        reach = Reach(rules, staff, Duties(), NOON)
        for gap in gaps(reach, routes(rules, staff, reach.centres)):
            if gap.rule not in {"nobody", "too few", "requester"}:
                continue
            on = gap.route.on
            event(gap.rule)
            asker = gap.person or "somebody.else"
            assert left_without_people(
                rules,
                staff,
                gap.route.amount,
                gap.centres[0].replace("*", "Z"),
                asker,
                category=on.category,
                contract=None if on.off_contract else "C-1",
                low=on.low_budget,
                emergency=on.emergency,
            )

    each_is_run_into()
