"""What changed between two documents that people were asked about, in the words of the card."""

from blocks.records.approval import Ask

MATERIAL = {
    "item": "item", "quantity": "quantity", "unit_price": "price", "amount": "amount", "counted": "amount that counts",
    "supplier_name": "supplier", "contract": "contract", "cost_centre": "cost centre", "needed_by": "needed by",
    "budget_left": "budget left",
}  # fmt: skip
"""What an approver weighs, and what it is called; that the budget has moved is told last."""


def differences(was: Ask, now: Ask) -> str:
    """Name what changed, each with what it was and what it is; empty where nothing did that an approver weighs.

    What counts is told only where it is not the amount itself.
    """
    changed = []
    for field, name in MATERIAL.items():
        old, new = getattr(was, field), getattr(now, field)
        if field == "counted" and (was.counted, now.counted) == (was.amount, now.amount):
            continue
        if old != new:
            changed.append(f"{name} {_said(old)} → {_said(new)}")
    return ", ".join(changed)


def _said(value: object) -> str:
    return str(value) if value not in (None, "") else "none"
