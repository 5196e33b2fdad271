"""Finding a case by what people hold in their hands: an order's number, a key on a document, a case's name.

An invoice and a journal entry are made by others in the ERP: which order of ours they came of, the ERP is asked.
"""

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

from blocks.connect import SettingError
from blocks.errors import NotFoundError, OutsideError
from blocks.ledger import Chain, Ledger, TamperedError
from blocks.ports import Erp
from blocks.records.purchasing import Trace
from blocks.wire.names import EFFECTS, REFERENCE, effect_key
from tasks.results import cases_of, finished_cases

KEY = re.compile(r"[0-9a-f]{32}")
REVISIONS = 10
"""How often an effect of one case may have been made anew and still be found by its key."""
AT_ONCE = 32
IN_THE_ERP = "erp:"
"""How a number begins that is an invoice's or a journal entry's, where an order has the same."""


class NotAskedError(NotFoundError):
    """The ledger has none, and the ERP could not be asked."""


class Found(NamedTuple):
    """A case, and what others made of it in the ERP, where it was found by that."""

    chain: Chain
    traces: tuple[Trace, ...] = ()
    fault: TamperedError | None = None
    """Where its chain does not hold together: why. Then *chain* is what comes before the fault."""


class Search(NamedTuple):
    """The cases that were found, and what else whoever asks should know."""

    found: tuple[Found, ...]
    remarks: tuple[str, ...] = ()


async def found_or_traced(document: str, ledger: Ledger, erp: Callable[[], Erp]) -> Search:
    """Find the cases that a document is of: by the ledger, and where it has none, by the ERP.

    *erp* opens it. `NotFoundError` where neither knows of any; `NotAskedError` where the ERP could not be asked.
    `TamperedError` of a case with no entry before its fault.
    """
    number = document.removeprefix(IN_THE_ERP).strip()
    if not number:
        raise NotFoundError(f"{IN_THE_ERP} is followed by the number of an invoice or a journal entry")
    if document.startswith(IN_THE_ERP):
        return await traced(number, ledger, erp, "")
    try:
        cases = await found(document, ledger)
    except NotFoundError as error:
        return await traced(number, ledger, erp, f"{error}. ")
    by_number = cases[0].chain.case != document.partition("/")[0] and not KEY.fullmatch(
        document.removeprefix(REFERENCE)
    )
    remark = f"found as a document of ours; an invoice or a journal entry {number}: {IN_THE_ERP}{number}"
    return Search(cases, (remark,) if by_number else ())


async def traced(number: str, ledger: Ledger, erp: Callable[[], Erp], first: str) -> Search:
    """Find the cases whose orders an invoice or a journal entry came of; *first*: what to say first where is none.

    An order under our key that no case has is a remark beside the cases that there are.
    """
    try:
        traces = await erp().trace(number)
    except (SettingError, OutsideError) as error:
        why = f"{first}Invoices and journal entries are the ERP's, which could not be asked: {error}"
        raise NotAskedError(f"{why}. When it is up (`almoner status`), ask again") from error
    cases = await _of_keys({trace.key for trace in traces}, ledger)
    by_case: dict[str, list[Trace]] = {}
    for trace in traces:
        by_case.setdefault(cases.get(trace.key, ""), []).append(trace)
    remarks = tuple(
        f"the ERP has order {one.of} under our key {one.key}, which no case of the ledger has: "
        "tell whoever keeps the evidence"
        for one in by_case.pop("", ())
    )
    if not by_case:
        none = f"No invoice that bills an order of ours, nor its journal entry, has the number {number} in the ERP"
        raise NotFoundError(first + ("; ".join(remarks) or f"{none} (credit notes and payments are not followed)"))
    told = [(await _read(name, ledger))._replace(traces=tuple(own)) for name, own in by_case.items()]
    return Search(tuple(told), remarks)


async def _read(case: str, ledger: Ledger) -> Found:
    """Read a case as far as it hangs together."""
    try:
        return Found(await ledger.read(case))
    except TamperedError as error:
        if error.before is None or not error.before.seq:
            raise
        return Found(error.before, fault=error)


async def found(document: str, ledger: Ledger) -> tuple[Found, ...]:
    """Find the cases that a document is of: its name, one of its asks (`CASE/ASK`), a document's number, or our key.

    By key whatever a process changes is found, its cancellation too; by number whatever document came of it.
    An order's number is one request, among however many cases. What has ended only just now, and is not told of yet,
    is looked for among the open cases; so is a number that nobody has. `NotFoundError` where there is none.
    """
    named = await _read(document.partition("/")[0], ledger)
    if named.chain.seq and "~" not in named.chain.case:
        return (named,)
    key = document.removeprefix(REFERENCE)
    names = (await _of_keys({key}, ledger)).values() if KEY.fullmatch(key) else await cases_of(document, ledger)
    cases = [await _read(name, ledger) for name in names]
    cases = cases or [Found(chain) for chain in await _open_cases_with(document, ledger)]
    if not cases:
        raise NotFoundError(
            f"the ledger has no case {document}, and no order, issue or key of that name: "
            "a case's number stands on its card, our key in the order as its reference"
        )
    return tuple(cases)


async def _of_keys(keys: set[str], ledger: Ledger) -> dict[str, str]:
    """Find whose effects keys are: a key is made of the case's name, so that no case need be read."""
    left, cases = {*keys}, dict[str, str]()
    async for name, _ in ledger.cases():
        if not left:
            break
        own = left & {effect_key(name, x, n) for x in EFFECTS for n in range(REVISIONS)} if "~" not in name else set()
        cases |= dict.fromkeys(own, name)
        left -= own
    return cases


async def _open_cases_with(document: str, ledger: Ledger) -> list[Chain]:
    """Look for a document among the cases of which nobody has been told that they ended."""
    finished, room = await finished_cases(ledger), asyncio.Semaphore(AT_ONCE)
    names = [name async for name, _ in ledger.cases() if "~" not in name and name not in finished]

    async def look(name: str) -> Chain | None:
        async with room:
            try:
                chain = await ledger.read(name)
            except OutsideError:
                return None  # `almoner ledger verify` names what is wrong with it
        made = (x.body.get("document") or {} for x in chain.having("outcome"))
        return chain if any(x.get("number") == document for x in made) else None

    return [x for x in await asyncio.gather(*(look(name) for name in names)) if x]
