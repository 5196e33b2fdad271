"""Doubts: whoever may settle one is asked in Slack, with both sides of the story. Knows no Prefect."""

import logging
from datetime import datetime

from blocks import connect
from blocks.errors import RefusedError
from blocks.ledger import Chain
from blocks.records.approval import Posted
from blocks.records.ledger import Line
from blocks.records.money import Money
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from blocks.wire.doubts import Doubt, Word, doubt_card, settled_card
from blocks.wire.report import in_doubt
from tasks.case import Case
from tasks.claims import CLAIMS
from tasks.parked import Said, look_after, reason_not_to_settle

logger = logging.getLogger("almoner.doubts")
NOT_HEARD = "nothing: whoever sent it died before it heard"


async def ask_about(case: Case, key: str) -> None:
    """Put the card of a doubt before those who may settle it, once; that Slack will not take it hinders nobody.

    Raises `UnavailableError` where Slack does not answer: the case is rung for again, and asks then.
    """
    last = case.latest(key, {"parked", "doubt"})
    doubt = doubt_of(case.chain, key)
    if last is None or last.act == "doubt" or doubt is None:
        return
    now = case.clock()
    rules = await connect.shelf().in_force(now)
    card = doubt_card(doubt, who_may_settle(case.chain, rules, now), rules.directory.zone)
    try:
        posted = await connect.desk().post(connect.channel(), card, maybe_posted="parked" in case.began_with)
        body = posted.model_dump(mode="json")
    except RefusedError as refusal:
        logger.warning("%s: nobody could be asked about the %s, %s", case.id, doubt.effect, refusal)
        body = {"refused": refusal.detail}
    case.note("doubt", key, body=body)
    await case.write()


async def close_doubts(case: Case) -> None:
    """Let the card of each doubt that was settled say so, once: the door draws it then, if it lives to."""
    for line in case.chain.having("doubt"):
        nth = case.chain.having("doubt", line.key).index(line) + 1
        doubt, word = doubt_of(case.chain, line.key, nth), word_on(case.chain, line.key, nth)
        name = f"{line.key}/{nth}"
        if case.recall("doubt-drawn", name) or "ts" not in line.body or not doubt or not word:
            continue
        try:
            await connect.desk().redraw(Posted.model_validate(line.body), settled_card(doubt, word, case.zone))
        except RefusedError as refusal:
            logger.warning("%s: the card still asks, %s", case.id, refusal)
        case.note("doubt-drawn", name)


def doubt_of(chain: Chain, key: str, nth: int | None = None) -> Doubt | None:
    """Read a doubt about a key, the latest or the n-th: what was meant, and what was heard; None: there is none."""
    intent, parked = chain.last("intent", key), chain.having("parked", key)
    if intent is None or not parked:
        return None
    now = parked[(nth or len(parked)) - 1]
    before = chain.lines[: chain.lines.index(now)]
    heard = next((x for x in reversed(before) if x.key == key and x.act == "unknown"), None)
    claims = [x for x in before if x.key == key and x.act in CLAIMS]
    if heard and claims and before.index(claims[-1]) > before.index(heard):
        heard = None  # what was heard is of an earlier attempt
    return Doubt(
        case=chain.case,
        key=key,
        nth=nth or len(parked),
        effect=now.body["effect"],
        meant=meant(intent),
        centre=chain.lines[0].body["request"]["cost_centre"],
        intended=intent.at,
        tried=len(claims),
        heard=now.body.get("why") or (heard.body.get("detail", "its answer was lost") if heard else NOT_HEARD),
        heard_at=(heard or now).at,
        look_after=look_after(now),
    )


def word_on(chain: Chain, key: str, nth: int) -> Word | None:
    """Read what was said of the n-th doubt about a key."""
    words = chain.having("settled", key)
    if len(words) < nth:
        return None
    said, document = words[nth - 1], words[nth - 1].body["document"]
    number = document["number"] if document else ""
    return Word(said.body["verdict"], said.body["name"], said.at, number, said.body["because"])


def meant(intent: Line) -> str:
    """Say what an effect was to make."""
    draft = intent.body["draft"]
    what = f"{draft['quantity']:,} × {draft['item']}"
    if "unit_price" not in draft:
        return what
    amount = Money.model_validate(draft["unit_price"]) * draft["quantity"]
    return f"{what} from {draft['supplier']} — {amount}"


def who_may_settle(chain: Chain, rulebook: Rulebook, at: datetime) -> tuple[Person, ...]:
    """List who may say what became of an effect."""
    said = Said(chain.case, "not-made")
    people = rulebook.directory.people
    return tuple(one for one in people if reason_not_to_settle(said, one, chain, rulebook, at) is None)


def waits_for_word(chain: Chain) -> bool:
    """Say whether a case is in doubt and somebody was asked, or could not be: nothing else is left to do for it."""
    parked = in_doubt(chain)
    return parked is not None and len(chain.having("doubt", parked.key)) >= len(chain.having("parked", parked.key))
