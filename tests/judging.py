"""The judge of a scene: the invariants, over chains and the log that is sealed over them; and no patient anywhere.

Somebody names a patient at the door of each scene. At its end everything is put under a signed head, the witness looks,
and what an auditor would check is checked with the rest.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from blocks.ledger import Ledger, TamperedError
from tests.fakes.desk import FakeDesk
from tests.hospital import Hospital
from tests.invariants import ErpBooks, Violation, check_invariants
from tests.sealing import looked_at, sealed
from tests.stores import MemoryStore

PATIENT = "88442211"


async def opened(root: Path, **erp: Any) -> Hospital:
    """Open a hospital in which somebody has named a patient: as a reason to buy, and to say no."""
    hospital = await Hospital.opened(root, **erp)
    await name_a_patient(hospital)
    return hospital


async def name_a_patient(hospital: Hospital) -> None:
    """Let somebody ask who names a patient: it is put aside, and stands nowhere but with the vault."""
    asked = {"requester": "rita.okafor", "cost_centre": "OR", "item": "GLOVE-M", "quantity": 1}
    await hospital.receive(name="a patient", **asked, reason=f"MRN {PATIENT}")


async def judged(
    ledger: Ledger, erp: ErpBooks, desk: FakeDesk | None = None, *, at: datetime, over: bool = True
) -> list[Violation]:
    """Put everything under a head, and list what is violated. *over*: the last fault is past."""
    try:
        log = await sealed(ledger, at)
    except TamperedError as error:  # over what does not hold together there is no head
        unsealed = [Violation("I5", "log", str(error))]
        return unsealed + await check_invariants(ledger, erp, desk, over=over, secrets=(PATIENT,))
    witnessed = await looked_at(log, MemoryStore(), at)
    return await check_invariants(
        ledger, erp, desk, over=over, secrets=(PATIENT,), log=log, witnessed=witnessed, now=at
    )
