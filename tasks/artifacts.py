"""Artifacts: whatever table the dashboard is given is kept first, where evidence is kept, as strict JSON.

A table is a document of the ledger, named in the day's chain `shown~<day>`: so it is under the log's signed heads and
the store's retention, `ledger verify` looks at it, and a pack of its month holds it. The same table again is not kept
again. What is shown of a case is its result: see `tasks.evidence`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from prefect.artifacts import acreate_table_artifact

from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.wire.canonical import canonical

ACTOR = "process:upkeep"
SHOWN = "shown"
Rows = Sequence[dict[str, str]]


async def show_table(key: str, rows: Rows, said: str, *, ledger: Ledger, at: datetime) -> None:
    """Keep a table, unless it is the last of its key on that day, then show it.

    Raises `UnavailableError` where it cannot be kept: then it is not shown either.
    """
    name = await ledger.keep(canonical({"artifact": key, "description": said, "table": [*rows]}))

    def another(chain: Chain) -> Line | None:
        last = next((line for line in reversed(chain.lines) if (line.act, line.key) == (SHOWN, key)), None)
        if last and last.seen == name:
            return None
        return Line(act=SHOWN, key=key, actor=ACTOR, at=at, seen=name)

    await ledger.enter(chain_of(at), another)
    await acreate_table_artifact([*rows], key=key, description=said)


def chain_of(at: datetime) -> str:
    """Name the chain of a day's artifacts: a book of all days would be long to read."""
    return f"{SHOWN}~{at.astimezone(UTC):%Y-%m-%d}"
