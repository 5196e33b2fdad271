"""Policy check: what it finds, and that what it passes never leaves a case without people."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest

from blocks.records.clock import Calendar, Clock
from blocks.records.money import Money
from blocks.records.people import EVERYWHERE, Delegation, Directory, Duties, Grant, Role
from blocks.records.policy import Band, Matrix, Policy, Tier
from blocks.records.purchasing import Category
from infrastructure.local.hospital.__main__ import directory
from tasks.rules.proof import Proof, prove
from tests.hospital import plain_policy
from tests.samples import NOON, people, usd

ROLES: tuple[Role, ...] = get_args(Role)
CATEGORIES: tuple[Category, ...] = get_args(Category)
WEEK = timedelta(days=7)


def proof(rules: Policy | None = None, staff: Directory | None = None, *, duties: Duties | None = None) -> Proof:
    return prove(rules or plain_policy(), staff or directory(), duties or Duties(), NOON)


def found(told: Proof, rule: str, level: str = "violation") -> list[str]:
    return [one.what for one in told.findings if (one.rule, one.level) == (rule, level)]


def changed(name: str, **fields: Any) -> Directory:
    """Change one person of the hospital."""
    staff = (one.model_copy(update=fields) if one.id == name else one for one in directory().people)
    return directory().model_copy(update={"people": tuple(staff)})


def grant(role: Role, limit: int | None = None, *centres: str) -> Grant:
    return Grant(role=role, cost_centres=centres or (EVERYWHERE,), limit=None if limit is None else usd(limit))


def test_the_hospital_is_proven():
    told = proof()
    assert not told.violations
    assert "while Ivo Petrov is away, nobody is left to decide as implant-coordinator" in str(
        found(told, "away", "warning")
    )


BROKEN = {
    "nobody holds a role": (
        changed("ivo.petrov", grants=()), "approvers",
        "nobody active may decide as implant-coordinator for ED, ICU, IT, LAB, OR, PHA, at any amount (implants)"),
    "who holds it has left": (changed("paula.reyes", active=False), "approvers", "as procurement-lead"),
    "nobody holds it in one place": (
        changed("ana.silva", grants=(grant("department-manager", None, "OR", "ICU"),)), "approvers",
        "nobody active may decide as department-manager for ED, at any amount (capital)"),
    "a limit below what may be asked": (
        changed("leo.brandt", grants=(grant("department-manager", 20_000, "LAB", "IT", "PHA"),)), "approvers",
        "nobody active may decide as department-manager for IT, LAB, PHA, above $20,000.00"),
    "two roles that one person alone holds": (
        people(*(x for x in changed("frida.ng", grants=(grant("finance-director"), grant("procurement-lead"))).people
                 if x.id != "paula.reyes")), "distinct",
        "only Frida Ng may decide as finance-director and procurement-lead for"),
    "an approver who may ask": (
        changed("ana.silva", asks=True), "requester",
        "Ana Silva may ask there, and nobody else is left to decide as department-manager for ED, ICU, OR"),
    "a circle of managers": (
        changed("carl.moss", manager="ana.silva"), "hierarchy",
        "a circle: ana.silva → frida.ng → carl.moss → ana.silva"),
    "somebody who manages themselves": (
        changed("carl.moss", manager="carl.moss"), "hierarchy", "a circle: carl.moss → carl.moss"),
    "duties that conflict": (
        changed("ivo.petrov", asks=True), "conflict",
        "Ivo Petrov is requester and implant-coordinator (OR): who asks for something does not approve it"),
    "a limit in another currency": (
        changed("frida.ng", grants=(Grant(role="finance-director", limit=Money.of(1, "EUR")),)), "currency",
        "the limit of Frida Ng is in EUR, the policy in USD"),
    "another entity's people": (
        directory().model_copy(update={"entity": "OTHER"}), "entity", "for MERCY, the directory for OTHER"),
    "nobody to approve the next policy": (
        people(*(x for x in directory().people if x.id not in {"frida.ng", "carl.moss"})), "approvers of policy",
        "no policy could follow this one"),
}  # fmt: skip


@pytest.mark.parametrize(("staff", "rule", "says"), BROKEN.values(), ids=BROKEN)
def test_a_violation_is_named_with_its_field_and_remedy(staff: Directory, rule: str, says: str):
    told = proof(staff=staff)
    assert any(says in what for what in found(told, rule)), found(told, rule)
    for one in told.violations:
        assert one.field.split(".")[0] in {"policy", "directory"}
        assert one.remedy


def test_bands_that_leave_amounts_out_or_take_them_twice_are_found_at_the_cent():
    def bands(*tiers: tuple[int, int | None]) -> Policy:
        made = tuple(
            Tier.model_construct(band=Band(lower=Decimal(low), upper=None if up is None else Decimal(up)), roles=())
            for low, up in tiers
        )
        matrix = Matrix.model_construct(category="supplies", tiers=made)
        return plain_policy().model_copy(update={"matrices": (matrix, *plain_policy().matrices[1:])})

    assert found(proof(bands((0, 1000), (2000, None))), "amounts")[:2] == [
        "1000 lies in 0 bands", "1000.01 lies in 0 bands"
    ]  # fmt: skip
    assert found(proof(bands((0, 1000), (999, None))), "amounts")[0] == "999 lies in 2 bands"
    assert not found(proof(bands((0, 1000), (1000, None))), "amounts")


def test_what_is_short_only_at_times_is_warned_of_only():
    told = proof()
    assert {one.rule for one in told.findings} == {"away", "approvers", "emergency"}
    beyond = found(told, "approvers", "warning")
    assert len(beyond) == 1
    assert beyond[0].endswith("for ED, ICU, IT, LAB, OR, PHA above $250,000.00: such a case is refused")


def test_who_stands_in_for_a_requester_is_warned_of():
    lent = Delegation(key="d", of="rita.okafor", to="ana.silva", start=NOON, until=NOON + WEEK)
    told = proof(duties=Duties(delegations=(lent,)))
    (what,) = found(told, "stand-in", "warning")
    assert "nobody is left to decide as department-manager what Rita Okafor asks for OR" in what
    later = lent.model_copy(update={"start": NOON + WEEK, "until": NOON + 2 * WEEK})
    assert not found(proof(duties=Duties(delegations=(later,))), "stand-in", "warning")


def test_what_is_lent_inherits_its_conflicts_as_a_warning():
    lent = Delegation(key="d", of="ana.silva", to="rita.okafor", start=NOON, until=NOON + WEEK)
    told = proof(duties=Duties(delegations=(lent,)))
    assert found(told, "conflict", "warning") == [
        "Rita Okafor is requester and department-manager (OR): who asks for something does not approve it"
    ]
    assert not found(told, "conflict")


def test_a_manager_whose_own_people_alone_decide_is_warned_of():
    told = proof(staff=changed("frida.ng", asks=True, grants=()))
    assert any("what Frida Ng asks, only those who report to Frida Ng" in x for x in found(told, "reports", "warning"))


def test_a_conflict_in_different_places_is_none():
    told = proof(
        staff=changed(
            "ivo.petrov", asks=True, cost_centres=("LAB",), grants=(grant("implant-coordinator", None, "OR"),)
        )
    )
    assert not found(told, "conflict")


@pytest.mark.parametrize(
    ("clock", "says"),
    [
        (Clock(calendar=Calendar(country="XX")), "country: no public holidays are known for XX"),
        (Clock(escalate_to="procurement-lead", escalate_after_hours=4), "nobody active is procurement-lead"),
    ],
)
def test_a_clock_that_cannot_run_is_found(clock: Clock, says: str):
    told = proof(plain_policy().model_copy(update={"clock": clock}), changed("paula.reyes", grants=()))
    assert says in found(told, "clock")[0]
    assert not found(proof(plain_policy().model_copy(update={"clock": Clock()})), "clock")
