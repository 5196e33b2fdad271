"""Bells: a ring that was lost is rung again."""

from blocks import connect
from blocks.bell import ring
from tasks.durable import upkeep
from tasks.upkeep.lookout import Lookout

LOOKOUT = Lookout()


@upkeep
async def ring_lost_bells() -> str:
    """Ring for every case that stands still although nobody is being waited for: whoever carried it may have died."""
    cases = await LOOKOUT.standing_still(connect.ledger())
    if not await ring(cases):
        LOOKOUT.not_heard(cases)
    return f"{len(cases)} cases rung for again"
