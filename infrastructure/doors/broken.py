"""What a door answers where the record that it would go by does not hold: privately, what is wrong and what to do.

And those who keep the evidence hear of it at once, in their channel.
"""

import logging
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from blocks import connect
from blocks.ledger import TamperedError
from blocks.wire.broken import Broken, told_instead
from blocks.wire.cards import read_value, said_card
from infrastructure.doors import home
from infrastructure.doors.clicks import field_errors, slack_desk
from infrastructure.doors.http import Deed, Response, text_in
from tasks.broken import broken_by, of_ours, tell_keepers
from tasks.case import utc_now

logger = logging.getLogger("almoner.doors")
FAULTS = (TamperedError, ValidationError, LookupError)
"""What reading a record that was tampered with comes upon: it does not link, or says nothing of use."""
T = TypeVar("T")


def answered(error: Exception, payload: Mapping[str, Any]) -> Response:
    """Answer a click to who clicked alone, and a form in its first field."""
    case, fields = _case_in(payload), ((payload.get("view") or {}).get("state") or {}).get("values")
    if fields and payload["type"] == "view_submission":
        text, tell = told(error, case)
        return field_errors({next(iter(fields)): text}, tell)
    return whispered(error, text_in(payload, "channel", "id"), text_in(payload, "user", "id"), case)


def whispered(error: Exception, channel: str, slack_user: str, case: str = "") -> Response:
    """Tell somebody alone: in the channel where they are, or directly."""
    text, tell = told(error, case)

    async def whisper() -> None:
        if channel:
            await slack_desk().whisper(channel, slack_user, text)
        else:
            await slack_desk().tell(slack_user, said_card(f"broken/{slack_user}/{utc_now():%Y%m%d%H%M%S%f}", text))

    return Response(then=(whisper, tell))


def told(error: Exception, case: str = "") -> tuple[str, Deed]:
    """Say in words what is wrong, and what tells those who keep the evidence."""
    one, channel = _noted(error, case), connect.audit_channel()

    async def tell() -> None:
        await tell_keepers([one], connect.desk(), channel, utc_now())

    return told_instead(one, channel), tell


async def or_why(found: Awaitable[T], case: str = "") -> T | str:
    """Wait for what is looked for; where its record does not hold, say so in words instead."""
    try:
        return await found
    except FAULTS as error:
        return told_instead(_noted(error, case), "")


def _noted(error: Exception, case: str) -> Broken:
    """Take note of what does not hold: a case is offered to nobody until it does."""
    one = broken_by(error, case)
    logger.error("the record of %s %s", one.case or "something", one.told, exc_info=of_ours(error))
    if one.case and not one.is_book:
        home.inbox(connect.ledger()).set_aside(one.case, error)
    return one


def _case_in(payload: Mapping[str, Any]) -> str:
    """Name the case of the button or form; empty where it names none."""
    action = (payload.get("actions") or [{}])[0]
    chosen = str((action.get("selected_option") or {}).get("value", "")).partition("/")[2]
    try:
        return read_value((payload.get("view") or {}).get("private_metadata") or action.get("value") or chosen).case
    except ValueError:
        return ""
