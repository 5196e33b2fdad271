"""Evidence is kept as long as policy asks, by whatever rule is the longest."""

from blocks import connect
from tasks.auditing.holding import hold_what_came
from tasks.auditing.retention import NO_LOCK, keep_long_enough
from tasks.case import utc_now
from tasks.durable import upkeep


@upkeep
async def keep_evidence() -> str:
    """Keep the store's lock as long as policy's longest rule.

    1. Where policy asks for longer than the bucket keeps, its default is prolonged, and everything that lies there.
    2. What is in force (policy, directory, duties, passkeys) is prolonged before its lock ends too soon after.
    3. What cases under a legal hold gained since is put under it too.
    4. Nothing is ever shortened.
    """
    bucket, now = connect.bucket(), utc_now()
    if bucket is None:
        return "a folder keeps nothing against those who may write to it: evidence belongs in a bucket"
    kept = await keep_long_enough(connect.ledger(), bucket, await connect.shelf().in_force(now), now)
    if kept is None:
        return NO_LOCK
    held = await hold_what_came(connect.ledger(), bucket)
    return f"everything is kept for {kept.days:,} days; {kept.versions:,} objects were prolonged, {held:,} held"
