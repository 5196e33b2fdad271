"""What changed between two documents is named as the card names it, with what it was and what it is."""

import pytest

from tasks.rules.changes import differences
from tests.samples import ask, usd

CHANGES = [
    ({}, ""),
    ({"why": "another reason", "policy": "d" * 64}, ""),
    ({"quantity": 1, "amount": usd("6250.25"), "counted": usd("6250.25")},
     "quantity 2 → 1, amount $12,500.50 → $6,250.25"),
    ({"counted": usd("13000")}, "amount that counts $12,500.50 → $13,000.00"),
    ({"contract": None}, "contract C-CORDIS-26 → none"),
    ({"supplier_name": "Acme Medical", "budget_left": usd(1)},
     "supplier Cordis Devices → Acme Medical, budget left $214,380.00 → $1.00"),
    ({"needed_by": ""}, "needed by 2026-12-01 → none"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), CHANGES)
def test_what_changed_is_named(changed, said):
    assert differences(ask(), ask(**changed)) == said
