"""The clock: who is late is reminded, who is above is asked as well, what nobody answers ends; and all that waits."""

from weakref import WeakKeyDictionary

from prefect.client.orchestration import get_client

from blocks import connect
from blocks.bell import ring
from blocks.ledger import Ledger
from blocks.wire.reminders import bottleneck_table, bottlenecks, waiting_rows
from tasks.artifacts import show_table
from tasks.case import utc_now
from tasks.durable import upkeep
from tasks.upkeep.rounds import Rounds
from tasks.upkeep.sleepers import Tags, bring_back

ROUNDS: WeakKeyDictionary[Ledger, Rounds] = WeakKeyDictionary()
TAGS = Tags()
SHOWN: dict[str, object] = {}
DONE = {"remind": "reminded", "nudge": "reminded to answer", "escalate": "escalated", "expire": "ended"}


@upkeep
async def keep_time() -> str:
    """Go round everything that waits for people.

    1. What is due is noted in the ledger: a reminder, an escalation, or an end that is no approval.
    2. Each person is told, in one message, what waits for them.
    3. The bell is rung for what ended, and for what waits for somebody else now.
    4. The runs of what waits sleep again, where somebody set one to an end, and are tagged with whom they wait for.
    5. A table shows all that waits: for whom, since when, due when; what is who holds most of it on top.
    6. What stands still because its record does not hold is listed first, and told to those who keep the evidence.
    """
    at, ledger = utc_now(), connect.ledger()
    if ledger not in ROUNDS:
        ROUNDS[ledger] = Rounds(ledger, connect.shelf(), connect.desk(), connect.audit_channel())
    found = await ROUNDS[ledger].go(at)
    async with get_client() as client:
        awake = await bring_back(found.tags, client, ledger, at)
        await TAGS.show(found.tags, client, at)
    await ring([*found.ring, *awake])
    zone = (await connect.shelf().in_force(at)).directory.zone
    rows, said = waiting_rows(found.waiting, at, zone), bottlenecks(found.waiting, at)
    holders = bottleneck_table(found.waiting, at, zone)
    if SHOWN.get("rows") != (rows, holders):
        await show_table("waiting", rows, holders, ledger=ledger, at=at)
        SHOWN["rows"] = (rows, holders)
    done = ", ".join(f"{count} {DONE[move]}" for move, count in sorted(found.done.items()))
    return f"{said}; {done}" if done else said
