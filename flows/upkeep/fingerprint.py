"""The ledger's fingerprint, once a day in the channel of finance and audit, and its time-stamp where there is one."""

from blocks import connect
from tasks.auditing.fingerprint import Room, tell_fingerprint
from tasks.auditing.stamping import stamp_today, tell_late
from tasks.case import utc_now
from tasks.durable import upkeep


@upkeep
async def tell_the_fingerprint() -> str:
    """Tell the fingerprint of the ledger's signed head.

    1. Where a time-stamp authority is set, it stamps the head; one that fails is asked again at the next round.
    2. The day's message is looked for, in the ledger and in the channel.
    3. Where it is not there yet, it is posted: how many entries, their root hash, what the witness says, the stamp.
    4. A stamp that came after the message is told by itself.
    """
    ledger, log, now = connect.ledger(), connect.log(), utc_now()
    if log is None:
        return "the log's first public key is not set (ALMONER_LOG_FIRST_KEY)"
    room = Room(connect.desk(), connect.audit_channel())
    stamped = await stamp_today(ledger, log, now)
    told = await tell_fingerprint(ledger, log, connect.witnessed(), room, now, stamped.words)
    await tell_late(ledger, stamped, room, f"{now:%Y-%m-%d}")
    return " ".join([f"told the fingerprint of {told}." if told else "Told already.", stamped.words]).strip()
