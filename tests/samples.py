"""Samples: facts, asks and decisions from which a test changes what it is about."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from blocks.records.approval import Ask, Decision
from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.people import Directory, Grant, Person
from blocks.records.policy import Policy, Rulebook
from blocks.records.purchasing import Budget, OpenOrder, Requisition, Sourcing
from infrastructure.local.hospital.__main__ import directory
from tests.hospital import plain_policy

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PATIENT = "88442211"
"""A record number: it must stand nowhere but with the vault."""
POLICY_VERSION, DIRECTORY_VERSION = "a" * 64, "b" * 64


def usd(amount: Decimal | str | int) -> Money:
    return Money.of(amount, "USD")


def request(**changed: Any) -> Requisition:
    told = {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 1}
    return Requisition.model_validate(told | changed)


def budget(left: Decimal | str | int = 400_000, *, posted: int = 0, ordered: tuple[OpenOrder, ...] = ()) -> Budget:
    return Budget(cost_centre="OR", year=2026, budget=usd(left), posted=usd(posted), ordered=ordered)


def sourcing(**changed: Any) -> Sourcing:
    told = {
        "item": "KNEE-TIB-4", "description": "Tibial tray 4", "category": "implants", "unit": "u",
        "on_hand": Decimal(0), "supplier": "SUP-CORDIS", "supplier_name": "Cordis Devices", "contract": "C-CORDIS-26",
        "unit_price": usd("2890.00"), "budget": budget(), "period_open": True,
    }  # fmt: skip
    return Sourcing.model_validate(told | changed)


def facts(left: Decimal | str | int = 400_000, *, recent: Money | None = None, **changed: Any) -> Facts:
    return Facts(sourcing=sourcing(**changed), left=usd(left), funds_seq=0, recent=recent)


def rulebook(*, with_policy: Policy | None = None, with_directory: Directory | None = None) -> Rulebook:
    return Rulebook(
        policy=with_policy or plain_policy(), policy_version=POLICY_VERSION,
        directory=with_directory or directory(), directory_version=DIRECTORY_VERSION,
    )  # fmt: skip


def ask(**changed: Any) -> Ask:
    told = {
        "key": "1-department-manager", "case": "RQ-7F3K2Q9MAA", "role": "department-manager",
        "requester": "rita.okafor", "requester_name": "Rita Okafor", "cost_centre": "OR", "category": "implants",
        "item": "HIP-STEM-12", "description": "Cementless hip stem 12", "quantity": 2, "unit": "u",
        "unit_price": usd("6250.25"), "amount": usd("12500.50"), "counted": usd("12500.50"), "supplier": "SUP-CORDIS",
        "supplier_name": "Cordis Devices", "contract": "C-CORDIS-26", "budget": usd(400_000),
        "budget_left": usd("214380.00"), "needed_by": "2026-12-01", "reason": "Two revisions on Monday",
        "why": "implants from $5,000.00 below $25,000.00", "after": "then the order goes to Cordis Devices",
        "policy": POLICY_VERSION,
    }  # fmt: skip
    return Ask.model_validate(told | changed)


def person(name: str = "ana.silva", *grants: Grant, **changed: Any) -> Person:
    told = {"id": name, "name": name.replace(".", " ").title(), "grants": grants}
    return Person.model_validate(told | changed)


def decision(by: str = "ana.silva", **changed: Any) -> Decision:
    told = {
        "ask": "1-department-manager", "verdict": "approve", "by": by, "name": by.replace(".", " ").title(),
        "role": "department-manager", "at": NOON, "shown": "c" * 64, "directory": DIRECTORY_VERSION,
    }  # fmt: skip
    return Decision.model_validate(told | changed)


def people(*who: Person) -> Directory:
    return Directory(entity="MERCY", zone="America/Chicago", effective_from=date(2026, 1, 1), people=who)
