"""A journal entry is wrong: the button by which another agrees that it be reversed."""

from blocks import connect
from blocks.bell import ring
from blocks.wire.cards import Pressed
from infrastructure.doors.clicks import DOOR, Click, slack_desk
from infrastructure.doors.http import Response
from tasks.reversing import CannotReverseError, Wrong, agree_to_reverse, asked_for, tell_of_reversal


async def pressed(what: Pressed, click: Click) -> Response:
    """Take the press down in the ledger, ring for the case, and draw the card; or whisper why not."""
    nth, rules = int(what.shown) if what.shown.isdecimal() else 0, click.rulebook
    wrong = Wrong(what.case, asked_for(await connect.ledger().read(what.case), nth), about=nth)
    told, taken = "This person is not in the directory.", False
    if click.by:
        try:
            told = await agree_to_reverse(wrong, click.by, DOOR, ledger=connect.ledger(), rulebook=rules, at=click.at)
            taken = True
        except CannotReverseError as reason:
            told = str(reason)

    async def whisper() -> None:
        await slack_desk().whisper(click.channel, click.slack_user, told)

    async def go_on() -> None:
        await tell_of_reversal(what.case, rules, click.at)  # before the case goes on, and says on it how it ended
        await ring([what.case])

    return Response(then=(whisper, go_on) if taken else (whisper,))
