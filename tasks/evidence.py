"""Evidence: what the store and the dashboard are given of a case at its end."""

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks.wire.canonical import canonical
from blocks.wire.report import case_report, reasons
from tasks.case import Case


async def publish(case: Case) -> str:
    """Keep the report of a case as an object, and show it in the dashboard. Return the object's digest.

    The store comes first: what Prefect's database loses can be shown again from there.
    """
    report, table = case_report(case.chain), reasons(case.chain)
    kept = await case.ledger.keep(
        canonical({"case": case.id, "head": case.chain.head, "markdown": report, "reasons": table})
    )
    key = case.id.lower()
    await acreate_markdown_artifact(report, key=key, description=f"{case.id}: the case as the ledger tells it")
    await acreate_table_artifact(table, key=f"{key}-reasons", description=f"{case.id}: who did what, and why")
    return kept
