"""Waking: a run that was woken, or set to an end, by hand while its case waits decides nothing; the attempt is noted.

Prefect names nobody for a Resume or a forced state, but it keeps every state a run was in. What ended a sleep, was not
set by the bell, and found nothing new in the ledger, was a hand's doing.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.states import Scheduled

from blocks.ledger import Chain
from blocks.records.ledger import Line
from tasks.case import Case

logger = logging.getLogger("almoner.waking")
ACT, DOOR = "woken", "prefect"
RUNG = "Rung"
AT_MOST_EVERY = timedelta(minutes=1)
"""A hundred attempts are a hundred in the ledger's count, and not a hundred entries."""


NO_NEWS = frozenset({ACT, "reminded", "rerouted", "told"})
"""What is noted of a case that sleeps, and is nothing to wake it for."""


class Wake(NamedTuple):
    """One attempt: the state that ended the run's sleep, and when."""

    at: datetime
    name: str
    message: str


def rung() -> State[Any]:
    """Make the state in which the bell wakes a run: by its name it is told from a Resume."""
    return Scheduled(name=RUNG, message="The bell rang: there is something to read in the ledger")


def wakes_by_hand(states: Sequence[State[Any]], chain: Chain) -> list[Wake]:
    """List what ended a sleep of a run although nobody rang and there was nothing new to read; oldest first."""
    found, slept = list[Wake](), None
    for state in sorted(states, key=lambda one: one.timestamp):
        if state.is_paused():
            slept = slept or state.timestamp
        elif slept:
            if state.name != RUNG and not _is_new(chain, slept, state.timestamp):
                found.append(Wake(state.timestamp, state.name or str(state.type), state.message or ""))
            slept = None
    return found


def woken(chain: Chain, states: Sequence[State[Any]], run: str, at: datetime) -> Line | None:
    """Print the attempts that the ledger does not hold yet; None where there are none, or some were noted just now."""
    last, asked = chain.last(ACT), chain.last("asked")
    until = datetime.fromisoformat(last.body["until"]) if last else None
    fresh = [one for one in wakes_by_hand(states, chain) if until is None or one.at > until]
    if asked is None or not fresh or (last and at - last.at < AT_MOST_EVERY):
        return None
    newest = fresh[-1]
    told = {"run": run, "state": newest.name, "message": newest.message, "times": len(fresh)}
    body = {**told, "until": newest.at.isoformat()}
    return Line(act=ACT, key=asked.key, actor=f"door:{DOOR}", at=at, source=DOOR, body=body)


async def note_wakes(case: Case, client: PrefectClient) -> None:
    """Let a case remember that it was woken by hand. What cannot be found out is left out: a case is never held up."""
    if case.run is None:
        return
    try:
        states = await client.read_flow_run_states(UUID(case.run))
    except Exception as error:  # noqa: BLE001  whatever it is, the case goes on
        logger.warning("%s: who woke it is not known, %r", case.id, error)
        return
    if line := woken(case.chain, states, case.run, case.clock()):
        case.keep(line)


def _is_new(chain: Chain, slept: datetime, woke: datetime) -> bool:
    return any(slept < line.at <= woke for line in chain.lines if line.act not in NO_NEWS)
