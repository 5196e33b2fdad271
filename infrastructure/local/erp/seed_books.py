"""The books: company, chart of accounts, fiscal years, cost centres and what they may spend."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from infrastructure.local.erp.hospital import Company, CostCentre
from infrastructure.local.erp.rpc import Rpc

SPEND_ACCOUNTS: Final[Mapping[str, str]] = {
    "supplies": "5.1.10",
    "implants": "5.1.20",
    "capital": "5.1.30",
    "services": "5.1.40",
}
"""The ledger account that each category of spend is posted to."""

MONTHS: Final = range(1, 13)


class Books(NamedTuple):
    """Ids that the rest of the seed needs."""

    company: int
    currency: int
    country: int
    expense: Mapping[str, int]
    revenue: int


def found_company(rpc: Rpc, company: Company) -> tuple[int, int, int]:
    """Create the entity and its currency; return the ids of company, currency and country."""
    rates = [["create", [{"date": date(2000, 1, 1), "rate": Decimal(1)}]]]
    currency = rpc.new(
        "currency.currency",
        name="US Dollar",
        symbol="$",
        code=company.currency,
        numeric_code="840",
        rounding=Decimal("0.01"),
        digits=2,
        rates=rates,
    )
    country = rpc.new("country.country", name="United States", code="US", code3="USA")
    party = rpc.new("party.party", name=company.name, code=company.code)
    with rpc.wizard("company.company.config") as wizard:
        wizard.step("company")
        # The zone decides what day it is for stock and orders: without it Tryton counts in UTC.
        row = {"party": party, "currency": currency, "timezone": company.time_zone}
        wizard.step("add", company=row)
    created = rpc.the("company.company")
    mine = {"companies": [["add", [created]]], "company": created}
    rpc.model("res.user", "write", [rpc.user], mine)
    rpc.refresh()
    return created, currency, country


def open_books(rpc: Rpc, company: int, currency: int, country: int) -> Books:
    """Create the chart of accounts, with one account for each category of spend."""
    chosen = {
        "company": company,
        "account_template": rpc.xml("account.account_template_root_en"),
    }
    with rpc.wizard("account.create_chart") as wizard:
        wizard.step("account")
        wizard.step("create_account", account=chosen)
        kinds = ("receivable", "payable", "expense", "revenue")
        account = {kind: _account(rpc, company, kind) for kind in kinds}
        defaults = {
            "company": company,
            "account_receivable": account["receivable"],
            "account_payable": account["payable"],
            "category_account_expense": account["expense"],
            "category_account_revenue": account["revenue"],
        }
        wizard.step("create_properties", account=chosen, properties=defaults)
    model = rpc.find("account.account", [["id", "=", account["expense"]]], "type", "parent")[0]
    like = {"company": company, "type": model["type"], "parent": model["parent"]}
    made = rpc.create(
        "account.account",
        [{"name": f"Spend on {name}", "code": code, **like} for name, code in SPEND_ACCOUNTS.items()],
    )
    expense = dict(zip(SPEND_ACCOUNTS, made, strict=True))
    return Books(company, currency, country, expense, account["revenue"])


def _account(rpc: Rpc, company: int, kind: str) -> int:
    of_kind = [f"type.{kind}", "=", True]
    return rpc.the("account.account", of_kind, ["company", "=", company], ["closed", "!=", True])


def open_years(rpc: Rpc, company: int, years: Sequence[int], *, closed: int) -> None:
    """Create fiscal years with a period for each month, and close the year *closed*."""
    moves = rpc.the("ir.sequence.type", ["name", "=", "Account Move"])
    invoices = rpc.the("ir.sequence.type", ["name", "=", "Invoice"])
    for year in (closed, *years):
        posted, billed = rpc.create(
            "ir.sequence.strict",
            [
                {"name": f"Move {year}", "sequence_type": moves, "company": company},
                {
                    "name": f"Invoice {year}",
                    "sequence_type": invoices,
                    "company": company,
                    "prefix": f"INV-{year}-",
                    "padding": 5,
                },
            ],
        )
        directions = ("out_invoice", "in_invoice", "out_credit_note", "in_credit_note")
        numbers = {f"{direction}_sequence": billed for direction in directions}
        made = rpc.new(
            "account.fiscalyear",
            name=str(year),
            company=company,
            move_sequence=posted,
            start_date=date(year, 1, 1),
            end_date=date(year, 12, 31),
            invoice_sequences=[["create", [{"company": company, **numbers}]]],
        )
        periods = rpc.create("account.period", [_period(made, year, month) for month in MONTHS])
        if year == closed:
            rpc.model("account.period", "close", periods)


def _period(fiscal_year: int, year: int, month: int) -> dict[str, object]:
    return {
        "name": f"{year}-{month:02d}",
        "fiscalyear": fiscal_year,
        "type": "standard",
        "start_date": date(year, month, 1),
        "end_date": date(year, month, monthrange(year, month)[1]),
    }


def fund_cost_centres(rpc: Rpc, company: int, centres: Sequence[CostCentre], years: Sequence[int]) -> None:
    """Create the cost centres and their budgets for each year."""
    model = "analytic_account.account"
    root = rpc.new(model, name="Cost centres", code="CC", type="root", company=company)
    below = {"type": "normal", "root": root, "parent": root, "company": company}
    made = rpc.create(model, [{"name": c.name, "code": c.code, **below} for c in centres])
    for year in years:
        budget = rpc.new(
            "analytic_account.budget",
            name=f"Cost centres {year}",
            company=company,
            root=root,
            start_date=date(year, 1, 1),
            end_date=date(year, 12, 31),
        )
        # Expenses are negative amounts in Tryton's budgets.
        lines = [
            {"budget": budget, "account": account, "amount": -centre.yearly_budget}
            for account, centre in zip(made, centres, strict=True)
        ]
        rpc.create("analytic_account.budget.line", lines)
