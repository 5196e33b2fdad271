"""A process dies after any write to the ledger, or just before it, and wakes again: exactly one order."""

import pytest

from blocks.ledger import Ledger
from tests.hospital import Hospital
from tests.stores import CrashError, CrashingStore

POINTS = 30


async def lived(hospital: Hospital, case: str, approvers: tuple[str, ...]) -> object:
    """Carry a case from wherever it is to its end, answering for the people."""
    outcome = await hospital.wake(case)
    for approver in approvers:
        if outcome is not None:
            break
        await hospital.answer(case, approver)
        outcome = await hospital.wake(case)
    return outcome


STORIES = [
    ("straight through", {"item": "IVSET-20", "quantity": 40}, (), "ordered", 0),
    ("one approval", {"item": "KNEE-TIB-4", "quantity": 1}, ("ivo.petrov",), "ordered", 0),
    ("a budget that runs low", {"item": "KNEE-TIB-4", "quantity": 1}, ("ivo.petrov", "frida.ng"), "ordered", 380_000),
    ("from stock", {"item": "GLOVE-M", "quantity": 20}, (), "filled", 0),
    ("refused by the ERP", {"item": "SUTURE-30", "quantity": 2}, (), "refused", 0),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("asked", "approvers", "ends", "spent"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES]
)
async def test_whatever_write_was_the_last_the_case_ends_as_it_would_have(
    tmp_path, asked, approvers, ends, spent, when
):
    for point in range(1, POINTS):
        root = tmp_path / str(point)
        hospital = await Hospital.opened(root)
        case = await hospital.submit(**asked)
        if spent:  # while the first of them thinks
            await hospital.wake(case)
            hospital.erp.post("OR", spent)
            await hospital.answer(case, approvers[0])
        store = CrashingStore(root)
        hospital.ledger = Ledger(store)
        store.crash_at(point, when)
        try:
            await lived(hospital, case, approvers)
        except CrashError:
            hospital.ledger = Ledger(CrashingStore(root))  # another process, which remembers nothing
            await lived(hospital, case, approvers)
        outcome = await hospital.wake(case)
        assert outcome.ended == ends, f"write {point}"
        assert len(hospital.erp.orders()) == (ends == "ordered"), f"write {point}"
        assert len(hospital.erp.issues()) == (ends == "filled"), f"write {point}"
        assert await hospital.verified()
        chain = await hospital.chain(case)
        for act in ("intent", "outcome", "ended"):
            assert len(chain.having(act)) <= 1, f"{act} after write {point}"
        assert len(chain.having("asked")) == len(chain.having("decided")) == len(approvers), f"write {point}"
        assert len(list(hospital.desk.cards("approvals"))) == len(approvers), f"write {point}"
        if store.writes < point:
            return
    pytest.fail(f"the story has more than {POINTS} writes")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_funds_of_a_refused_order_are_free_again_whatever_write_was_the_last(tmp_path, when):
    for point in range(1, POINTS):
        root = tmp_path / str(point)
        hospital = await Hospital.opened(root)
        case = await hospital.submit("SUTURE-30", 2)
        store = CrashingStore(root)
        hospital.ledger = Ledger(store)
        store.crash_at(point, when)
        try:
            await hospital.wake(case)
        except CrashError:
            hospital.ledger = Ledger(CrashingStore(root))
            await hospital.wake(case)
        book = await hospital.chain("book~funds~OR~2026")
        assert [line.act for line in book.lines] == ["held", "released"], f"write {point}"
        if store.writes < point:
            return
