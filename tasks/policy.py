"""Policy in force: read once a case, so that a case ends under the rules it began with."""

from blocks import connect
from blocks.records.base import Record
from blocks.records.policy import Rulebook
from tasks.case import current
from tasks.durable import step


class Pinned(Record):
    """Which policy and directory a case is judged by, each by its digest."""

    policy: str
    directory: str


async def rules_in_force() -> Rulebook:
    """Return the rulebook that was in force when the case was first looked at."""
    pinned = await pin_rules()
    rulebook = await connect.shelf().by_version(pinned.policy, pinned.directory)
    current().zone = rulebook.directory.zone
    return rulebook


@step
async def pin_rules() -> Pinned:
    """Note which policy and directory are in force now."""
    rulebook = await connect.shelf().in_force(current().clock())
    return Pinned(policy=rulebook.policy_version, directory=rulebook.directory_version)
