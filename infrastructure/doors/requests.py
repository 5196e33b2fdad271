"""What one does with a request in Slack besides yes and no: its menu, its forms, and what follows them."""

from blocks import connect
from blocks.bell import ring
from blocks.records.approval import Ask
from blocks.wire import modals
from blocks.wire.cards import ADD, FEWER, HAND_OVER, HOLD, RESUME, WITHDRAW, Pressed
from infrastructure.doors import http
from infrastructure.doors.clicks import DOOR, Click, field_errors, slack_desk
from infrastructure.doors.http import Response
from tasks.decide import Verdicts, decision_of, posted_of, reason_over
from tasks.requests import Deed, Wish, carry_out
from tasks.showing import card_of
from tasks.telling import say_in_thread, tell_colleague

FORMS = {HAND_OVER: modals.hand_over_modal, ADD: modals.add_modal, HOLD: modals.hold_modal}
FIELDS = {
    FEWER: (modals.QUANTITY, modals.NOTE), HAND_OVER: (modals.WHOM,), ADD: (modals.WHOM,), HOLD: (modals.NOTE,),
}  # fmt: skip
DEEDS: dict[str, Deed] = {HAND_OVER: "hand-over", ADD: "add", HOLD: "hold"}


async def open_form(entry: str, pressed: Pressed, click: Click) -> Response:
    """Open the form of a menu's entry; where the request is over by now, say so instead."""
    chain = await connect.ledger().read(pressed.case)
    asked = chain.last("asked", pressed.ask)
    if asked is None:
        return _whispered("This request is not in the ledger. Ask the requester to submit it again.", click)
    ask = Ask.model_validate(asked.body["ask"])
    if over := reason_over(chain, ask):
        verdict = Verdicts("late", over, ask, decision_of(chain, ask.key), posted_of(chain, ask.key), chain=chain)
        return Response(then=(_whisper(over, click), _redraw(verdict, click)))
    form = modals.fewer_modal(pressed, ask) if entry == FEWER else FORMS[entry](pressed)
    await slack_desk().open_modal(click.trigger, form)
    return Response()


async def at_once(action: str, pressed: Pressed, click: Click) -> Response:
    """Resume or withdraw: a click is all it takes."""
    wish = Wish(pressed.case, pressed.ask, "resume" if action == RESUME else "withdraw", pressed.shown)
    verdict = await _carry_out(wish, click)
    after = _after(verdict, click)
    says = verdict.taken != "counted" or action == WITHDRAW
    return Response(then=(_whisper(verdict.text, click), *after) if says else after)


async def submitted(form: str, pressed: Pressed, values: dict[str, str], click: Click) -> Response:
    """Take a form: hand over, add an approver, hold."""
    whom = _person(values.get(modals.WHOM, ""), click)
    note = values.get(modals.NOTE, "")
    wish = Wish(pressed.case, pressed.ask, DEEDS[form], pressed.shown, whom, note)
    verdict = await _carry_out(wish, click)
    if verdict.taken == "counted":
        return Response(then=_after(verdict, click))
    return field_errors({FIELDS[form][0]: verdict.text})


async def _carry_out(wish: Wish, click: Click) -> Verdicts:
    return await carry_out(wish, click.by, DOOR, ledger=connect.ledger(), rulebook=click.rulebook, at=click.at)


def _person(slack_user: str, click: Click) -> str:
    """Find whom somebody chose among the users of their own workspace."""
    found = click.rulebook.directory.by_slack(click.by.slack_team, slack_user) if click.by and slack_user else None
    return found.id if found else ""


def _after(verdict: Verdicts, click: Click) -> tuple[http.Deed, ...]:
    """Say what follows: the card that shows it, a word in its thread, and to whom it is handed; the bell."""
    chain, ask = verdict.chain, verdict.ask
    if verdict.taken != "counted" or chain is None or ask is None:
        return (_redraw(verdict, click),)
    line = chain.lines[-1]

    async def say_so() -> None:
        if verdict.posted:
            await say_in_thread(line, verdict.posted, slack_desk())

    async def hand_on() -> None:
        await tell_colleague(ask, line, verdict.posted, slack_desk(), click.rulebook.directory)

    async def ring_for_it() -> None:
        await ring([ask.case])

    if line.act == "withdrawn":
        return (ring_for_it, _redraw(verdict, click), say_so)
    if line.act == "handed":
        return (_redraw(verdict, click), hand_on, say_so)
    return (_redraw(verdict, click), say_so)


def _redraw(verdict: Verdicts, click: Click) -> http.Deed:
    async def redraw() -> None:
        if verdict.ask and verdict.posted and verdict.chain:
            card = card_of(verdict.chain, verdict.ask, click.rulebook, click.at)
            await slack_desk().redraw(verdict.posted, card)

    return redraw


def _whisper(text: str, click: Click) -> http.Deed:
    async def whisper() -> None:
        await slack_desk().whisper(click.channel, click.slack_user, text)

    return whisper


def _whispered(text: str, click: Click) -> Response:
    return Response(then=(_whisper(text, click),))
