"""The hospital as the ERP holds it: who pays, who supplies, what may be bought and what lies in the store."""

from decimal import Decimal
from importlib.resources import files
from typing import Final

from blocks.records.base import Record
from blocks.records.money import Currency
from blocks.records.purchasing import Category, Code

_DATA: Final = files("infrastructure.local").joinpath("hospital/erp.json")


class Company(Record):
    """The entity whose books these are."""

    code: Code
    name: str
    currency: Currency
    time_zone: str


class CostCentre(Record):
    """Who pays, and what it may spend in a fiscal year."""

    code: Code
    name: str
    yearly_budget: Decimal


class Supplier(Record):
    """Who delivers. Without an address for invoices the ERP refuses to confirm an order."""

    code: Code
    name: str
    invoice_address: str | None


class Item(Record):
    """What may be bought, from whom, at which price, and how many lie in the store."""

    code: Code
    description: str
    category: Category
    price: Decimal
    supplier: Code
    contract: Code | None
    on_hand: int


class Hospital(Record):
    """Everything the ERP is seeded with."""

    company: Company
    cost_centres: tuple[CostCentre, ...]
    suppliers: tuple[Supplier, ...]
    items: tuple[Item, ...]


def hospital_text() -> str:
    """Read the hospital's file as it is."""
    return _DATA.read_text(encoding="utf-8")


def hospital() -> Hospital:
    """Read the hospital that every seed, demo and test knows."""
    return Hospital.model_validate_json(hospital_text())
