"""What befell one struck case, second by second: what was killed, what its run went through, what its chain says."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import httpx

from blocks import connect

BEFORE_S = 8.0


class Happened(NamedTuple):
    """One thing that happened."""

    at: datetime
    what: str


async def story(case: str, since: datetime, until: datetime, others: Iterable[Happened], prefect: str) -> list[str]:
    """Print what happened to a case from shortly before it was struck until it moved, beside what *others* did."""
    chain = await connect.ledger().read(case)
    lines = [Happened(line.at, f"ledger {line.act} {line.key[:12]}") for line in chain.lines]
    found = sorted([*lines, *others, *await _states(case, prefect)])
    told = [(one, (one.at - since).total_seconds()) for one in found]
    end_s = (until - since).total_seconds()
    return [f"    {after_s:+7.1f} s  {one.what}" for one, after_s in told if -BEFORE_S <= after_s <= end_s + 1]


async def _states(case: str, prefect: str) -> list[Happened]:
    """Read what states the runs of a case were in; nothing where the server does not say."""
    try:
        async with httpx.AsyncClient(base_url=prefect, timeout=30, trust_env=False) as client:
            runs = await client.post("/flow_runs/filter", json={"flow_runs": {"name": {"any_": [case]}}})
            asked = (client.get("/flow_run_states/", params={"flow_run_id": run["id"]}) for run in runs.json())
            states = [state for answer in await asyncio.gather(*asked) for state in answer.json()]
    except (httpx.HTTPError, ValueError):
        return []
    return [
        Happened(datetime.fromisoformat(x["timestamp"]), f"run {x['name']}: {x['message'] or ''}"[:110]) for x in states
    ]
