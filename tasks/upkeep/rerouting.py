"""Rerouting: while an ask waits, people go away, come back, leave, or are stood in for. Whom it asks then is noted.

Knows no Prefect. Whom a card asked is worked out again from what was in force as it was drawn, so nothing beside the
chain has to be kept.
"""

from datetime import datetime

from blocks.errors import ConflictError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.rulebook import Shelf
from tasks.clock import ACTOR, CLOCK, Waiting

ACT = "rerouted"
DREW = frozenset({"asked", "escalated", ACT})
"""The lines after which a card was drawn for those who could decide just then."""


async def reroute(one: Waiting, ledger: Ledger, shelf: Shelf, at: datetime) -> Chain | None:
    """Note who may decide an ask by now, where that has changed since its card was drawn; None where it has not.

    Raises `ConflictError` where the case has moved on: then it is looked at again.
    """
    before, now = await _as_drawn(one, shelf), _names(one, at)
    if before == now:
        return None
    were, are = ({name.partition("~")[0] for name in names} for names in (before, now))
    told = {person for line in one.lines if line.act == "told" for person in line.body["whom"]}
    told |= {line.body["to"] for line in one.lines if line.act == "handed"}
    rules = one.rulebook
    body = {
        "people": sorted(now),
        "whom": sorted(are - were),
        "gone": sorted((were - are) & told),
        "directory": rules.directory_version,
        "duties": rules.duties.seq,
    }
    line = Line(act=ACT, key=one.ask.key, actor=ACTOR, at=at, source=CLOCK, body=body)
    chain = await ledger.read(one.case)
    if chain.seq != one.seq:
        raise ConflictError(f"{one.case}: it has moved on")
    return await ledger.append(chain, [line])


async def _as_drawn(one: Waiting, shelf: Shelf) -> frozenset[str]:
    """Name whom the card as it stands asks, each with whom they stand in for."""
    drawn = next(n for n in reversed(range(len(one.lines))) if one.lines[n].act in DREW)
    line, rules = one.lines[drawn], one.rulebook
    if line.act == ACT:
        return frozenset(line.body["people"])
    if "directory" not in line.body:  # asked before it was noted: as things stand now, but for the time
        return _names(one._replace(lines=one.lines[: drawn + 1]), line.at)
    duties, directory = await shelf.duties(line.body["duties"]), await shelf.directory(line.body["directory"])
    then = rules.model_copy(update={"directory": directory, "duties": duties})
    return _names(one._replace(lines=one.lines[: drawn + 1], rulebook=then), line.at)


def _names(one: Waiting, at: datetime) -> frozenset[str]:
    return frozenset(f"{x.by.id}~{x.of.id}" if x.of else x.by.id for x in one.acting(at))
