"""The catalogue: suppliers, items with category, price and contract, and what lies in the store.

Where Tryton keeps what a requisition asks about:

* category: the code of the item's accounting category, which also names its ledger account;
* contract: the supplier's reference (`code`) on the item's supplier row. Tryton has no contract
  documents; this is the reference that goes with the agreed price and is printed on the order;
* price: that row's price list.

A supplier without an address: Tryton makes drafts and quotations for it, and refuses to confirm,
because a confirmed order needs an address to be invoiced from.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from infrastructure.local.erp.hospital import CostCentre, Hospital, Item, Supplier
from infrastructure.local.erp.rpc import Rpc
from infrastructure.local.erp.seed_books import SPEND_ACCOUNTS, Books

LEAD_DAYS = 3
"""How long a supplier takes to deliver."""


def department_code(cost_centre: str) -> str:
    """Name the stock location of a cost centre's department."""
    return f"DEPT-{cost_centre}"


def stock_catalogue(rpc: Rpc, hospital: Hospital, books: Books, today: date) -> None:
    """Create suppliers, items, departments and the opening stock, counted the day before *today*."""
    suppliers = _suppliers(rpc, hospital.suppliers, books.country)
    products = _items(rpc, hospital.items, books, suppliers)
    _departments(rpc, hospital.cost_centres)
    _opening_stock(rpc, hospital.items, products, books.company, today - timedelta(days=1))


def _suppliers(rpc: Rpc, suppliers: Sequence[Supplier], country: int) -> Mapping[str, int]:
    days = [["create", [{"days": 30}]]]
    lines = [["create", [{"type": "remainder", "relativedeltas": days}]]]
    net_30 = rpc.new("account.invoice.payment_term", name="Net 30", lines=lines)
    rows = [
        {
            "name": supplier.name,
            "code": supplier.code,
            "supplier_payment_term": net_30,
            "addresses": _addresses(supplier, country),
        }
        for supplier in suppliers
    ]
    made = rpc.create("party.party", rows)
    return {supplier.code: party for supplier, party in zip(suppliers, made, strict=True)}


def _addresses(supplier: Supplier, country: int) -> list[object]:
    if supplier.invoice_address is None:
        return []
    return [["create", [{"street": supplier.invoice_address, "country": country}]]]


def _items(rpc: Rpc, items: Sequence[Item], books: Books, suppliers: Mapping[str, int]) -> Mapping[str, int]:
    unit = rpc.the("product.uom", ["name", "=", "Unit"])
    made = rpc.create(
        "product.category",
        [
            {"name": name.capitalize(), "code": name, "accounting": True}
            | {"account_expense": books.expense[name], "account_revenue": books.revenue}
            for name in SPEND_ACCOUNTS
        ],
    )
    categories = dict(zip(SPEND_ACCOUNTS, made, strict=True))
    templates = rpc.create(
        "product.template",
        [
            {"name": item.description, "code": item.code, "list_price": item.price}
            | {"default_uom": unit, "purchase_uom": unit, "purchasable": True}
            | {"type": "service" if item.category == "services" else "goods"}
            | {"cost_price_method": "fixed", "account_category": categories[item.category]}
            | {"products": [["create", [{"cost_price": item.price}]]]}
            for item in items
        ],
    )
    rpc.create(
        "purchase.product_supplier",
        [
            {"template": template, "party": suppliers[item.supplier], "code": item.contract}
            | {"currency": books.currency, "company": books.company}
            | {"lead_time": timedelta(days=LEAD_DAYS)}
            | {"prices": [["create", [{"quantity": 0.0, "unit_price": item.price}]]]}
            for template, item in zip(templates, items, strict=True)
        ],
    )
    products = rpc.find("product.product", [["template", "in", templates]], "code")
    return {product["code"]: product["id"] for product in products}


def _departments(rpc: Rpc, centres: Sequence[CostCentre]) -> None:
    rpc.create(
        "stock.location",
        [{"name": c.name, "code": department_code(c.code), "type": "storage"} for c in centres],
    )


def _opening_stock(rpc: Rpc, items: Sequence[Item], products: Mapping[str, int], company: int, day: date) -> None:
    counted = [{"product": products[item.code], "quantity": float(item.on_hand)} for item in items if item.on_hand]
    inventory = rpc.new(
        "stock.inventory",
        location=rpc.the("stock.location", ["code", "=", "STO"]),
        company=company,
        empty_quantity="keep",
        date=day,
        lines=[["create", counted]],
    )
    rpc.model("stock.inventory", "confirm", [inventory])
