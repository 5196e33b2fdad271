"""Cases whose record does not hold: what is wrong with it, and those who keep the evidence hear of it. No Prefect."""

import logging
from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from blocks.errors import OutsideError
from blocks.ledger import TamperedError
from blocks.ports import Desk
from blocks.wire.broken import Broken, keepers_card, row_of
from blocks.wire.reminders import Late

logger = logging.getLogger("almoner.evidence")


def broken_by(error: Exception, case: str = "") -> Broken:
    """Say what reading a case came upon. What its lines hold is not repeated: anybody may have written that."""
    if isinstance(error, TamperedError):
        return Broken(error.case or case, "does not hold", error.detail)
    why = str(error) if isinstance(error, OutsideError) else f"it says what it should not: {type(error).__name__}"
    return Broken(case, "cannot be read", why)


def passes(error: Exception) -> bool:
    """Say whether it is the store that cannot be read for now, and not what lies there."""
    return isinstance(error, OutsideError) and not isinstance(error, TamperedError)


def of_ours(error: Exception) -> Exception | None:
    """Give what may be a mistake of ours, to be logged with where it was; what others print may quote the record."""
    return None if isinstance(error, (OutsideError, ValidationError)) else error


async def tell_keepers(broken: Sequence[Broken], desk: Desk, channel: str, at: datetime) -> None:
    """Tell them in their channel, where they have one; the same cases once a day, whoever comes upon them."""
    if channel:
        await desk.post(channel, keepers_card(broken, at), maybe_posted=True)


class Keepers:
    """Those who keep the evidence, as a round tells them: each case once a day, and all that are new in one message."""

    def __init__(self, desk: Desk, channel: str) -> None:
        self._desk, self._channel = desk, channel
        self._since: dict[str, datetime] = {}
        self._told: set[str] = set()

    async def tell(self, broken: Sequence[Broken], at: datetime) -> list[Late]:
        """Tell them what they have not heard today (UTC), and list all that stands still, each since it was found."""
        self._since = {one.case: self._since.get(one.case, at) for one in broken}
        today = {f"{at:%Y-%m-%d} {one.case}": one for one in broken}
        if untold := [one for name, one in today.items() if name not in self._told]:
            logger.error("stands still, its record %s", "; ".join(f"{x.case} {x.told}" for x in untold))
            try:
                await tell_keepers(untold, self._desk, self._channel, at)
                self._told = {*today}
            except OutsideError as error:
                logger.warning("those who keep the evidence are told in the next round: %s", error)
        return [row_of(one, self._since[one.case]) for one in broken]
