"""Escalation: segregation of duties and limits hold for those above as for anybody."""

from hypothesis import given
from hypothesis import strategies as st

from blocks.records.clock import Clock
from blocks.records.people import Duties, Grant, Person
from tasks.rules.authority import acting_for
from tasks.rules.escalation import whom_above
from tasks.rules.standing import NOBODY_ABOVE, Above, Acting
from tests.hospital import plain_policy
from tests.samples import NOON, ask, decision, people, person, rulebook, usd

CLOCK = Clock(escalate_after_hours=9, escalate_to="manager")
MANAGER = Grant(role="department-manager", cost_centres=("OR",), limit=usd(100_000))
DIRECTOR = Grant(role="finance-director", limit=usd(100_000))


def above(*who: Person, clock: Clock | None = CLOCK, earlier=(), **changed) -> Above:
    held = plain_policy().model_copy(update={"clock": clock})
    rules = rulebook(with_policy=held, with_directory=people(*who))
    return whom_above(ask(**changed), rules, earlier, NOON)


def test_a_line_of_managers_that_bites_its_tail_ends():
    ring = (person("a", MANAGER, manager="b"), person("b", manager="c"), person("c", manager="a"))
    assert above(*ring).people == frozenset()
    assert above(person("a", MANAGER, manager="a")).people == frozenset()
    assert above(person("a", MANAGER, manager="gone")).people == frozenset()


def test_the_nearest_of_each_who_was_asked_is_taken():
    boss = Grant(role="procurement-lead")
    found = above(
        person("a", MANAGER, manager="x"), person("b", MANAGER, manager="y"),
        person("x", boss, manager="y"), person("y", boss),
    )  # fmt: skip
    assert found == Above(frozenset({"x", "y"}), None)


def test_who_holds_a_role_elsewhere_or_decided_another_step_is_not_taken():
    elsewhere = Grant(role="procurement-lead", cost_centres=("LAB",))
    assert above(person("a", MANAGER, manager="x"), person("x", elsewhere)).people == frozenset()
    lead = Grant(role="procurement-lead")
    earlier = (decision("x", ask="1-implant-coordinator", role="implant-coordinator"),)
    assert above(person("a", MANAGER, manager="x"), person("x", lead), earlier=earlier).people == frozenset()


def test_without_a_word_of_it_nobody_is():
    for clock in (None, Clock()):
        found = above(person("a", MANAGER, manager="x"), person("x", DIRECTOR), clock=clock)
        assert found == NOBODY_ABOVE


def test_a_later_step_keeps_its_last_one():
    two = (person("a", MANAGER, manager="x"), person("x", DIRECTOR))
    assert above(*two, counted=usd(30_000)).people == frozenset()
    assert above(*two, person("y", DIRECTOR), counted=usd(30_000)).people == {"x"}
    assert above(*two, counted=usd(12_000)).people == {"x"}  # no finance director is needed for as little


def test_what_the_prices_or_the_budget_make_needed_counts_as_a_later_step():
    lead = Grant(role="procurement-lead")
    two = (person("a", MANAGER, manager="x"), person("x", lead))
    assert above(*two).people == {"x"}
    assert above(*two, contract=None).people == frozenset()
    poor = (person("a", MANAGER, manager="x"), person("x", DIRECTOR))
    assert above(*poor, budget_left=usd(13_000), budget=usd(400_000)).people == frozenset()


names = st.sampled_from(["a", "b", "c", "d", "e"])
grants = st.builds(
    Grant,
    role=st.sampled_from(["department-manager", "finance-director", "procurement-lead"]),
    cost_centres=st.sampled_from([("OR",), ("LAB",), ("*",)]),
    limit=st.sampled_from([None, usd(100), usd(50_000)]),
)


@st.composite
def staff(draw: st.DrawFn) -> tuple[Person, ...]:
    return tuple(
        person(name, *draw(st.lists(grants, max_size=2)), manager=draw(st.none() | names), active=draw(st.booleans()))
        for name in ("a", "b", "c", "d", "e")
    )


@given(
    who=staff(), requester=names, role=st.sampled_from(["manager", "finance-director"]), amount=st.integers(1, 60_000)
)
def test_whoever_is_taken_is_new_may_decide_and_did_not_ask(who, requester, role, amount):
    wanted = {"requester": requester, "counted": usd(amount), "amount": usd(amount)}
    clock = Clock(escalate_after_hours=9, escalate_to=role)
    found = above(*who, clock=clock, **wanted)
    asked = ask(**wanted)
    assert requester not in found.people
    for one in people(*who).people:
        before = acting_for(asked, one, (), people(*who), Duties(), NOON)
        after = acting_for(asked, one, (), people(*who), Duties(), NOON, above=found)
        if one.id in found.people:
            assert isinstance(before, str)
            assert isinstance(after, Acting)
            assert any(grant.limit is None or not usd(amount) > grant.limit for grant in one.grants)
        else:
            assert isinstance(before, Acting) is isinstance(after, Acting)
