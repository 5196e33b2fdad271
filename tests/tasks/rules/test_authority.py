"""Who may answer an ask."""

from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.records.approval import Added, Ask, Decision
from blocks.records.people import Delegation, Duties, Grant, Person, Role
from infrastructure.local.hospital.__main__ import directory
from tasks.rules.authority import acting_for, too_few_for, who_can
from tasks.rules.plan import Seat, who_sits
from tasks.rules.standing import Acting
from tests.samples import NOON, ask, decision, people, person, usd

MANAGER = Grant(role="department-manager", cost_centres=("OR",), limit=usd(100_000))
ANYWHERE = Grant(role="department-manager")


def reason_to_void(asked: Ask, by: Person | None, earlier: tuple[Decision, ...] = ()) -> str | None:
    everybody = people(*([by] if by else []))
    found = acting_for(asked, by, earlier, everybody, Duties(), NOON)
    return found if isinstance(found, str) else None


REFUSALS = [
    ("a stranger", None, "not in the hospital's directory"),
    ("who has left", person("ana.silva", MANAGER, active=False), "no longer active"),
    ("who asked", person("rita.okafor", ANYWHERE), "asked for this yourself"),
    ("with no role", person(), "waits for a department-manager of OR"),
    ("with another role", person("ivo.petrov", Grant(role="implant-coordinator")), "a role you do not hold"),
    ("with the role elsewhere", person("leo.brandt", Grant(role="department-manager", cost_centres=("LAB",))),
     "a department-manager of OR"),
    ("below the amount", person("ana.silva", Grant(role="department-manager", limit=usd("12500.49"))),
     "$12,500.50 is above your limit of $12,500.49"),
]  # fmt: skip


@pytest.mark.parametrize(("by", "because"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_an_answer_does_not_count_from_somebody(by: Person | None, because: str):
    assert because in (reason_to_void(ask(), by) or "")


@pytest.mark.parametrize("grant", [MANAGER, ANYWHERE, Grant(role="department-manager", limit=usd("12500.50"))])
def test_an_answer_counts_from_who_holds_the_role_there_up_to_the_limit_included(grant: Grant):
    assert reason_to_void(ask(), person("ana.silva", grant)) is None


def test_the_largest_of_several_limits_counts():
    low, high = (Grant(role="department-manager", limit=usd(limit)) for limit in (100, 50_000))
    assert reason_to_void(ask(), person("ana.silva", low, high)) is None
    over = reason_to_void(ask(counted=usd(60_000)), person("ana.silva", low, high))
    assert over == "$60,000.00 is above your limit of $50,000.00."


def test_a_role_that_begins_with_a_vowel_reads_well():
    assert "waits for an implant-coordinator" in (reason_to_void(ask(role="implant-coordinator"), person()) or "")


def test_nobody_decides_two_steps_of_one_case():
    earlier = (decision("ana.silva", ask="1-implant-coordinator", role="implant-coordinator"),)
    assert "already decided an earlier step" in (reason_to_void(ask(), person("ana.silva", MANAGER), earlier) or "")
    assert reason_to_void(ask(), person("leo.brandt", ANYWHERE), earlier) is None


def test_who_agreed_to_the_old_terms_may_answer_about_the_new_ones():
    earlier = (decision("ana.silva"),)
    assert reason_to_void(ask(key="2-department-manager"), person("ana.silva", MANAGER), earlier) is None


def test_an_answer_is_no_hindrance_to_itself_when_it_is_judged_again():
    assert reason_to_void(ask(), person("ana.silva", MANAGER), (decision("ana.silva"),)) is None


roles = st.sampled_from(get_args(Role))
centres = st.sampled_from(["OR", "ICU", "LAB"])
amounts = st.decimals(0, 200_000, places=2).map(usd)
grants = st.builds(
    Grant,
    role=roles,
    cost_centres=st.lists(st.sampled_from(["OR", "ICU", "LAB", "*"]), max_size=2).map(tuple),
    limit=st.none() | amounts,
)
ids = st.sampled_from(["ana.silva", "leo.brandt", "rita.okafor", "ivo.petrov"])


@st.composite
def somebody(draw: st.DrawFn) -> Person:
    return person(draw(ids), *draw(st.lists(grants, max_size=3)), active=draw(st.booleans()))


@given(by=somebody(), role=roles, centre=centres, amount=amounts, requester=ids)
def test_who_is_shown_the_card_and_whose_answer_counts_are_the_same(by, role, centre, amount, requester):
    asked = ask(role=role, cost_centre=centre, counted=amount, requester=requester)
    listed = who_sits(people(by), Seat(role), centre, amount, requester)
    assert (reason_to_void(asked, by) is None) == (by in listed)


@given(by=somebody(), earlier=st.lists(st.tuples(ids, roles), max_size=3))
def test_earlier_decisions_only_ever_take_authority_away(by, earlier):
    told = tuple(decision(who, role=role) for who, role in earlier)
    if reason_to_void(ask(), by) is not None:
        assert reason_to_void(ask(), by, told) is not None


@given(limit=st.decimals(Decimal("0.01"), 10**6, places=2))
def test_a_limit_holds_to_the_cent(limit):
    by = person("ana.silva", Grant(role="department-manager", limit=usd(limit)))
    cent = Decimal("0.01")
    for amount, counts in ((limit - cent, True), (limit, True), (limit + cent, False)):
        assert (reason_to_void(ask(counted=usd(amount)), by) is None) is counts


def test_half_of_a_split_order_is_judged_by_the_whole():
    by = person("ana.silva", Grant(role="department-manager", limit=usd(5000)))
    assert reason_to_void(ask(amount=usd(4000), counted=usd(4000)), by) is None
    assert reason_to_void(ask(amount=usd(4000), counted=usd(8000)), by) == "$8,000.00 is above your limit of $5,000.00."


SHORT = [
    ("everybody has one", {"finance-director": {"a"}, "procurement-lead": {"b"}}, ()),
    ("no role", {}, ()),
    ("one for two", {"finance-director": {"a"}, "department-manager": {"a"}},
     ("finance-director", "department-manager")),
    ("nobody for one", {"finance-director": {"a", "b"}, "procurement-lead": set()}, ("procurement-lead",)),
    ("two for three", {"finance-director": {"a", "b"}, "department-manager": {"b"}, "procurement-lead": {"a"}},
     ("finance-director", "department-manager", "procurement-lead")),
    ("the fewest are named", {"finance-director": {"a", "b"}, "department-manager": {"b"}, "procurement-lead": {"b"}},
     ("department-manager", "procurement-lead")),
]  # fmt: skip


@pytest.mark.parametrize(("holders", "short"), [row[1:] for row in SHORT], ids=[row[0] for row in SHORT])
def test_each_role_needs_a_person_of_its_own(holders: dict[Role, set[str]], short: tuple[Role, ...]):
    assert too_few_for(holders) == short


@given(holders=st.dictionaries(roles, st.frozensets(st.sampled_from("abcd")), max_size=5))
def test_roles_are_short_of_people_exactly_where_no_way_to_fill_them_all_is_left(holders):
    ways = product(*holders.values())
    assert bool(too_few_for(holders)) is not any(len(set(way)) == len(holders) for way in ways)


ADDED = Added(person="leo.brandt", name="Leo Brandt", by="Ivo Petrov", role="implant-coordinator", by_id="ivo.petrov")


@pytest.mark.parametrize(
    ("by", "lent", "may"),
    [
        ("leo.brandt", {}, True),
        ("ivo.petrov", {}, False),
        ("frida.ng", {}, True),
        ("frida.ng", {"roles": ("department-manager",)}, False),
        ("frida.ng", {"cost_centres": ("LAB",)}, False),
        ("frida.ng", {"cost_centres": ("OR",)}, True),
        ("frida.ng", {"limit": usd("12500.49")}, False),
        ("frida.ng", {"limit": usd("12500.50")}, True),
        ("rita.okafor", {}, False),
    ],
)
def test_who_was_added_answers_or_whoever_stands_in_for_them_in_everything(by, lent, may):
    lending = Delegation(key="d1", of="leo.brandt", to="frida.ng", start=NOON, until=NOON + timedelta(days=1), **lent)
    found = acting_for(ask(added=ADDED), directory().person(by), (), directory(), Duties(delegations=(lending,)), NOON)
    assert isinstance(found, Acting) is may


def test_what_one_has_decided_as_added_keeps_one_from_no_role_nor_the_other_way_round():
    ana, none = directory().person("ana.silva"), Duties()
    other = decision("ana.silva", role="finance-director")
    assert isinstance(acting_for(ask(), ana, (other,), directory(), none, NOON), str)
    assert isinstance(
        acting_for(ask(), ana, (other.model_copy(update={"added": True}),), directory(), none, NOON), Acting
    )
    mine = ask(added=ADDED.model_copy(update={"person": "ana.silva"}))
    assert isinstance(acting_for(mine, ana, (other,), directory(), none, NOON), Acting)


@pytest.mark.parametrize(
    ("decided", "may"),
    [
        ({"by": "frida.ng", "ask": "1-department-manager", "role": "department-manager"}, False),
        ({"by": "frida.ng", "ask": "1-added-ana.silva", "added": True}, False),
        ({"by": "frida.ng", "ask": "0-added-leo.brandt", "added": True}, True),
        ({"by": "ivo.petrov", "ask": "1-department-manager", "role": "department-manager"}, True),
    ],
)
def test_who_stands_in_for_the_one_who_was_added_has_not_decided_elsewhere(decided, may):
    by, role = decided.pop("by"), decided.pop("role", "implant-coordinator")
    earlier = (decision(by, role=role).model_copy(update=decided),)
    duties = Duties(
        delegations=(Delegation(key="d1", of="leo.brandt", to="frida.ng", start=NOON, until=NOON + timedelta(days=1)),)
    )
    asked = ask(key="1-added-leo.brandt", added=ADDED)
    found = acting_for(asked, directory().person("frida.ng"), earlier, directory(), duties, NOON)
    assert isinstance(found, Acting) is may
    assert may or found == "This waits for Leo Brandt, whom Ivo Petrov added."
    assert isinstance(acting_for(asked, directory().person("leo.brandt"), earlier, directory(), duties, NOON), Acting)


@pytest.mark.parametrize(
    ("decided", "may"), [(("ivo.petrov",), {"ana.silva"}), (("ivo.petrov", "ana.silva"), {"ivo.petrov"})]
)
def test_where_who_was_added_has_left_whoever_has_not_decided_yet_comes_first(decided, may):
    people = tuple(x.model_copy(update={"active": x.id != "leo.brandt"}) for x in directory().people)
    gone = directory().model_copy(update={"people": people})
    manager = next(x.manager for x in people if x.id == "leo.brandt")
    names = {"ana.silva": manager, "ivo.petrov": "ivo.petrov"}
    earlier = tuple(decision(names[one], role="department-manager") for one in decided)
    asked = ask(key="1-added-leo.brandt", added=ADDED)
    able = who_can(asked, gone, Duties(), NOON, earlier=earlier)
    assert {one.by.id for one in able} == {names[one] for one in may}
