"""Telling those who may agree to emergency access that somebody needs it. Knows no Prefect."""

import asyncio
import logging
from datetime import datetime

from blocks.errors import OutsideError, RefusedError
from blocks.ports import Desk
from blocks.records.people import EmergencyAccess, Person
from blocks.records.policy import Rulebook
from blocks.wire.emergency import emergency_card
from tasks.rules.emergency import who_may_agree

logger = logging.getLogger("almoner.emergency")


async def tell_granters(access: EmergencyAccess, rulebook: Rulebook, at: datetime, desk: Desk) -> tuple[str, ...]:
    """Tell everybody whose word would count, all at once, and return their names; who cannot be told is named too."""
    able = who_may_agree(access, rulebook, at)

    async def tell(person: Person) -> None:
        if not person.slack_user:
            return
        try:
            card = emergency_card(access.asked, rulebook.directory, person.id)
            await desk.tell(person.slack_user, card)
        except (RefusedError, OutsideError) as error:  # what was asked for stands, and can be agreed to by other doors
            logger.warning("%s could not be told of %s: %s", person.name, access.asked.key, error)

    await asyncio.gather(*(tell(one) for one in able))
    return tuple(one.name for one in able)
