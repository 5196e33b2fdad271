"""What policy refuses, and who must agree."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.records.approval import Ask
from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.people import Directory, Grant
from blocks.records.policy import Policy, Rulebook
from blocks.records.purchasing import Requisition
from infrastructure.local.hospital.__main__ import directory
from tasks.rules.asking import Approval, NobodyMayError, approvals_needed
from tasks.rules.plan import Seat, who_sits
from tasks.rules.requisition import (
    amount_of,
    can_fill_from_stock,
    reason_not_to_charge,
    reason_to_refuse,
    to_issue,
    to_order,
)
from tests.hospital import plain_policy
from tests.samples import POLICY_VERSION, budget, facts, people, person, request, rulebook, sourcing, usd

CASE = "RQ-7F3K2Q9MAA"
EURO = budget().model_copy(update={"budget": Money.of(1, "EUR")})


def asks(wanted: Requisition, known: Facts, book: Rulebook, look: int = 1, given: Sequence[Approval] = ()) -> list[Ask]:
    """Whom policy asks, one after the other."""
    return [ask for stage in approvals_needed(CASE, wanted, known, book, look, given) for ask in stage.asks]


def asked(wanted: Requisition, known: Facts, look: int = 1, **books: Any) -> dict[str, str]:
    """Whom policy asks, and why."""
    return {ask.role: ask.why for ask in asks(wanted, known, rulebook(**books), look)}


def without_limits() -> Directory:
    """Give everybody of the hospital their roles without a limit."""
    return people(
        *(
            one.model_copy(update={"grants": tuple(grant.model_copy(update={"limit": None}) for grant in one.grants)})
            for one in directory().people
        )
    )


@pytest.mark.parametrize(("on_hand", "enough"), [("0", False), ("4.99", False), ("5", True), ("6", True)])
def test_the_shelf_fills_it_from_exactly_enough(on_hand: str, enough: bool):
    assert can_fill_from_stock(request(quantity=5), sourcing(on_hand=Decimal(on_hand))) is enough


REFUSED = [
    ("the books are closed", request(), facts(period_open=False), "the books are closed: give a charge_on"),
    ("the books are closed on the day given", request(charge_on="2025-03-01"), facts(period_open=False),
     "the books are closed on 2025-03-01: give a charge_on within an open period"),
    ("the books are in another currency", request(), facts(budget=EURO), "OR keeps its books in EUR, not USD"),
    ("nobody sells it", request(), facts(supplier=None), "no supplier has a price for KNEE-TIB-4"),
    ("nobody has a price", request(), facts(unit_price=None), "no supplier has a price for KNEE-TIB-4"),
    ("it is priced in another currency", request(), facts(unit_price=Money.of(1, "EUR")), "priced in EUR"),
    ("it is beyond a requisition", request(quantity=100), facts(10**7, unit_price=usd("2500.01")),
     "$250,001.00 is beyond what a requisition may be (250,000.00): it needs a project"),
    ("the budget is short", request(quantity=2), facts("5779.99"), "$0.01 too much"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "known", "because"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_is_refused_where(wanted: Requisition, known: Facts, because: str):
    assert because in (reason_to_refuse(wanted, known, plain_policy()) or "")


def test_what_is_within_policy_and_budget_is_not_refused():
    assert reason_to_refuse(request(quantity=2), facts(5780), plain_policy()) is None
    assert reason_not_to_charge(request(), sourcing()) is None
    at_most = facts(250_000, unit_price=usd(2500))
    assert reason_to_refuse(request(quantity=100), at_most, plain_policy()) is None


@given(quantity=st.integers(1, 100_000), price=st.decimals(0, 10**5, places=4))
def test_the_amount_is_price_times_quantity(quantity, price):
    assert amount_of(request(quantity=quantity), sourcing(unit_price=usd(price))).amount == price * quantity


def test_without_a_price_the_amount_is_zero():
    assert amount_of(request(), sourcing(unit_price=None)) == usd(0)


def approved(known: Facts, *by: str, **books: Any) -> list[Approval]:
    """Let everybody whom policy asks about *known* facts approve, one after the other."""
    told = asks(request(), known, rulebook(**books), 1)
    return [Approval(ask, who) for ask, who in zip(told, by, strict=True)]


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ({}, True),
        ({"on_hand": Decimal(3), "description": "Renamed"}, True),
        ({"unit_price": usd("2890.01")}, False),
        ({"unit_price": usd("2889.99")}, False),
        ({"contract": "C-CORDIS-27"}, False),
        ({"supplier": "SUP-ACME"}, False),
        ({"recent": usd("0.01")}, False),
    ],
)
def test_an_approval_holds_for_the_same_supplier_contract_and_price_where_no_more_counts(
    changed: dict[str, Any], holds: bool
):
    given = approved(facts(), "ivo.petrov")
    told = asks(request(), facts(**changed), rulebook(), 2, given)
    assert [ask.key for ask in told] == ([] if holds else ["2-implant-coordinator"])


def test_an_approval_holds_where_less_counts_than_was_agreed_to():
    given = approved(facts(recent=usd(10)), "ivo.petrov")
    assert asks(request(), facts(), rulebook(), 2, given) == []


def test_only_whoever_policy_names_besides_is_asked_when_the_budget_has_moved():
    given = approved(facts(), "ivo.petrov")
    (ask,) = asks(request(), facts(20_000), rulebook(), 2, given)
    assert (ask.key, ask.why) == ("2-finance-director", "only $17,110.00 of the budget would be left")
    assert ask.after == "then the order goes to Cordis Devices"


def test_who_has_approved_in_one_role_is_no_candidate_for_another():
    both = held_by(implant_coordinator="ivo.petrov leo.brandt", department_manager="ivo.petrov")
    given = approved(facts(), "ivo.petrov", with_directory=both)
    dear, book = facts(unit_price=usd(6000)), rulebook(with_directory=both)
    with pytest.raises(NobodyMayError, match="only Ivo Petrov may decide as department-manager for OR"):
        asks(request(), dear, book, 2, given)
    other = [Approval(given[0].ask, "leo.brandt")]
    assert len(asks(request(), dear, book, 2, other)) == 2


AMOUNTS = [
    ("supplies", "999.99", []),
    ("supplies", "1000", ["department-manager"]),
    ("implants", "0.01", ["implant-coordinator"]),
    ("implants", "5000", ["implant-coordinator", "department-manager"]),
    ("capital", "4999.99", ["department-manager"]),
    ("services", "25000", ["department-manager", "finance-director"]),
]


@pytest.mark.parametrize(("category", "amount", "roles"), AMOUNTS)
def test_the_band_names_the_roles_in_order(category: str, amount: str, roles: list[str]):
    assert list(asked(request(), facts(category=category, unit_price=usd(amount)))) == roles


def test_the_reason_names_the_band_as_people_read_it():
    whys = asked(request(), facts(unit_price=usd(6000)))
    assert set(whys.values()) == {"implants from $5,000.00 below $25,000.00"}
    top = asked(request(), facts(category="supplies", unit_price=usd(150_000)), with_directory=without_limits())
    assert top["chief-financial-officer"] == "supplies from $100,000.00"


def test_a_bound_that_belongs_to_the_lower_band_reads_so():
    document = plain_policy().model_dump(mode="json")
    low = {"lower": "0", "lower_included": True, "upper": "1000", "upper_included": True}
    high = {"lower": "1000", "lower_included": False}
    tiers = [{"band": band, "roles": ["department-manager"]} for band in (low, high)]
    rest = [one for one in document["matrices"] if one["category"] != "supplies"]
    stricter = Policy.model_validate(document | {"matrices": [*rest, {"category": "supplies", "tiers": tiers}]})
    at = asked(request(), facts(category="supplies", unit_price=usd(1000)), with_policy=stricter)
    over = asked(request(), facts(category="supplies", unit_price=usd("1000.01")), with_policy=stricter)
    assert list(at.values()) == ["supplies up to $1,000.00"]
    assert list(over.values()) == ["supplies over $1,000.00"]


def test_orders_of_late_count_towards_the_band():
    known = facts(category="supplies", unit_price=usd(600), recent=usd(600))
    assert asked(request(), known) == {
        "department-manager": "supplies from $1,000.00 below $10,000.00, "
        "with $600.00 asked for from Cordis Devices in 30 days"
    }
    (ask,) = asks(request(), known, rulebook(), 1)
    assert (ask.amount, ask.counted) == (usd(600), usd(1200))


def test_without_a_contract_procurement_agrees_too():
    whys = asked(request(), facts(contract=None))
    assert whys["procurement-lead"] == "no contract fixes the price"


@pytest.mark.parametrize(("left", "low"), [("22890.00", False), ("22889.99", True)])
def test_little_budget_asks_finance_below_five_per_cent_of_the_year(left: str, low: bool):
    whys = asked(request(), facts(left))
    assert ("finance-director" in whys) is low
    if low:
        assert whys["finance-director"] == "only $19,999.99 of the budget would be left"


def test_a_role_that_is_asked_already_is_asked_once():
    known = facts(130_000, category="supplies", unit_price=usd(120_000), contract=None)
    assert list(asked(request(), known, with_directory=without_limits())) == [
        "department-manager", "finance-director", "chief-financial-officer", "procurement-lead",
    ]  # fmt: skip


def test_nobody_to_ask_is_an_error_never_leave_for_anyone():
    with pytest.raises(NobodyMayError, match=r"nobody active holds implant-coordinator for OR up to \$2,890.00"):
        asks(request(), facts(), rulebook(with_directory=people()), 1)


def held_by(**holders: str) -> Directory:
    """Let each role be held by the people it names, everywhere and without a limit."""
    names = sorted({name for held in holders.values() for name in held.split()})
    roles = {name: [role.replace("_", "-") for role, held in holders.items() if name in held.split()] for name in names}
    return people(*(person(name, *(Grant(role=role) for role in roles[name])) for name in names))


def test_two_roles_that_one_person_alone_holds_are_an_error_that_names_them_and_the_remedy():
    alone = held_by(implant_coordinator="ivo.petrov", department_manager="ana.silva", finance_director="ana.silva")
    with pytest.raises(NobodyMayError) as raised:
        asks(request(), facts(unit_price=usd(30_000)), rulebook(with_directory=alone), 1)
    assert str(raised.value) == (
        "only Ana Silva may decide as department-manager and finance-director for OR up to $30,000.00, "
        "and nobody decides one case in two roles: the directory must name somebody else"
    )


def test_one_person_may_hold_two_roles_where_somebody_else_holds_one_of_them():
    enough = held_by(implant_coordinator="ana.silva leo.brandt", department_manager="ana.silva")
    assert list(asked(request(), facts(unit_price=usd(6000)), with_directory=enough)) == [
        "implant-coordinator", "department-manager",
    ]  # fmt: skip


def test_the_ask_says_what_it_is_about_and_what_happens_next():
    wanted = request(quantity=2, needed_by="2026-12-01", reason="Two revisions")
    first, last = asks(wanted, facts(), rulebook(), 2)
    assert (first.key, last.key) == ("2-implant-coordinator", "2-department-manager")
    assert (first.after, last.after) == (
        "then the department manager is asked",
        "then the order goes to Cordis Devices",
    )
    assert (first.amount, first.needed_by, first.reason) == (usd(5780), "2026-12-01", "Two revisions")
    assert (first.requester_name, first.policy) == ("Rita Okafor", POLICY_VERSION)


def test_an_ask_reads_without_the_requester_in_the_directory_and_without_a_supplier():
    book = people(*(one for one in directory().people if one.id != "rita.okafor"))
    known = facts(supplier=None, unit_price=None)
    first = asks(request(), known, rulebook(with_directory=book), 1)[0]
    assert (first.requester_name, first.supplier, first.needed_by) == ("rita.okafor", "", "")


@given(
    category=st.sampled_from(["supplies", "implants", "capital", "services"]),
    amount=st.decimals(0, 250_000, places=2),
    contract=st.sampled_from([None, "C-1"]),
    left=st.decimals(0, 400_000, places=2),
)
def test_whoever_is_asked_somebody_may_answer(category, amount, contract, left):
    """Above the hospital's own limits nobody may: that is an error told at once, never a card nobody can answer."""
    known = facts(left, category=category, unit_price=usd(amount), contract=contract)
    try:
        told = asks(request(), known, rulebook(), 1)
    except NobodyMayError:
        assert amount > 100_000
        return
    for ask in told:
        assert who_sits(directory(), Seat(ask.role), ask.cost_centre, ask.amount, ask.requester)
    assert len({ask.key for ask in told}) == len(told)


def test_the_order_and_the_issue_say_what_was_asked():
    day = date(2026, 11, 23)
    order = to_order(request(quantity=3), facts(), day)
    assert (order.supplier, order.unit_price, order.order_on, order.charge_on) == ("SUP-CORDIS", usd(2890), day, day)
    later = to_order(request(charge_on="2026-12-31"), facts(supplier=None, unit_price=None), day)
    assert (later.charge_on, later.supplier, later.unit_price) == (date(2026, 12, 31), "", usd(0))
    issue = to_issue(request(quantity=3), day)
    assert (issue.quantity, issue.item, issue.issue_on) == (3, "KNEE-TIB-4", day)
