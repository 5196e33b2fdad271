"""Segregation on one case: what its own history says that somebody did, whom they counted as then. Knows no Prefect."""

from collections.abc import Collection, Iterator
from typing import get_args

from blocks.ledger import Chain
from blocks.records.approval import Decision
from blocks.records.people import Role
from blocks.records.policy import Duty, Policy
from tasks.rules.segregation import Done, reason_in_history


def reason_on_case(duty: Duty, persons: Collection[str], chain: Chain, policy: Policy) -> str | None:
    """Say why nobody of *persons* may take on a duty of a case, by policy's pairs and all that was done on it."""
    return reason_in_history(duty, persons, tuple(done_on(chain)), policy)


def done_on(chain: Chain) -> Iterator[Done]:
    """List who asked, decided and settled."""
    for line in chain.lines:
        by = line.actor.partition(":")[2]
        if line.act == "received":
            requester = str(line.body.get("request", {}).get("requester", ""))
            yield Done(frozenset({"requester"}), requester, frozenset({requester}))
        elif line.act == "decided":
            one = line.record(Decision, "decision")
            held: frozenset[Duty] = frozenset({role for role in get_args(Role) if role == one.role and not one.added})
            yield Done(held | {"approver"}, one.name, frozenset({one.by, *one.counts_as}))
        elif line.act == "settled":
            yield Done(frozenset({"settler"}), line.body["name"], frozenset({by, *line.body.get("counts_as", ())}))
