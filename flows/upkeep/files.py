"""Files: what was dropped off in the store is picked up, row by row."""

from prefect.artifacts import acreate_table_artifact

from blocks import connect
from blocks.bell import ring
from blocks.ports import Blob
from tasks.durable import upkeep
from tasks.files import pick_up

TAKEN: set[Blob] = set()


@upkeep
async def pick_up_files() -> str:
    """Take in every new CSV or JSON-lines file of requisitions.

    1. Each row becomes a case, or is quarantined with the field and the reason. A file that fails stops no other.
    2. A table of what became of the rows is shown as an artifact.
    3. The bell is rung for the new cases.
    """
    picked = await pick_up(connect.ledger(), TAKEN)
    rows = [
        {"file": file.name, "row": receipt.message, "case": receipt.case or "quarantined", "why": why}
        for file in picked
        for receipt in file.receipts
        for why in ["; ".join(f"{issue.field}: {issue.reason}" for issue in receipt.issues)]
    ]
    rows += [{"file": f.name, "row": "all", "case": "quarantined", "why": i.reason} for f in picked for i in f.issues]
    failed = [file for file in picked if file.failed]
    if rows:
        await acreate_table_artifact(rows, key="picked-up", description=f"{len(picked)} files, {len(rows)} rows")
    cases = [receipt.case for file in picked for receipt in file.receipts if receipt.case]
    await ring(cases)
    told = f"{len(picked) - len(failed)} files, {len(cases)} cases"
    return "; ".join([told, *(f"{file.name} could not be taken in: {file.failed}" for file in failed)])
