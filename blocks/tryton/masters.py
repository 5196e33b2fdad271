"""What Tryton's records are called inside: the ids behind our codes.

Only what a database fixes for good (company, warehouse) is remembered. Suppliers, items and cost
centres are asked for each time: they get addresses, move to another unit, and retire.
"""

import asyncio
from typing import NamedTuple

from blocks.errors import RefusedError, UnreadableError
from blocks.tryton.http import SYSTEM, Found, TrytonRest, Values

SUPPLIER = "party.party"


class Site(NamedTuple):
    """The entity whose books these are, and its store."""

    company: int
    currency: int
    currency_code: str
    warehouse: int
    storage: int

    @property
    def context(self) -> Values:
        """What goes with every call: without it Tryton shows nothing."""
        return {"company": self.company}


class Party(NamedTuple):
    """A supplier: whom to order from, where its invoices come from, when it is paid."""

    id: int
    address: int | None
    payment_term: int | None


class Masters:
    """Looks ids up by code; says which field of the request is to blame where there is none."""

    def __init__(self, rest: TrytonRest, warehouse: str) -> None:
        self._rest = rest
        self._warehouse = warehouse
        self._site: Site | None = None
        self._lock = asyncio.Lock()

    async def site(self) -> Site:
        """Find the company and its warehouse, once."""
        async with self._lock:
            if self._site is None:
                self._site = await self._find_site()
            return self._site

    async def _find_site(self) -> Site:
        companies = await self._rest.search("company.company", [], ["currency.code"], {})
        if len(companies) != 1:
            message = f"our user belongs to {len(companies)} companies; give it exactly one"
            raise UnreadableError(SYSTEM, message)
        context = {"company": companies[0]["id"]}
        domain = [["type", "=", "warehouse"], ["code", "=", self._warehouse]]
        stores = await self._rest.search("stock.location", domain, ["storage_location.id"], context)
        if not stores:
            raise UnreadableError(SYSTEM, f"there is no warehouse {self._warehouse}: name the one we use")
        currency = companies[0]["currency"]
        storage = stores[0]["storage_location"]["id"]
        return Site(context["company"], currency["id"], currency["code"], stores[0]["id"], storage)

    async def supplier(self, code: str) -> Party:
        """Find a supplier; its address for invoices, or None where it has none."""
        fields = ["addresses.id", "addresses.invoice", "supplier_payment_term.id"]
        found = await self._one(SUPPLIER, code, fields, blame="supplier")
        addresses = sorted(found["addresses"], key=lambda address: not address["invoice"])
        term = found["supplier_payment_term"]
        return Party(found["id"], addresses[0]["id"] if addresses else None, term["id"] if term else None)

    async def item(self, code: str) -> Found:
        """Find an item: its id, units and supplier rows."""
        fields = ["default_uom.id", "template.purchase_uom.id", "template.product_suppliers.party.code"]
        return await self._one("product.product", code, fields, blame="item")

    async def cost_centre(self, code: str) -> Found:
        """Find a cost centre: its id and the root of its plan."""
        return await self._one("analytic_account.account", code, ["root.id"], blame="cost_centre")

    async def department(self, cost_centre: str) -> int:
        """Find where a cost centre receives what is issued to it."""
        found = await self._one("stock.location", f"DEPT-{cost_centre}", ["code"], blame="cost_centre")
        place: int = found["id"]
        return place

    async def _one(self, model: str, code: str, fields: list[str], *, blame: str) -> Found:
        site = await self.site()
        found = await self._rest.search(model, [["code", "=", code]], fields, site.context)
        if not found:
            raise unknown(blame, code)
        return found[0]


def unknown(field: str, code: str) -> RefusedError:
    """Say which field of the request names something that the ERP does not know, and what to do."""
    thing = field.replace("_", " ")
    return RefusedError(SYSTEM, f"{field}: the ERP knows no {thing} {code}; correct it, or have it set up there")
