"""Evidence: what the store and the dashboard are given of a case at its end."""

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks import connect
from blocks.ledger import Chain
from blocks.records.outcome import Outcome
from blocks.wire.canonical import canonical
from blocks.wire.report import case_report, reasons
from tasks.case import Case


async def publish(case: Case, outcome: Outcome) -> None:
    """Keep a case's result and artifacts as JSON in the store, and show the artifacts in the dashboard.

    The store comes first, and fails the run where it cannot be written: what Prefect's database loses can be
    shown again from `results/<case>/<head>.json`.
    """
    report, table = case_report(case.chain), reasons(case.chain)
    await keep_result(case.chain, outcome, report, table)
    key = case.id.lower()
    await acreate_markdown_artifact(report, key=key, description=f"{case.id}: the case as the ledger tells it")
    await acreate_table_artifact(table, key=f"{key}-reasons", description=f"{case.id}: who did what, and why")


async def keep_result(chain: Chain, outcome: Outcome, report: str, table: list[dict[str, str]]) -> str:
    """Keep a result under the head of its chain, so that the same end is the same object; return its key."""
    key = f"results/{chain.case}/{chain.head}.json"
    result = {
        "case": chain.case,
        "head": chain.head,
        "outcome": outcome.model_dump(mode="json"),
        "markdown": report,
        "reasons": table,
    }
    await connect.ledger().store.create(key, canonical(result))
    return key
