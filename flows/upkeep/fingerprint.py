"""The ledger's fingerprint, once a day in the channel of finance and audit."""

from blocks import connect
from tasks.case import utc_now
from tasks.durable import upkeep
from tasks.fingerprint import tell_fingerprint


@upkeep
async def tell_the_fingerprint() -> str:
    """Tell the fingerprint of the ledger's signed head.

    1. The day's message is looked for, in the ledger and in the channel.
    2. Where it is not there yet, it is posted: how many entries, their root hash, what the witness says.
    """
    log = connect.log()
    if log is None:
        return "the log's first public key is not set (ALMONER_LOG_FIRST_KEY)"
    told = await tell_fingerprint(
        connect.ledger(), log, connect.witnessed(), connect.desk(), connect.audit_channel(), utc_now()
    )
    return f"told the fingerprint of {told}" if told else "told already"
