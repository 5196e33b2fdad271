"""Cancelling: what a case has ordered or issued is taken back, where somebody asks for it who may. Knows no Prefect.

What is asked is one line in the ledger, judged and appended by whatever door it came through; the case goes on from
there, and the taking back is an effect like any other.
"""

from datetime import datetime
from typing import NamedTuple

from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.records.outcome import Outcome
from blocks.records.people import EVERYWHERE, Person
from blocks.wire.patients import reason_to_leave_out
from tasks.case import current
from tasks.undoing import reason_under_way

BOUGHT = frozenset({"ordered", "filled"})


class Unwanted(NamedTuple):
    """That what a case ordered or issued is wanted no more, and why."""

    case: str
    because: str


class CannotCancelError(Exception):
    """It is not taken back; the text says why, and what to do."""


async def cancel(unwanted: Unwanted, by: Person | None, door: str, *, ledger: Ledger, at: datetime) -> str:
    """Take down that what a case bought shall be taken back, and say what follows. Whoever is first has said it."""
    if by is None:
        raise CannotCancelError("This person is not in the directory: give the id of somebody who is.")
    body = {"by": by.id, "name": by.name, "because": unwanted.because.strip()}
    line = Line(act="cancelling", actor=f"person:{by.id}", at=at, source=door, body=body)

    def cancelling(chain: Chain) -> Line:
        if reason := reason_not_to_cancel(unwanted, by, chain):
            raise CannotCancelError(reason)
        return line

    await ledger.enter(unwanted.case, cancelling)
    return f"{unwanted.case} is being cancelled. You will hear how it ends."


def reason_not_to_cancel(unwanted: Unwanted, by: Person, chain: Chain) -> str | None:
    """Say why it is not taken back, or None: who asked for it may say so, and who holds a role for its cost centre."""
    ended = chain.last("ended")
    if not chain.seq or not chain.lines[0].body.get("request"):
        return f"The ledger has no case {unwanted.case}. Its number stands in the message that it was ordered."
    request = chain.lines[0].body["request"]
    if not by.active:
        return f"{by.name} is no longer active: an active colleague must say it."
    mine = by.id == request["requester"]
    if not mine and not any({EVERYWHERE, request["cost_centre"]} & set(grant.cost_centres) for grant in by.grants):
        return f"{by.name} did not ask for this and holds no role for {request['cost_centre']}: somebody who does must."
    if asked := reason_under_way(chain):
        return asked
    outcome = Outcome.model_validate(ended.body["outcome"]) if ended else None
    if outcome is None:
        return f"{chain.case} has not ordered anything yet: withdraw it instead."
    if tried := _tried(chain):
        return f"The ERP would not take it back: {tried.body.get('refused', 'it was')}."
    if outcome.ended not in BOUGHT:
        return f"{chain.case} was {outcome.ended}: there is nothing to cancel."
    if not unwanted.because.strip():
        return "Please say why: the ledger keeps it."
    why = reason_to_leave_out(unwanted.because)
    return f"What you wrote {why}." if why else None


def why_cancelled() -> str:
    """Say who had the case in hand cancelled, and why."""
    asked = current().chain.having("cancelling")[-1]
    return f"{asked.body['name']}: {asked.body['because']}"


def _tried(chain: Chain) -> Line | None:
    """Find what the ERP said when it was to take it back, unless what stood against that was reversed since."""
    said = [x for x in chain.having("outcome") if x.body["effect"] == "cancel" or _is_reversed(x)]
    return said[-1] if said and said[-1].body["effect"] == "cancel" else None


def _is_reversed(outcome: Line) -> bool:
    return outcome.body["effect"] == "reverse" and "document" in outcome.body
