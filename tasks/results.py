"""Results: one object in the store for each case that ended, written when everything else has been told.

Who has a result has been shown in the dashboard too; who ended and has none is rung for again by upkeep. Knows no
Prefect.
"""

from typing import NamedTuple

from blocks.ledger import Chain, Ledger
from blocks.records.outcome import Outcome
from blocks.wire.canonical import canonical
from blocks.wire.report import case_report, reasons

PREFIX = "results/"


class Result(NamedTuple):
    """What is kept of a case at its end. Its place names the head of the chain: the same end is the same object."""

    key: str
    data: bytes


def result_of(chain: Chain, outcome: Outcome) -> Result:
    """Print the result of a case."""
    rows = reasons(chain)
    told = {
        "case": chain.case,
        "head": chain.head,
        "outcome": outcome.model_dump(mode="json"),
        "markdown": case_report(chain, rows),
        "reasons": rows,
    }
    return Result(f"{PREFIX}{chain.case}/{chain.head}.json", canonical(told))


async def keep_result(result: Result, ledger: Ledger) -> None:
    """Keep a result; the same one again changes nothing."""
    await ledger.store.create(result.key, result.data)


async def is_finished(chain: Chain, ledger: Ledger) -> bool:
    """Say whether a case has ended and everybody has been told: nothing is left to do for it."""
    if not chain.last("ended"):
        return False
    async for _ in ledger.store.list(f"{PREFIX}{chain.case}/"):
        return True
    return False


async def finished_cases(ledger: Ledger) -> set[str]:
    """List the cases that have a result: a thousand in one request, where to read each would take six."""
    return {blob.key.split("/")[1] async for blob in ledger.store.list(PREFIX)}
