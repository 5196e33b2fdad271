"""Evidence: what the store and the dashboard are given of a case at its end."""

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks.records.outcome import Outcome
from blocks.wire.report import case_report, reasons
from tasks.case import Case
from tasks.results import keep_result, result_of


async def publish(case: Case, outcome: Outcome) -> None:
    """Show a case's report and reasons in the dashboard, then keep both with the outcome as JSON in the store.

    The store comes last: until it has the result, every wake of the case shows it again, and upkeep wakes it.
    """
    chain, rows, key = case.chain, reasons(case.chain), case.id.lower()
    await acreate_markdown_artifact(
        case_report(chain, rows), key=key, description=f"{case.id}: the case as the ledger tells it"
    )
    await acreate_table_artifact([*rows], key=f"{key}-reasons", description=f"{case.id}: who did what, and why")
    await keep_result(result_of(chain, outcome), case.ledger)
