"""Issues from stock in Tryton: internal shipments from the store to a department.

An issue binds when it is *assigned*: the goods are reserved, and nobody else is promised them. They
have not left the shelf; that is for the storekeeper to do and to say (`done`).
"""

import asyncio
from typing import Final

from blocks.records.purchasing import ErpDocument, IssueDraft
from blocks.tryton.documents import Documents, Kind
from blocks.tryton.http import Found, TrytonRest, Values
from blocks.tryton.masters import Masters, Site
from blocks.wire.names import reference

ISSUES: Final = Kind(
    name="stock issue",
    model="stock.shipment.internal",
    fields=("state", "number", "to_location.code", "moves.product.code", "moves.quantity", "moves.state"),
    acts={"draft": "wait", "waiting": "assign_try"},
    binding=frozenset({"assigned", "packed", "shipped", "done"}),
    stalled="the store cannot promise that many; read its stock again",
)


class Issues:
    """Makes and finds issues from stock."""

    def __init__(self, rest: TrytonRest, masters: Masters) -> None:
        self._masters = masters
        self._documents = Documents(rest, ISSUES)

    async def make(self, draft: IssueDraft, key: str) -> Found:
        """Reserve the goods for the department, or find them reserved."""
        site = await self._masters.site()

        async def values() -> Values:
            return await self._values(draft, key, site)

        def differs(found: Found) -> str | None:
            return _difference(found, draft)

        return await self._documents.obtain(key, site.context, values, differs)

    async def find(self, key: str) -> Found | None:
        """Find an issue whose goods are promised or gone."""
        site = await self._masters.site()
        return await self._documents.placed(key, site.context)

    async def _values(self, draft: IssueDraft, key: str, site: Site) -> Values:
        item, department = await asyncio.gather(
            self._masters.item(draft.item), self._masters.department(draft.cost_centre)
        )
        way = {"company": site.company, "from_location": site.storage, "to_location": department}
        move = {
            **way,
            "product": item["id"],
            "quantity": float(draft.quantity),
            "unit": item["default_uom"]["id"],
            "planned_date": draft.issue_on,
        }
        return {
            **way,
            "planned_date": draft.issue_on,
            "planned_start_date": draft.issue_on,
            "reference": reference(key),
            "moves": [["create", [move]]],
        }


def issue_document(found: Found, key: str) -> ErpDocument:
    """Read an issue from stock as the record of it."""
    return ErpDocument(kind="stock issue", number=found["number"], state=found["state"], key=key)


def _difference(found: Found, draft: IssueDraft) -> str | None:
    """Say in what the issue under the key is not the one we want.

    Tryton splits a move that it can promise in part, so quantities are summed.
    """
    items = {move["product"]["code"] for move in found["moves"]}
    quantity = sum(move["quantity"] for move in found["moves"])
    if items != {draft.item} or quantity != draft.quantity:
        return f"{quantity:g} × {', '.join(sorted(items)) or 'nothing'}"
    if found["to_location"]["code"] != f"DEPT-{draft.cost_centre}":
        return f"department {found['to_location']['code']}"
    return None
