"""Answers given in Slack: yes, no, many at once, and questions; and what follows them."""

from blocks import connect
from blocks.bell import ring
from blocks.wire import modals
from blocks.wire.cards import Pressed, read_value, said_card
from blocks.wire.home import bulk_modal
from infrastructure.doors import broken, home
from infrastructure.doors.clicks import DOOR, Click, field_errors, slack_desk
from infrastructure.doors.http import Deed, Response
from tasks.conversation import ask_back, reason_not_to_ask
from tasks.decide import Answer, Verdicts, decide
from tasks.showing import locked_card
from tasks.signing import stepup


async def answered(answer: Answer, click: Click) -> Response:
    """Take an answer that needs no form."""
    verdict = await judged(answer, click)
    return Response(then=after(answer, verdict, click))


async def judged(answer: Answer, click: Click) -> Verdicts:
    """Let the decision function judge and enter an answer."""
    ledger = connect.ledger()
    return await decide(answer, click.by, DOOR, ledger=ledger, rulebook=click.rulebook, at=click.at)


def after(answer: Answer, verdict: Verdicts, click: Click) -> tuple[Deed, ...]:
    """Say what follows an answer: the bell, the card that shows the truth, a word to who came too late."""

    async def ring_for_it() -> None:
        await ring([answer.case])

    lock_card = _locked(verdict, click)

    async def say_why() -> None:
        channel = click.channel or (verdict.posted.channel if verdict.posted else "")
        await slack_desk().whisper(channel, click.slack_user, stepup.told(verdict))

    async def tidy_home() -> None:
        if click.by and click.at_home:
            await home.publish(home.Who(click.by, click.rulebook, click.at), click.slack_user)

    if verdict.taken == "counted":
        return (ring_for_it, lock_card, tidy_home)
    return (say_why, lock_card, tidy_home) if verdict.taken == "late" else (say_why,)


def _locked(verdict: Verdicts, click: Click) -> Deed:
    """Let the card of an answer show what became of it."""

    async def lock() -> None:
        where = verdict.posted or click.card  # a click may be quicker than the ledger's note of where the card is
        if verdict.ask and verdict.chain and where:
            card = locked_card(verdict.chain, verdict.ask, click.rulebook.directory.zone)
            if card:
                await slack_desk().redraw(where, card)

    return lock


async def open_bulk(click: Click) -> Response:
    """Open the form in which routine requests are approved together."""
    if click.by and (waiting := await home.routine(home.Who(click.by, click.rulebook, click.at))):
        await slack_desk().open_modal(click.trigger, bulk_modal(waiting))
    return Response()


async def bulk(values: tuple[str, ...], click: Click) -> Response:
    """Approve many: each is judged and entered by itself, and who sent them is told what became of each."""
    pressed = [read_value(value) for value in values]
    answers = [Answer(*one[:2], "approve", one.shown) for one in pressed]
    verdicts = [await _judged_by_itself(answer, click) for answer in answers]
    told = home.said_together([(one.case, stepup.told(what)) for one, what in zip(answers, verdicts, strict=True)])
    each = [_locked(verdict, click) for verdict in verdicts]

    async def say_all() -> None:
        key = f"bulk/{click.slack_user}/{click.at:%Y%m%d%H%M%S%f}"
        await slack_desk().tell(click.slack_user, said_card(key, told))

    async def tidy_home() -> None:
        if click.by:
            await home.publish(home.Who(click.by, click.rulebook, click.at), click.slack_user)

    async def ring_for_all() -> None:
        await ring([one.case for one, what in zip(answers, verdicts, strict=True) if what.taken == "counted"])

    return Response(then=(ring_for_all, say_all, tidy_home, *each))


async def _judged_by_itself(answer: Answer, click: Click) -> Verdicts:
    """Judge one of many: one whose record does not hold stops no other."""
    found = await broken.or_why(judged(answer, click), answer.case)
    return Verdicts("void", found) if isinstance(found, str) else found


async def question(pressed: Pressed, note: str, click: Click) -> Response:
    """Take a question, and put it where the requester answers."""
    if why := reason_not_to_ask(note):
        return field_errors({modals.NOTE: why})
    asked = await ask_back(pressed, note, click.by, ledger=connect.ledger(), rulebook=click.rulebook, at=click.at)
    if isinstance(asked, str):
        return field_errors({modals.NOTE: asked})

    async def say_it() -> None:
        await asked.say(slack_desk(), click.rulebook.directory)

    return Response(then=(say_it,))
