"""Reversing: the journal entry of a bill for an order is taken back; one asks, another agrees. Knows no Prefect.

Each word is one line in the ledger, judged and appended by whatever door it came through. When both are said the case
goes on from its end, and the reversing is an effect like any other.
"""

import logging
from datetime import datetime
from typing import Any, NamedTuple

from blocks import connect
from blocks.connect import SettingError
from blocks.errors import OutsideError
from blocks.ledger import Chain, Ledger
from blocks.ports import Erp
from blocks.proofs.segregation import REVERSED, persons_of, reason_not_reversed_by_two
from blocks.records.ledger import Line
from blocks.records.outcome import Outcome
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from blocks.records.purchasing import Trace
from blocks.wire.cards import WHO_MAX
from blocks.wire.names import effect_key
from blocks.wire.patients import reason_to_leave_out
from blocks.wire.reversals import Reversal, Word, reversal_card
from tasks.case import current
from tasks.parked import reason_not_to_vouch, reason_without_standing
from tasks.results import cases_of
from tasks.rules.standing import counts_as
from tasks.segregation import reason_not_to_count
from tasks.undoing import reason_under_way

logger = logging.getLogger("almoner.reversing")
ASKED, AGREED = "reversal-asked", "reversing"
REVERSES = "reverses another, which stays reversed: have the bill booked anew."
ON_THE_BILL = "asked for what else is on the same bill, or stands in for who did: somebody else must"


class Wrong(NamedTuple):
    """A journal entry that a case's order was billed with, and why it is wrong."""

    case: str
    entry: str
    because: str = ""
    about: int | None = None
    """Which asking of the case is agreed to, from 1, where that was done on a card: it may be an earlier one's."""


class CannotReverseError(Exception):
    """It is not reversed; the text says why, and what to do."""


class VoidReversalError(Exception):
    """The ledger holds somebody's word on a journal entry that the door should never have let in."""


async def ask_to_reverse(  # noqa: PLR0913  whoever says it is judged by the rulebook, what they say by the ERP
    wrong: Wrong, by: Person, door: str, *, ledger: Ledger, erp: Erp, rulebook: Rulebook, at: datetime
) -> str:
    """Take down that an entry is wrong, and say what follows. `CannotReverseError` where it is not taken."""

    async def asked(chain: Chain) -> Line:
        if reason := reason_not_to_ask(wrong, by, chain, rulebook, at):
            raise CannotReverseError(reason)
        booked = await _booked(wrong, chain, erp, ledger)
        if counts_as(by.id, rulebook.duties, at).intersection(booked["also_by"]):
            raise CannotReverseError(f"{by.name} {ON_THE_BILL} say it.")
        body = {**_word(by, rulebook, at), "because": wrong.because.strip(), **booked}
        return Line(act=ASKED, key=wrong.entry, actor=f"person:{by.id}", at=at, source=door, body=body)

    chain = await ledger.enter(wrong.case, asked)
    names = [one.name for one in who_may_agree(wrong.entry, chain, rulebook, at)]
    others = ["one of the others who may"] * (len(names) > WHO_MAX)
    who = " or ".join(names[:WHO_MAX] + others) or "nobody in the directory may"
    return f"Journal entry {wrong.entry} is reversed once somebody agrees: {who}."


async def agree_to_reverse(
    wrong: Wrong, by: Person, door: str, *, ledger: Ledger, rulebook: Rulebook, at: datetime
) -> str:
    """Take down that another agrees, and say what follows. `CannotReverseError` where it is not taken."""

    def agreed(chain: Chain) -> Line:
        if reason := reason_not_to_agree(wrong.entry, by, chain, rulebook, at):
            raise CannotReverseError(reason)
        asked = chain.having(ASKED, wrong.entry)[-1]
        if wrong.about not in (None, chain.having(ASKED).index(asked) + 1):
            raise CannotReverseError(f"This card is over: {chain.case} has a newer one. Please use that.")
        body = {**_word(by, rulebook, at), "because": asked.body["because"], "asked_by": asked.body["name"]}
        return Line(act=AGREED, key=wrong.entry, actor=f"person:{by.id}", at=at, source=door, body=body)

    await ledger.enter(wrong.case, agreed)
    return f"Journal entry {wrong.entry} is being reversed. The card says how it ends."


def reason_not_to_ask(wrong: Wrong, by: Person, chain: Chain, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why it is not taken that an entry is wrong, or None where it is."""
    if reason := _reason_not_now(by, chain, rulebook, at):
        return reason
    mirrors = _mirrors(chain)
    if mirror := mirrors.get(wrong.entry):
        return f"Journal entry {wrong.entry} was reversed already, by {mirror}."
    if wrong.entry in mirrors.values():
        return f"Journal entry {wrong.entry} {REVERSES}"
    if asked := open_ask(chain, wrong.entry):
        return f"{asked.body['name']} has asked for that on {asked.at:%d %b}: somebody else can agree."
    if not wrong.because.strip():
        return "Please say why it is wrong: the ledger keeps it."
    why = reason_to_leave_out(f"{wrong.entry} {wrong.because}")
    return f"What you wrote {why}." if why else None


def reason_not_to_agree(entry: str, by: Person, chain: Chain, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why somebody may not agree that an entry be reversed, or None where they may."""
    if reason := _reason_not_now(by, chain, rulebook, at):
        return reason
    asked = open_ask(chain, entry)
    if asked is None:
        return f"Nobody has asked for journal entry {entry} to be reversed, or somebody has agreed already."
    persons = counts_as(by.id, rulebook.duties, at)
    if persons.intersection(asked.body.get("also_by", ())):
        return f"{by.name} {ON_THE_BILL} agree."
    if persons_of(asked) & persons:
        return f"{asked.body['name']} has asked for it: somebody who does not stand in for them must agree."
    return None


def who_may_agree(entry: str, chain: Chain, rulebook: Rulebook, at: datetime) -> tuple[Person, ...]:
    """List those whose word would count."""
    people = rulebook.directory.people
    return tuple(one for one in people if reason_not_to_agree(entry, one, chain, rulebook, at) is None)


def asked_for(chain: Chain, nth: int) -> str:
    """Say which entry the n-th asking of a case is about, from 1; empty where there is none."""
    asked = chain.having(ASKED)
    return asked[nth - 1].key if 0 < nth <= len(asked) else ""


def open_ask(chain: Chain, entry: str) -> Line | None:
    """Find who has asked for an entry to be reversed, where nobody has agreed yet."""
    last = next((line for line in reversed(chain.lines) if line.key == entry and line.act in REVERSED), None)
    return last if last and last.act == ASKED else None


class Agreed(NamedTuple):
    """What two have agreed on: which entry, the how-manieth of the case, and whose words those are."""

    entry: str
    nth: int
    words: str


async def agreed_reversal() -> Agreed:
    """Read what the case in hand is to have reversed; `VoidReversalError` where the words do not count."""
    chain = current().chain
    said = chain.having(AGREED)
    asked = chain.having(ASKED, said[-1].key)
    for line in (said[-1], *asked[-1:]):
        if reason := await _reason_void(line, chain):
            raise VoidReversalError(f"{chain.case}: the word of {line.actor} does not count: {reason}")
    words = f"{asked[-1].body['name']}: {asked[-1].body['because']}; {said[-1].body['name']} agreed"
    return Agreed(said[-1].key, len(said) - 1, words)


async def draw_reversal(chain: Chain, entry: str, rulebook: Rulebook, at: datetime) -> None:
    """Draw the card of the newest asking about an entry as it stands, if there is one; errors as the desk raises them.

    Not of the newest at all: of another entry of the case somebody may have asked since.
    """
    nth = max((nth for nth, asked in enumerate(chain.having(ASKED), 1) if asked.key == entry), default=0)
    if not nth:
        return
    one, desk = reversal_of(chain, nth), connect.desk()
    card = reversal_card(one, who_may_agree(one.entry, chain, rulebook, at), rulebook.directory.zone)
    posted = await desk.post(connect.channel(), card, maybe_posted=True)
    await desk.redraw(posted, card)


async def tell_of_reversal(wrong: Wrong, rulebook: Rulebook, at: datetime) -> str:
    """Draw the card from a door; return why it is not as it should be, or nothing.

    What stands in the ledger stands whether Slack hears of it or not, and there are other doors. Call it as well where
    a word was not taken: who took down an earlier one may have died before its card stood.
    """
    try:
        await draw_reversal(await connect.ledger().read(wrong.case), wrong.entry, rulebook, at)
    except (OutsideError, SettingError) as error:
        logger.warning("%s: the card of the reversal is not as it should be: %s", wrong.case, error)
        return str(error)
    return ""


def reversal_of(chain: Chain, nth: int) -> Reversal:
    """Read the n-th asking of a case, from 1, and what has come of it."""
    asked = chain.having(ASKED)[nth - 1]
    since = chain.lines[chain.lines.index(asked) + 1 :]
    agreed = next((x for x in since if x.act == AGREED and x.key == asked.key), None)
    key = effect_key(chain.case, "reverse", chain.having(AGREED).index(agreed)) if agreed else ""
    outcome = chain.last("outcome", key) if key else None
    body = asked.body
    return Reversal(
        case=chain.case,
        nth=nth,
        entry=asked.key,
        books=body["books"],
        also=tuple(body["also"]),
        centre=chain.lines[0].body["request"]["cost_centre"],
        asked=Word(body["name"], asked.at),
        because=body["because"],
        agreed=Word(agreed.body["name"], agreed.at) if agreed else None,
        mirror=outcome.body["document"]["number"] if outcome and "document" in outcome.body else "",
        refused=outcome.body.get("refused", "") if outcome else "",
    )


def _reason_not_now(by: Person, chain: Chain, rulebook: Rulebook, at: datetime) -> str | None:
    if not chain.seq or not chain.lines[0].body.get("request"):
        return f"The ledger has no case {chain.case}. Its number stands in the message that it was ordered."
    if reason := reason_not_to_vouch(by, chain, rulebook, at) or reason_under_way(chain):
        return reason
    ended = chain.last("ended")
    if ended is None:
        return f"{chain.case} has not ordered anything yet, so nothing is booked for it."
    outcome = Outcome.model_validate(ended.body["outcome"])
    return None if outcome.ended == "ordered" else f"{chain.case} was {outcome.ended}: no order of it stands."


async def _reason_void(line: Line, chain: Chain) -> str | None:
    """Say why a word does not count, on the way out: by the directory and the book of duties that its door went by."""
    before = chain.lines[: next(place for place, one in enumerate(chain.lines) if one is line)]
    if reason := reason_not_reversed_by_two(line, before) or await reason_not_to_count(line, chain):
        return reason
    shelf, judged_by = connect.shelf(), (line.body.get("directory"), line.body.get("duties"))
    if None in judged_by:
        return "it does not say by which directory it was judged"
    directory, duties = await shelf.directory(str(judged_by[0])), await shelf.duties(judged_by[1])
    by = directory.person(line.body["by"])
    if by is None:
        return "that directory does not have them"
    if persons_of(line) != (persons := counts_as(by.id, duties, line.at)):
        return "they counted as others than it says"
    return reason_without_standing(by, chain.lines[0].body["request"], persons)


def _mirrors(chain: Chain) -> dict[str, str]:
    """Say what reversed which entries of a case."""
    outcomes = (
        (agreed.key, chain.last("outcome", effect_key(chain.case, "reverse", nth)))
        for nth, agreed in enumerate(chain.having(AGREED))
    )
    return {entry: str(x.body["document"]["number"]) for entry, x in outcomes if x and "document" in x.body}


async def _booked(wrong: Wrong, chain: Chain, erp: Erp, ledger: Ledger) -> dict[str, Any]:
    """Say what an entry books, as the ERP has it; `CannotReverseError` where it came of no order of this case."""
    own = effect_key(chain.case, "order")
    entries = [one for one in await erp.trace(wrong.entry) if one.kind == "journal entry" and one.number == wrong.entry]
    found = next((one for one in entries if one.key == own), None)
    if found is None:
        raise CannotReverseError(
            f"The ERP knows no journal entry {wrong.entry} of a bill for what {chain.case} ordered: "
            f"`almoner ledger explain erp:{wrong.entry}` tells of which order it came."
        )
    if found.reverses:  # by another case on the same bill, or by hand
        raise CannotReverseError(f"Journal entry {wrong.entry} {REVERSES}")
    others = [one for one in entries if one.key != own]
    also_by = {who for one in others if (who := await _who_wanted(one, ledger))}
    return {"books": _books(found), "also": sorted(one.of for one in others), "also_by": sorted(also_by)}


async def _who_wanted(entry: Trace, ledger: Ledger) -> str:
    """Find who asked for what an order on the bill was for; empty where no case that has ended is known to have."""
    for case in await cases_of(entry.of, ledger):
        if effect_key(case, "order") == entry.key:
            return str((await ledger.read(case)).lines[0].body["request"]["requester"])
    return ""


def _books(entry: Trace) -> str:
    parts = [str(entry.amount)] * bool(entry.amount) + [f"on {entry.dated}"] * bool(entry.dated)
    return " ".join([*parts, f"for order {entry.of}"])


def _word(by: Person, rulebook: Rulebook, at: datetime) -> dict[str, Any]:
    others = sorted(counts_as(by.id, rulebook.duties, at) - {by.id})
    judged_by = {"directory": rulebook.directory_version, "duties": rulebook.duties.seq}
    return {"by": by.id, "name": by.name, **judged_by} | ({"counts_as": others} if others else {})
