"""The people of the morning, who answer through the desk's own clicks."""

from blocks import connect
from infrastructure.local.demo.scenario import Act, Part
from infrastructure.local.demo.signing import confirm, link_in
from infrastructure.local.demo.stage import Stage
from infrastructure.local.demo.submitting import rest
from infrastructure.local.desk.driver import Outcome, Person, Seen

CHANNEL = "approvals"
CARD_S = 90.0
"""How long a card may take; the first ones wait for everything that starts at the same time."""


class ClickError(Exception):
    """A person's click did not do what it should; the text says what they saw."""


async def act(stage: Stage, part: Part, case: str, doing: Act) -> None:
    """Do what one person does about the card of one role."""
    person = stage.slack(doing.by)
    button = "approve" if doing.does == "ask" else doing.does
    card = await person.wait_for_message(CHANNEL, having=f"{case}/1-{doing.role}/", action_id=button, timeout_s=CARD_S)
    if doing.does == "approve":
        _must_be_well(await person.click(card, "approve"), part, doing)
        if doing.passkey:
            whispered = await person.wait_for_message(CHANNEL, having=f"/confirm/{case}/")
            await confirm(link_in(whispered), doing.by)
    else:
        await _fill(stage, person, card, part, doing)
    if doing.does == "ask":
        await _answer(stage, card, part, case, doing)
    signed = ", with a passkey" if doing.passkey else ""
    stage.say(f"  {stage.name(doing.by)} {PAST[doing.does]} {case} ({part.name}){signed}{_quoted(doing.says)}")


PAST = {"approve": "approved", "reject": "rejected", "ask": "asked about"}


async def _fill(stage: Stage, person: Person, card: Seen, part: Part, doing: Act) -> None:
    title, button = ("Reject", "reject") if doing.does == "reject" else ("Ask a question", "question")
    async with stage.locks[doing.by]:
        _must_be_well(await person.click(card, button), part, doing)
        view = await person.wait_for_modal(title=title)
        _must_be_well(await person.submit(view, {"note": doing.says}), part, doing)


async def _answer(stage: Stage, card: Seen, part: Part, case: str, doing: Act) -> None:
    """Let the requester answer in the card's thread, and wait until it is part of the case."""
    requester = stage.slack(part.requester)
    _must_be_well(await requester.reply(card, doing.answered), part, doing)
    while not (await connect.ledger().read(case)).last("answer"):
        await rest()


def _must_be_well(outcome: Outcome, part: Part, doing: Act) -> None:
    if not outcome.ok:
        said = outcome.says or dict(outcome.errors) or outcome.error
        raise ClickError(f"{part.name}: {doing.by} could not {doing.does}: {said}")


def _quoted(text: str) -> str:
    return f": {text}" if text else ""
