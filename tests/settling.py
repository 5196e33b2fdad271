"""A person looks into the ERP's own books where nobody else can tell, and says what they saw."""

from datetime import datetime

from blocks import connect
from blocks.ledger import Ledger
from blocks.ports import Erp
from blocks.rulebook import Shelf
from blocks.wire.report import in_doubt
from tasks.parked import Said, settle
from tests.invariants import ErpBooks


async def settled(case: str, *, ledger: Ledger, erp: Erp, books: ErpBooks, at: datetime) -> None:
    """Settle what is parked of a case as the books have it."""
    parked = in_doubt(await ledger.read(case))
    assert parked is not None
    made = [one.document for one in books.booked() if one.document.key == parked.key]
    said = Said(case, "made", made[0].number) if made else Said(case, "not-made")
    with connect.bound(connect.Outside(ledger, Shelf(ledger), erp)):
        rules = await Shelf(ledger).in_force(at)
        person = rules.directory.person("paula.reyes")
        await settle(said, person, "test", ledger=ledger, erp=erp, rulebook=rules, at=at, clock=lambda: at)
