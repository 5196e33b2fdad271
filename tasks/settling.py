"""Settling: what a group did is kept and shown, and the cases' own runs are brought to the state the ledger knows."""

from collections import defaultdict

from prefect.artifacts import acreate_table_artifact
from prefect.client.orchestration import PrefectClient

from blocks import connect
from blocks.wire.canonical import canonical, digest
from tasks.groups import Carried, summary

PAGE = 50
"""Prefect settles so many runs in one request."""
OPEN = frozenset({"waits", "failed", "busy"})


async def publish_group(run: str, carried: list[Carried]) -> None:
    """Keep and show what became of each case of a group: one object and one table for all of them."""
    table = [one._asdict() for one in carried]
    result = canonical({"run": run, "summary": summary(carried), "cases": table})
    await connect.ledger().store.create(f"results/groups/{run}~{digest(result)[:12]}.json", result)
    await acreate_table_artifact(table, key="group-outcomes", description=summary(carried))


async def settle(carried: list[Carried], client: PrefectClient) -> int:
    """Set the suspended runs of ended cases to Completed, in bulk; return how many were settled.

    A case that still waits keeps its suspended run. A case without a run of its own needs none any more.
    """
    by_end: dict[str, list[str]] = defaultdict(list)
    for one in carried:
        if one.ended not in OPEN:
            by_end[one.ended].append(one.case)
    settled = 0
    for ended, cases in by_end.items():
        for start in range(0, len(cases), PAGE):
            settled += await _settle_page(ended, cases[start : start + PAGE], client)
    return settled


async def _settle_page(ended: str, cases: list[str], client: PrefectClient) -> int:
    """Settle a page; the client has no method for it, so it is asked of the API itself."""
    message = f"{ended}, carried by a group: `almoner ledger show CASE` tells the case"
    answer = await client._client.post(  # noqa: SLF001  the only way to the bulk route
        "/flow_runs/bulk_set_state",
        json={
            "flow_runs": {"name": {"any_": cases}, "state": {"type": {"any_": ["PAUSED"]}}},
            "state": {"type": "COMPLETED", "name": ended.capitalize(), "message": message},
            "force": True,
            "limit": PAGE,
        },
    )
    answer.raise_for_status()
    return len(answer.json()["results"])
