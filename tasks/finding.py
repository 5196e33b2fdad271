"""Finding a case by what people hold in their hands: an order's number, a key on a document, a case's name.

An invoice and a journal entry are made by others in the ERP: which order of ours they came of, the ERP is asked.
"""

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

from blocks.connect import SettingError
from blocks.errors import NotFoundError, OutsideError
from blocks.ledger import Chain, Ledger
from blocks.ports import Erp
from blocks.records.purchasing import Trace
from blocks.wire.names import EFFECTS, REFERENCE, effect_key
from tasks.results import cases_of, finished_cases

KEY = re.compile(r"[0-9a-f]{32}")
REVISIONS = 10
"""How often an effect of one case may have been made anew and still be found by its key."""
AT_ONCE = 32
IN_THE_ERP = "erp:"
"""How a number begins that is an invoice's or a journal entry's, where an order or a case has the same."""


class Found(NamedTuple):
    """A case, and what others made of it in the ERP, where it was found by that."""

    chain: Chain
    traces: tuple[Trace, ...] = ()


async def found_or_traced(document: str, ledger: Ledger, erp: Callable[[], Erp]) -> tuple[Found, ...]:
    """Find the cases that a document is of: by the ledger, and where it has none, by the ERP.

    *erp* opens it. `NotFoundError` where neither knows of any.
    """
    number = document.removeprefix(IN_THE_ERP)
    try:
        if number == document:
            return tuple(Found(chain) for chain in await found(document, ledger))
        unknown = f"no order of ours has {number} as an invoice or a journal entry"
    except NotFoundError as error:
        unknown = str(error)
    try:
        traces = await erp().trace(number)
    except (SettingError, OutsideError) as error:
        raise NotFoundError(f"{unknown}; for invoices and journal entries the ERP is asked: {error}") from error
    if not traces:
        raise NotFoundError(
            f"{unknown}; nor does the ERP know an invoice or a journal entry {number} of an order of ours"
        )
    return tuple([await _traced(key, traces, ledger) for key in dict.fromkeys(one.key for one in traces)])


async def _traced(key: str, traces: tuple[Trace, ...], ledger: Ledger) -> Found:
    own = tuple(one for one in traces if one.key == key)
    name = await _of_key(key, ledger)
    if not name:
        why = f"the ERP has order {own[0].of} under our key {key}, which no case of the ledger has"
        raise NotFoundError(f"{why}: tell whoever keeps the evidence")
    return Found(await ledger.read(name), own)


async def found(document: str, ledger: Ledger) -> tuple[Chain, ...]:
    """Find the cases that a document is of: its name, one of its asks (`CASE/ASK`), a document's number, or our key.

    By key whatever a process changes is found, its cancellation too; by number whatever document came of it.
    An order's number is one request, among however many cases. What has ended only just now, and is not told of yet,
    is looked for among the open cases; so is a number that nobody has. `NotFoundError` where there is none.
    """
    chain = await ledger.read(document.partition("/")[0])
    if chain.seq and "~" not in chain.case:
        return (chain,)
    key = document.removeprefix(REFERENCE)
    names = (await _of_key(key, ledger),) if KEY.fullmatch(key) else await cases_of(document, ledger)
    chains = [await ledger.read(name) for name in names if name]
    chains = chains or await _open_cases_with(document, ledger)
    if not chains:
        raise NotFoundError(
            f"the ledger has no case {document}, and no order, issue or key of that name: "
            "a case's number stands on its card, our key in the order as its reference"
        )
    return tuple(chains)


async def _of_key(key: str, ledger: Ledger) -> str:
    """Find whose effect a key is: a key is made of the case's name, so that no case need be read."""
    async for name, _ in ledger.cases():
        if "~" not in name and any(effect_key(name, x, n) == key for x in EFFECTS for n in range(REVISIONS)):
            return name
    return ""


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
