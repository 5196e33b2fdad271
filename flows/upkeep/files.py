"""Files: what was dropped off in the store is picked up, row by row."""

from blocks import connect
from blocks.bell import ring
from blocks.ports import Blob
from tasks.artifacts import show_table
from tasks.case import utc_now
from tasks.durable import upkeep
from tasks.upkeep.files import pick_up

TAKEN: set[Blob] = set()


@upkeep
async def pick_up_files() -> str:
    """Take in every new CSV or JSON-lines file of requisitions.

    1. Each row becomes a case, or is quarantined with the field and the reason. A file that fails stops no other.
    2. A table of what became of the rows is shown as an artifact.
    3. The bell is rung for the new cases.
    """
    ledger = connect.ledger()
    picked = await pick_up(ledger, TAKEN)
    rows = [
        {"file": file.name, "row": receipt.message, "case": receipt.case or "quarantined", "why": why}
        for file in picked
        for receipt in file.receipts
        for why in ["; ".join(f"{issue.field}: {issue.reason}" for issue in receipt.issues)]
    ]
    rows += [{"file": f.name, "row": "all", "case": "quarantined", "why": i.reason} for f in picked for i in f.issues]
    failed = [file for file in picked if file.failed]
    if rows:
        said = f"{len(picked)} files, {len(rows)} rows"
        await show_table("picked-up", rows, said, ledger=ledger, at=utc_now())
    cases = [receipt.case for file in picked for receipt in file.receipts if receipt.case]
    await ring(cases)
    told = f"{len(picked) - len(failed)} files, {len(cases)} cases"
    return "; ".join([told, *(f"{file.name} could not be taken in: {file.failed}" for file in failed)])
