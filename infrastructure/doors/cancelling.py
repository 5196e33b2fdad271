"""What was bought is wanted no more: the button on the message that it was, and the form that asks why."""

from blocks import connect
from blocks.bell import ring
from blocks.wire.cards import Pressed
from blocks.wire.modals import NOTE
from blocks.wire.told import cancel_modal
from infrastructure.doors.clicks import DOOR, Click, field_errors, slack_desk
from infrastructure.doors.http import Response
from tasks.cancelling import CannotCancelError, Unwanted, cancel


async def pressed(what: Pressed, click: Click) -> Response:
    """Open the form."""
    await slack_desk().open_modal(click.trigger, cancel_modal(what))
    return Response()


async def submitted(what: Pressed, because: str, click: Click) -> Response:
    """Take the form down in the ledger, and ring for the case; or say in the form why not."""
    try:
        told = await cancel(Unwanted(what.case, because), click.by, DOOR, ledger=connect.ledger(), at=click.at)
    except CannotCancelError as reason:
        return field_errors({NOTE: str(reason)})

    async def ring_and_say() -> None:
        await ring([what.case])
        if click.channel:
            await slack_desk().whisper(click.channel, click.slack_user, told)

    return Response(then=(ring_and_say,))
