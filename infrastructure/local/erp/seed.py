"""Fill a fresh Tryton with the hospital, over its own HTTP doors."""

from collections.abc import Callable
from datetime import date

import httpx

from infrastructure.local.erp.hospital import Hospital
from infrastructure.local.erp.rpc import Rpc
from infrastructure.local.erp.seed_books import found_company, fund_cost_centres, open_books, open_years
from infrastructure.local.erp.seed_catalogue import stock_catalogue
from infrastructure.local.erp.seed_service import hire_service

CALL_TIMEOUT_S = 60.0
"""Patience for one administrative call: creating the chart of accounts takes seconds."""


def seed(address: str, password: str, hospital: Hospital, today: date, say: Callable[[str], None]) -> str:
    """Create the hospital in an empty ERP; return the key of the service user.

    *address* is the database's JSON-RPC door, `http://host:port/<database>/rpc/`. This and the
    next year are open, the year before is closed.
    """
    years = (today.year, today.year + 1)
    with httpx.Client(timeout=CALL_TIMEOUT_S) as client:
        rpc = Rpc.login(client, address, "admin", password)
        say("seeding the company and its books")
        company, currency, country = found_company(rpc, hospital.company)
        books = open_books(rpc, company, currency, country)
        open_years(rpc, company, years, closed=today.year - 1)
        fund_cost_centres(rpc, company, hospital.cost_centres, years)
        say("seeding suppliers, items and stock")
        stock_catalogue(rpc, hospital, books, today)
        return hire_service(rpc, company)
