"""A bill's journal entry is wrong: `/almoner reverse` asks for it to be reversed, a button on the card agrees."""

import asyncio
import re

from blocks import connect
from blocks.bell import ring
from blocks.errors import OutsideError, UnreadableError
from blocks.ledger import TamperedError
from blocks.wire.cards import Pressed
from infrastructure.doors.clicks import DOOR, Click, slack_desk
from infrastructure.doors.http import Response, Said
from tasks.reversing import (
    CannotReverseError,
    Wrong,
    agree_to_reverse,
    ask_to_reverse,
    asked_for,
    tell_of_reversal,
)
from tasks.signing.emergency import Acted

HOW = "Please write it like this: `/almoner reverse RQ-… J-118: why it is wrong`"
ASK = re.compile(r"(?P<case>\S+)\s+(?P<entry>\S.*?)\s*:\s+(?P<why>\S.*)", re.DOTALL)
"""A colon without a space after it may be part of the entry's number."""
PATIENCE_S = 2.0
"""How long the ERP is asked: Slack gives up after three seconds."""


async def command(rest: str, who: Acted) -> Said:
    """Do what `/almoner reverse …` says; return what to tell, and the card to draw after that."""
    asked = ASK.fullmatch(rest.strip())
    if asked is None or who.by is None:
        return Said(HOW)
    wrong, ledger, rules = Wrong(asked["case"], asked["entry"], asked["why"]), connect.ledger(), who.rulebook
    asking = ask_to_reverse(wrong, who.by, DOOR, ledger=ledger, erp=connect.erp(), rulebook=rules, at=who.at)
    try:
        told = await asyncio.wait_for(asking, PATIENCE_S)
    except CannotReverseError as reason:
        told = str(reason)
    except TamperedError:
        raise  # it is not the ERP that does not answer
    except UnreadableError as error:  # to say it again is no use
        told = f"Nothing was taken down. {error}."
    except (OutsideError, TimeoutError):  # cut off in the middle, it may have been taken down after all
        told = "The ERP did not answer in time. If no card asks for it in a moment, please say it again."

    async def draw() -> None:
        await tell_of_reversal(wrong, rules, who.at)

    return Said(told, (draw,))


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
        await tell_of_reversal(wrong, rules, click.at)  # before the case goes on, and says on it how it ended
        await ring([what.case])

    return Response(then=(whisper, go_on) if taken else (whisper,))
