"""The service user: the one identity under which Almoner works, with what it needs and no more."""

import secrets
from collections.abc import Mapping
from typing import Final

from infrastructure.local.erp.rpc import Rpc

LOGIN: Final = "almoner"

RIGHTS: Final[Mapping[str, str]] = {
    "purchase.purchase": "rwcd",
    "purchase.line": "rwcd",
    "stock.shipment.internal": "rwcd",
    "stock.move": "rwcd",
    "analytic_account.budget": "r",
    "account.invoice": "r",
    "account.invoice.line": "r",
    "account.move": "r",
}
"""What the service may do: r(ead), w(rite), c(reate), d(elete). It posts nothing in the ledger, but that to cancel a
bill (`BUTTONS`) posts the mirror of its entry.

Of journal entries, and so of their lines, it sees those of bills, and what reverses them: `ENTRIES_SEEN`.

Delete is for its own drafts: an order that the ERP refuses leaves nothing behind.
"""


BUTTONS: Final = (("purchase.purchase", "process", ()), ("account.invoice", "cancel", ("Accounting",)))
"""What the service may press beyond that, by model and name, and who has to keep the right to.

An order that stalls after its confirmation is pushed on by `process`, which Tryton otherwise keeps for purchase
administrators. To cancel a bill is to reverse its entry; without a group, whoever may write bills may press it.
"""

ENTRIES_SEEN: Final = (
    '["OR", ["origin", "like", "account.invoice,%"], ["origin.origin", "like", "account.invoice,%", "account.move"]]'
)
"""Those of invoices, and those that reverse them: no payroll, no bank, nothing that was posted by hand."""

FOR_GROUPS: Final[Mapping[str, bool]] = {
    "global_p": False,
    "perm_write": False,
    "perm_create": False,
    "perm_delete": False,
}
"""A rule on what the members of its groups may read. Unless Tryton is told so, everybody has to follow it."""


def hire_service(rpc: Rpc, company: int) -> str:
    """Create the service user and return its key for the REST door."""
    group = rpc.new("res.group", name="Almoner service")
    letters = {"perm_read": "r", "perm_write": "w", "perm_create": "c", "perm_delete": "d"}
    rpc.create(
        "ir.model.access",
        [
            {"model": model, "group": group} | {name: letter in rights for name, letter in letters.items()}
            for model, rights in RIGHTS.items()
        ],
    )
    entries = {"model": "account.move", **FOR_GROUPS}
    own = {"groups": [["add", [group]]], "rules": [["create", [{"domain": ENTRIES_SEEN}]]]}
    # A group without a rule sees everything, as before; administrators count as members of every group.
    others = {"groups": [["add", [rpc.the("res.group", ["name", "=", "Accounting"])]]]}
    rpc.create(
        "ir.rule.group",
        [
            {**entries, "name": "Almoner service: entries of invoices", **own},
            {**entries, "name": "Accounting: all entries", **others},
        ],
    )
    for model, name, others_too in BUTTONS:
        button = rpc.the("ir.model.button", ["model", "=", model], ["name", "=", name])
        able = [group, *(rpc.the("res.group", ["name", "=", other]) for other in others_too)]
        rpc.model("ir.model.button", "write", [button], {"groups": [["add", able]]})
    user = rpc.new(
        "res.user",
        name="Almoner",
        login=LOGIN,
        company=company,
        companies=[["add", [company]]],
        groups=[["add", [group]]],
    )
    key = secrets.token_hex(64)
    rpc.new("res.user.application", user=user, application="rest", key=key)
    return key
