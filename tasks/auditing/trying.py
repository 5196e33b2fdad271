"""Trying a proposed policy on the cases of the ledger: each chain is read once. Knows no Prefect."""

import asyncio
from collections import Counter
from datetime import datetime

from pydantic import ValidationError

from blocks.errors import NotFoundError, OutsideError
from blocks.ledger import Ledger
from blocks.records.policy import Policy
from blocks.rulebook import Shelf
from tasks.auditing.past_cases import Asked, PastCase, SkippedError, past_case
from tasks.rules.replay import Past, Replay, Wait, replay

AT_ONCE = 32


async def try_policy(policy: Policy, since: datetime, *, ledger: Ledger, shelf: Shelf, at: datetime) -> Replay:
    """Replay every case received since a moment; those that tell nothing are counted, by the reason."""
    rulebook = await shelf.in_force(at)
    room, skipped, found = asyncio.Semaphore(AT_ONCE), Counter[str](), list[Past]()

    async def read(case: str) -> None:
        async with room:
            try:
                past = _in_question(past_case(await ledger.read(case)), since)
                found.append(_told(past, await shelf.policy(past.pinned["policy"])))
            except SkippedError as reason:
                skipped[str(reason)] += 1
            except (OutsideError, NotFoundError, ValidationError, LookupError):
                skipped["unreadable: `almoner ledger verify` says why"] += 1

    names = [case async for case, _ in ledger.cases() if "~" not in case]
    await asyncio.gather(*(read(name) for name in names))
    cases = tuple(sorted(found, key=lambda one: one.case))
    return replay(cases, dict(sorted(skipped.items())), policy, rulebook)


def _in_question(past: PastCase, since: datetime) -> PastCase:
    if past.at < since:
        raise SkippedError(f"received before {since:%Y-%m-%d}")
    if not past.looks or not past.pinned:
        raise SkippedError("not looked at yet")
    if past.ended == "withdrawn":
        raise SkippedError("withdrawn by the requester")
    return past


def _told(past: PastCase, policy: Policy) -> Past:
    looks = tuple((past.request.model_copy(update={"quantity": x.quantity}), x.facts) for x in past.looks)
    by_policy = (one for one in past.asked if not one.ask.added)
    waits = tuple(Wait(x.ask.role, x.at, _answered(x)) for x in by_policy)
    return Past(past.case, looks, waits, policy)


def _answered(one: Asked) -> datetime | None:
    """Tell when somebody answered; that time ran out is no answer."""
    return one.decision.at if one.decision and one.decision.verdict != "expire" else None
