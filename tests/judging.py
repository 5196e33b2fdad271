"""The judge of a scene: the invariants, over chains and the log that is sealed over them; and no patient anywhere.

Somebody names a patient at the door. What was written before the fault is put under a signed head, and the witness
sees that head; at the end the rest is, the same witness looks again, and all that an auditor would check is checked.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from blocks.errors import NotFoundError
from blocks.ledger import Ledger, TamperedError
from blocks.ports import Store
from blocks.records.outcome import Outcome
from blocks.sealing.log import Log
from blocks.sealing.witness import Witness, Witnessed
from tasks.results import is_finished, keep_result, result_of
from tests.fakes.desk import FakeDesk
from tests.hospital import Hospital
from tests.invariants import ErpBooks, Violation, check_invariants
from tests.samples import PATIENT
from tests.sealing import WITNESS, looked_at, sealed


async def opened(root: Path, **erp: Any) -> Hospital:
    """Open a hospital in which somebody has named a patient."""
    hospital = await Hospital.opened(root, **erp)
    await name_a_patient(hospital)
    return hospital


async def name_a_patient(hospital: Hospital) -> None:
    """Let somebody ask who names a patient: it is put aside, and stands nowhere but with the vault."""
    asked = {"requester": "rita.okafor", "cost_centre": "OR", "item": "GLOVE-M", "quantity": 1}
    await hospital.receive(name="a patient", **asked, reason=f"MRN {PATIENT}")


async def finished(hospital: Hospital, case: str) -> Outcome:
    """Carry a case to its end and tell of it, and see that nothing is violated; return how it ended."""
    outcome = await hospital.wake(case)
    assert outcome is not None, f"{case} waits"
    await keep_result(result_of(await hospital.chain(case), outcome), hospital.ledger)
    assert await is_finished(await hospital.chain(case), hospital.ledger)
    assert not await check_invariants(hospital.ledger, hospital.erp, hospital.desk)
    return outcome


async def under_a_head(ledger: Ledger, own: Store, at: datetime) -> None:
    """Seal what there is before the fault, and show the head to the witness; *own*: its store."""
    await looked_at(await sealed(ledger, at), own, at)


async def judged(hospital: Hospital, erp: ErpBooks, desk: FakeDesk | None = None) -> list[Violation]:
    """Judge a hospital; *desk*: what stands on a desk that is not its own."""
    shown = desk or hospital.desk
    return await judged_by(hospital.ledger, erp, shown, own=hospital.witness, at=hospital.now)


async def judged_by(
    ledger: Ledger, erp: ErpBooks, desk: FakeDesk | None = None, *, own: Store, at: datetime
) -> list[Violation]:
    """Put the rest under a head, let the same witness look, and list what is violated, now that the fault is past."""
    found, log, witnessed = list[Violation](), None, None
    try:
        log, witnessed = await sealed(ledger, at), Witnessed(own, WITNESS.public)
        found += await _alarmed(log, own, at)
    except (TamperedError, NotFoundError) as error:  # over what does not hold together there is no head
        found.append(Violation("I5", "log", str(error)))
    if not [blob async for blob in ledger.store.list("quarantine/")]:
        found.append(Violation("I8", "quarantine/", "nobody named a patient: that none is anywhere says nothing"))
    return found + await check_invariants(ledger, erp, desk, secrets=(PATIENT,), log=log, witnessed=witnessed, now=at)


async def _alarmed(log: Log, own: Store, at: datetime) -> list[Violation]:
    alarm = await Witness(log, own, WITNESS).look(at)
    return [Violation("I5", "witness", alarm.why)] if alarm else []
