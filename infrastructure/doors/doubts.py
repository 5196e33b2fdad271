"""What one says in Slack of an effect in doubt: it was made, it was not, or it shall not be."""

import asyncio

from blocks import connect
from blocks.bell import ring
from blocks.errors import OutsideError
from blocks.ledger import TamperedError
from blocks.records.approval import Posted
from blocks.wire.cards import Pressed
from blocks.wire.doubts import GIVE_UP, MADE, NOT_MADE, NUMBER, give_up_modal, made_modal, settled_card
from blocks.wire.modals import NOTE
from infrastructure.doors.clicks import DOOR, Click, field_errors, slack_desk
from infrastructure.doors.http import Deed, Response
from tasks.case import utc_now
from tasks.doubts import doubt_of, word_on
from tasks.parked import CannotSettleError, Said, settle

FORMS = {MADE: made_modal, GIVE_UP: give_up_modal}
FIELDS = {MADE: (NUMBER,), GIVE_UP: (NOTE,)}
ACTIONS = frozenset({MADE, NOT_MADE, GIVE_UP})
PATIENCE_S = 2.0
"""How long the ERP is asked: Slack gives up after three seconds."""


async def pressed(action: str, what: Pressed, click: Click) -> Response:
    """Take a press: open the form that the answer needs, or take the answer."""
    if action in FORMS:
        await slack_desk().open_modal(click.trigger, FORMS[action](what))
        return Response()
    told, taken = await _settled(_said(what, Said(what.case, "not-made")), click)
    return Response(then=(_whisper(told, click), *(_after(what, click) if taken else ())))


async def submitted(form: str, what: Pressed, values: dict[str, str], click: Click) -> Response:
    """Take a form: the number of what was made, or why it is given up."""
    said = Said(what.case, "made", number=values[NUMBER]) if form == MADE else None
    said = said or Said(what.case, "given-up", because=values[NOTE])
    told, taken = await _settled(_said(what, said), click)
    return Response(then=_after(what, click)) if taken else field_errors({FIELDS[form][0]: told})


def _said(what: Pressed, said: Said) -> Said:
    nth = int(what.shown) if what.shown.isdecimal() else 0
    return said._replace(about=(what.ask, nth))


async def _settled(said: Said, click: Click) -> tuple[str, bool]:
    """Let the one function behind every door take it; say what it says, and whether it was taken."""
    ledger, erp = connect.ledger(), connect.erp()
    rules, at = click.rulebook, click.at
    settling = settle(said, click.by, DOOR, ledger=ledger, erp=erp, rulebook=rules, at=at, clock=utc_now)
    try:
        return await asyncio.wait_for(settling, PATIENCE_S), True
    except CannotSettleError as reason:
        return str(reason), False
    except TamperedError:
        raise  # it is not the ERP that does not answer
    except (OutsideError, TimeoutError):  # cut off in the middle, it may have been taken after all
        return "The ERP did not answer in time. If the card still asks in a moment, please say it again.", False


def _after(what: Pressed, click: Click) -> tuple[Deed, ...]:
    """Say what follows: the case goes on, and the card says what was said."""

    async def ring_for_it() -> None:
        await ring([what.case])

    async def lock() -> None:
        chain, nth = await connect.ledger().read(what.case), int(what.shown)
        doubt, word = doubt_of(chain, what.ask, nth), word_on(chain, what.ask, nth)
        cards = chain.having("doubt", what.ask)
        if doubt and word and len(cards) >= nth and "ts" in cards[nth - 1].body:
            card = settled_card(doubt, word, click.rulebook.directory.zone)
            await slack_desk().redraw(Posted.model_validate(cards[nth - 1].body), card)

    return (ring_for_it, lock)


def _whisper(text: str, click: Click) -> Deed:
    async def whisper() -> None:
        await slack_desk().whisper(click.channel, click.slack_user, text)

    return whisper
