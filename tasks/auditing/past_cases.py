"""Past cases, read back from their chains: what was asked for, what was known, who was asked."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from blocks.ledger import Chain
from blocks.records.approval import Added, Ask, Decision
from blocks.records.ledger import Line
from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.purchasing import Requisition
from tasks.decide import decision_of
from tasks.showing import added_to


class Look(NamedTuple):
    """One look at the facts, and how many were still wanted then."""

    facts: Facts
    quantity: int


class Asked(NamedTuple):
    """Somebody was asked, and perhaps answered, and perhaps had others asked as well."""

    ask: Ask
    at: datetime
    decision: Decision | None
    added: tuple[Added, ...] = ()


class PastCase(NamedTuple):
    """One requisition, as its chain tells it."""

    case: str
    at: datetime
    request: Requisition
    looks: tuple[Look, ...]
    asked: tuple[Asked, ...]
    pinned: dict[str, str]
    """Policy and directory it is judged by, by version; empty before its first look at them."""
    ended: str
    because: str
    """How it ended, in words; empty while it has not."""


class SkippedError(Exception):
    """A chain that tells nothing of a policy; the text says why, the same for all of its kind."""


def past_case(chain: Chain) -> PastCase:
    """Read a case; `SkippedError` where there is nothing to learn from it."""
    received = chain.last("received")
    if received is None or received.body.get("process") != "requisition":
        raise SkippedError("not a requisition")
    request = Requisition.model_validate(received.body["request"])
    asked = tuple(
        Asked(line.record(Ask, "ask"), line.at, decision_of(chain, line.key), added_to(chain, line.key))
        for line in chain.having("asked")
    )
    ended = chain.last("ended")
    outcome = ended.body["outcome"] if ended else {"ended": "", "because": ""}
    return PastCase(
        case=chain.case,
        at=received.at,
        request=request,
        looks=tuple(_looks(chain, request.quantity)),
        asked=asked,
        pinned=next(_results(chain, "pin_rules"), {}),
        ended=outcome["ended"],
        because=f"{outcome['ended']}: {outcome['because']}" if ended else "",
    )


def _looks(chain: Chain, quantity: int) -> Iterator[Look]:
    """Follow the looks in order; what the requester ordered lately is known right after each."""
    now: Look | None = None
    for line in chain.lines:
        if line.act == "decided":
            quantity = line.body["decision"].get("quantity") or quantity
        elif _is_step(line, "look_up"):
            if now:
                yield now
            now = Look(Facts.model_validate(line.body["result"]), quantity)
        elif _is_step(line, "note_spend") and now and line.body["result"]:
            recent = Money.model_validate(line.body["result"])
            now = now._replace(facts=now.facts.model_copy(update={"recent": recent}))
    if now:
        yield now


def _results(chain: Chain, step: str) -> Iterator[Any]:
    return (line.body["result"] for line in chain.lines if _is_step(line, step))


def _is_step(line: Line, step: str) -> bool:
    return line.act == "step" and line.body.get("step") == step
