"""Bells: a ring that was lost is rung again."""

from blocks import connect
from blocks.bell import ring
from tasks.durable import upkeep
from tasks.lookout import Lookout, looks_of_a_minute

LOOKOUT = Lookout()


@upkeep
async def ring_lost_bells() -> str:
    """Ring for every case that stands still although nobody is being waited for: whoever carried it may have died.

    Looks several times in its minute, so that an effect that was begun and not confirmed is taken up within 30 s.
    """
    rung = 0
    async for cases in looks_of_a_minute(LOOKOUT, connect.ledger()):
        await ring(cases)
        rung += len(cases)
    return f"{rung} cases rung for again"
