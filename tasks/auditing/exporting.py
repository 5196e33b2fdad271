"""Exporting the ledger: every chain in the order of names, so the same ledger is the same bytes. Knows no Prefect."""

import asyncio
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import IO, NamedTuple

from blocks.ledger import Chain, Ledger
from blocks.wire.exported import Part, Writer, events_of

AHEAD = 32
"""Chains that are read while the one before is printed; no more than so many are ever held."""
IN_MEMORY_BYTES = 8_000_000


class Span(NamedTuple):
    """From when on, and until before when; None: from the first, to the last."""

    since: datetime | None = None
    until: datetime | None = None


EVER = Span()


class Counted(NamedTuple):
    """How much was exported."""

    chains: int
    events: int


async def export(
    writer: Writer, out: IO[str], ledger: Ledger, span: Span = EVER, upto: Mapping[str, int] | None = None
) -> Counted:
    """Print every line of the ledger within a span as one event; return how many.

    *upto*: how many entries of each chain count, where the ledger is cut at a head; of others none does.
    What a format wants last waits in a file, so that memory is bound by the longest chain, not by their number.
    """
    chains = events = 0
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, mode="w+", encoding="utf-8") as late:

        def put(part: Part) -> None:
            (late if part.late else out).write(part.text)

        for part in writer.begin():
            put(part)
        async for chain in chains_of(ledger):
            found = events_of(chain, *span)
            if upto is not None:
                found = [event for event in found if event.seq <= upto.get(chain.case, 0)]
            if found:
                chains, events = chains + 1, events + len(found)
                for part in writer.chain(chain.case, found):
                    put(part)
        for part in writer.end():
            put(part)
        late.seek(0)
        shutil.copyfileobj(late, out)
    return Counted(chains, events)


async def chains_of(ledger: Ledger) -> AsyncIterator[Chain]:
    """Read every chain in the order of names, a few ahead."""
    ahead: deque[asyncio.Task[Chain]] = deque()
    try:
        async for name, _ in ledger.cases():
            ahead.append(asyncio.create_task(ledger.read(name)))
            if len(ahead) == AHEAD:
                yield await ahead.popleft()
        while ahead:
            yield await ahead.popleft()
    finally:
        for task in ahead:
            task.cancel()
