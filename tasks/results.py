"""Results: one object in the store for each case that ended, written when everything else has been told.

Who has a result has been shown in the dashboard too; who ended and has none is rung for again by upkeep. Knows no
Prefect.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

from blocks.ledger import SEQ_DIGITS, Chain, Ledger
from blocks.records.outcome import Outcome
from blocks.wire.canonical import canonical
from blocks.wire.report import case_report, reasons
from blocks.wire.requisitions import spell_out
from tasks.undoing import undoing

PREFIX = "results/"
NO_DOCUMENT = "~"
PARTS = 4
"""Of a key: results, document, case, head. What was kept before keys named the document has one less."""


class Result(NamedTuple):
    """What is kept of a case at its end. Its place names the head of the chain: the same end is the same object.

    It names the document first, `results/<document>/<case>/<seq>~<head>.json`, so that an order's number leads to its
    case in one request, and costs none when the case is carried. *seq* is the entry it tells the case up to.
    """

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
    place = _place(outcome.document or _last_made(chain))
    return Result(f"{place}{chain.case}/{chain.seq:0{SEQ_DIGITS}}~{chain.head}.json", canonical(told))


def _last_made(chain: Chain) -> str | None:
    """Find the document that a case made last: one that was taken back is still asked for by its number."""
    made = [line.body["document"]["number"] for line in chain.having("outcome") if line.body.get("document")]
    return made[-1] if made else None


def _place(document: str | None) -> str:
    return f"{PREFIX}{spell_out(document) if document else NO_DOCUMENT}/"


async def keep_result(result: Result, ledger: Ledger) -> None:
    """Keep a result; the same one again changes nothing."""
    await ledger.store.create(result.key, result.data)


async def is_finished(chain: Chain, ledger: Ledger) -> bool:
    """Say whether a case has ended and everybody has been told: nothing is left to do for it."""
    ended = chain.last("ended")
    if ended is None or undoing(chain):
        return False
    document = ended.body["outcome"].get("document") or _last_made(chain)  # as a result is kept
    places = (f"{_place(document)}{chain.case}/", f"{_place(None)}{chain.case}/", f"{PREFIX}{chain.case}/")
    since = max(entry.seq for entry in chain.entries if ended in entry.lines)
    for place in places:
        async for blob in ledger.store.list(place):
            if (_told_up_to(blob.key) or chain.seq) >= since:
                return True
    return False


async def finished_cases(ledger: Ledger) -> dict[str, int]:
    """List the cases that have a result, each with the entry it is told up to; 0 where a result does not say.

    Who has more entries by now may have gone on since, as when what it ordered is to be taken back. A thousand are
    listed in one request, where to read each would take six.
    """
    found: dict[str, int] = {}
    async for case, told in _finished(ledger, PREFIX):
        found[case] = max(told, found.get(case, 0))
    return found


async def results_by_case(ledger: Ledger) -> dict[str, list[tuple[str, int]]]:
    """List where the results of each case lie, with the entry each is told up to."""
    found: dict[str, list[tuple[str, int]]] = {}
    async for blob in ledger.store.list(PREFIX):
        found.setdefault(_case(blob.key), []).append((blob.key, _told_up_to(blob.key)))
    return found


async def cases_of(document: str, ledger: Ledger) -> tuple[str, ...]:
    """Find the finished cases that ended in a document of that number: two systems may give the same one."""
    found = {case async for case, _ in _finished(ledger, _place(document))}
    return tuple(sorted(found))


async def _finished(ledger: Ledger, place: str) -> AsyncIterator[tuple[str, int]]:
    async for blob in ledger.store.list(place):
        yield _case(blob.key), _told_up_to(blob.key)


def _case(key: str) -> str:
    parts = key.split("/")
    return parts[-2] if len(parts) == PARTS else parts[1]


def _told_up_to(key: str) -> int:
    """Read from a key which entry a result tells of; 0 where it was kept before keys said so."""
    seq, told, _ = key.rpartition("/")[2].partition("~")
    return int(seq) if told and seq.isdecimal() else 0
