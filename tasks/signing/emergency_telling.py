"""Telling people of emergency access: those who may agree, whoever gets it, and how it stands since. Knows no Prefect.

What was said in the ledger stands whether Slack hears of it or not; a message that is lost is found by its key, and
drawn by the next who tells.
"""

import asyncio
import logging
from datetime import datetime

from blocks.errors import OutsideError, RefusedError
from blocks.ports import Card, Desk
from blocks.records.people import EmergencyAccess, Person
from blocks.records.policy import Rulebook
from blocks.wire.emergency import emergency_card, holder_card
from tasks.rules.emergency import who_could_agree, who_may_agree

logger = logging.getLogger("almoner.emergency")


async def tell_granters(access: EmergencyAccess, rulebook: Rulebook, at: datetime, desk: Desk) -> None:
    """Tell everybody whose word would count, all at once."""
    able = who_may_agree(access, rulebook, at)
    cards = [(one, emergency_card(access, rulebook.directory, one.id, at)) for one in able]
    await asyncio.gather(*(_tell(one, card, desk, again=False) for one, card in cards))


async def tell_how_it_stands(access: EmergencyAccess, rulebook: Rulebook, at: datetime, desk: Desk) -> None:
    """Draw what was told anew, and tell whoever gets it, and asked for it, once it is in force and once it is over."""
    directory = rulebook.directory
    cards = [(one, emergency_card(access, directory, one.id, at)) for one in who_could_agree(access.asked, rulebook)]
    if access.since:
        about = {access.asked.person, access.asked.asked_by}
        cards += [(one, holder_card(access, directory, one.id, at)) for one in directory.people if one.id in about]
    await asyncio.gather(*(_tell(one, card, desk, again=True) for one, card in cards))


async def _tell(person: Person, card: Card, desk: Desk, *, again: bool) -> None:
    if not person.slack_user or not person.active:
        return
    try:
        posted = await desk.tell(person.slack_user, card, maybe_posted=again)
        if again:
            await desk.redraw(posted, card)
    except (RefusedError, OutsideError) as error:  # what stands in the ledger stands, and there are other doors
        logger.warning("%s could not be told of %s: %s", person.name, card.key, error)
