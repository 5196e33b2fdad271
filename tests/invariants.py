"""What must hold whatever failed: read from the ERP's own books, the ledger and the desk, never from Prefect.

    I1  at most one document a key                       I7   one decision an ask
    I2  every case ended, waits, or is named as in doubt I8   nothing that must stay out shows anywhere
    I3  what was posted is what was intended, approved   I9   an effect has one key, however often it is tried
    I4  nobody approves what they asked, or twice        I10  nothing is posted without an intent before it
    I5  the ledger verifies                              I11  nobody is reminded of what is decided
    I6  posted is ordered, to the cent, and funds clear  I12  each card shows what became of its ask

`check_invariants` returns what is violated; an empty list is the proof. Call it when the last fault is over and
whoever carries the cases has had the time to; before that, with `over=False`, what only the end can show is left out.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

from blocks.audit.verdict import verify
from blocks.ledger import Chain, Ledger
from blocks.records.approval import Ask, Posted
from blocks.records.money import Money
from blocks.records.outcome import Outcome
from blocks.records.purchasing import IssueDraft, OrderDraft
from blocks.sealing.log import Log
from blocks.sealing.witness import Witnessed
from blocks.wire.canonical import canonical, digest
from blocks.wire.doubts import settled_card
from blocks.wire.names import effect_key
from blocks.wire.report import in_doubt
from tasks.decide import decisions_of, posted_of, waits_for
from tasks.doubts import doubt_of, word_on
from tasks.rules.books import Funds
from tasks.showing import locked_card
from tests.fakes.desk import FakeDesk
from tests.fakes.erp import Booked
from tests.fakes.erp_bills import Reversed

EFFECTS = {"purchase order": "order", "stock issue": "issue"}
ENDS = {"ordered": "purchase order", "filled": "stock issue"}
CARRIED = ("drop/", "inbox/", "quarantine/")
"""Where raw messages lie: they are the vault's."""


class ErpBooks(Protocol):
    """An ERP whose own books can be read, past its interface."""

    def booked(self) -> list[Booked]:
        """List every document ever made, first come first."""
        ...

    def reversed(self) -> list[Reversed]:
        """List what reverses a journal entry, first come first."""
        ...


class Violation(NamedTuple):
    """One invariant that does not hold, where, and what shows it."""

    invariant: str
    where: str
    what: str


async def check_invariants(
    ledger: Ledger,
    erp: ErpBooks,
    desk: FakeDesk | None = None,
    *,
    over: bool = True,
    secrets: Collection[str] = (),
    log: Log | None = None,
    witnessed: Witnessed | None = None,
    now: datetime | None = None,
) -> list[Violation]:
    """List what is violated. *over*: the last fault is past; *secrets*: what must show neither in ledger nor desk.

    *log*, *witnessed*: the log over all chains and its witness, where they are judged too, as of *now*.
    """
    verdict = await verify(ledger, log, witnessed, now=now)
    found = [Violation("I5", one.where, f"{one.fault}: {one.because}") for one in verdict.findings]
    altered = {one.case for one in verdict.findings if one.fault != "unproven"}  # what lacks a proof still reads
    chains = [await ledger.read(name) async for name, _ in ledger.cases() if name not in altered]
    cases = [chain for chain in chains if chain.last("received")]
    booked = erp.booked()
    mirrors = erp.reversed()
    found += [*_documents(booked, {chain.case: chain for chain in cases}), *_reversals(mirrors, cases)]
    for chain in cases:
        found += [*_decisions(chain), *_effects(chain)]
        if over:
            found += [*_ends(chain, booked), *_mirrors(chain, mirrors), *(_cards(chain, desk) if desk else ())]
    if over:
        found += _funds(chains, {chain.case: chain for chain in cases})
    return found + [one async for one in _secrets(ledger, desk, secrets)] if secrets else found


def _documents(booked: list[Booked], cases: dict[str, Chain]) -> Iterator[Violation]:
    """I1, I3, I10: over what the ERP holds."""
    for (kind, key), count in Counter((one.document.kind, one.document.key) for one in booked).items():
        if count > 1:
            yield Violation("I1", key, f"{count} documents of kind {kind}")
    intents = {line.key: (chain, n) for chain in cases.values() for n, line in enumerate(chain.lines)
               if line.act == "intent"}  # fmt: skip
    for one in booked:
        key = one.document.key
        if key not in intents:
            yield Violation("I10", key, f"{one.document.kind} {one.document.number} was never intended")
            continue
        chain, place = intents[key]
        if type(one.draft).model_validate(chain.lines[place].body["draft"]) != one.draft:
            yield Violation("I3", chain.case, f"{one.document.number} is not what was intended")
        if isinstance(one.draft, OrderDraft):
            yield from (Violation("I3", chain.case, what) for what in _unapproved(chain, place, one.draft))


def _unapproved(chain: Chain, place: int, draft: OrderDraft) -> Iterator[str]:
    """Say what was ordered without the approvals that were asked before the intent, each for what is ordered."""
    asks = [Ask.model_validate(line.body["ask"]) for line in chain.lines[:place] if line.act == "asked"]
    decided = {one.ask: one for one in decisions_of(chain)}
    newest = [ask for ask in asks if ask.key.split("-")[0] == asks[-1].key.split("-")[0]]
    for ask in asks:
        decision = decided.get(ask.key)
        if decision is None or decision.verdict != "approve":
            yield f"ordered although {ask.key} was not approved"
        elif decision.shown != digest(canonical(ask)):
            yield f"{ask.key} was approved for something else"
    for ask in newest:
        amount = draft.unit_price * draft.quantity
        if (ask.item, ask.supplier) != (draft.item, draft.supplier) or amount.amount > ask.amount.amount:
            yield f"{draft.quantity} × {draft.item} for {amount} is not what {ask.key} agreed to"


def _reversals(mirrors: list[Reversed], cases: list[Chain]) -> Iterator[Violation]:
    """I1, I3, I10: over what was reversed in the ERP."""
    intents = {line.key: line for chain in cases for line in chain.having("intent")}
    for entry, count in Counter(one.draft.entry for one in mirrors).items():
        if count > 1:
            yield Violation("I1", entry, f"reversed {count} times")
    for one in mirrors:
        intent = intents.get(one.key)
        if intent is None:
            yield Violation("I10", one.key, f"nobody intended that {one.draft.entry} be reversed")
        elif intent.body["draft"]["entry"] != one.draft.entry:
            yield Violation("I3", one.key, f"{one.draft.entry} was reversed instead of {intent.body['draft']['entry']}")


def _mirrors(chain: Chain, mirrors: list[Reversed]) -> Iterator[Violation]:
    """I2, I3: what a case says it had reversed is reversed, and two have said so before."""
    agreed, made = chain.having("reversing"), {one.draft.entry: one.document.number for one in mirrors}
    for nth, line in enumerate(agreed):
        asked = [x for x in chain.lines[: chain.lines.index(line)] if x.act == "reversal-asked" and x.key == line.key]
        if not asked or asked[-1].actor == line.actor:
            yield Violation("I3", chain.case, f"{line.key} is to be reversed, and no two have said so")
        outcome = chain.last("outcome", effect_key(chain.case, "reverse", nth))
        if outcome is None:
            yield Violation("I2", chain.case, f"what became of {line.key} is not said")
        elif "document" in outcome.body and made.get(line.key) != outcome.body["document"]["number"]:
            yield Violation("I2", chain.case, f"{line.key} is not reversed, and the case says so")


def _decisions(chain: Chain) -> Iterator[Violation]:
    """I4, I7, I11: over what people said."""
    requester = chain.lines[0].body["request"]["requester"]
    decisions = decisions_of(chain)
    for ask, count in Counter(one.ask for one in decisions).items():
        if count > 1:
            yield Violation("I7", chain.case, f"{count} decisions on {ask}")
    adders = {
        (one.key, one.added.by_id)
        for line in chain.lines
        if line.act == "asked" and (one := Ask.model_validate(line.body["ask"])).added
    }
    yes = [one for one in decisions if one.verdict == "approve"]
    if any(requester in {one.by, *one.counts_as} for one in yes):
        yield Violation("I4", chain.case, f"{requester} approved what they asked for")
    at_a_look = Counter(
        (one.ask.partition("-")[0], one.by) for one in yes if (one.ask, one.by) not in adders
    )  # who added somebody who has left may say, a second time, that it needs no more
    twice = (by for (_, by), n in at_a_look.items() if n > 1)
    yield from (Violation("I4", chain.case, f"{by} approved twice") for by in twice)
    over: set[str] = set()
    for line in chain.lines:
        if line.act == "decided":
            over.add(line.key)
        if line.act in {"reminded", "escalated"} and line.key in over:
            yield Violation("I11", chain.case, f"{line.act} about {line.key}, which was decided")


def _effects(chain: Chain) -> Iterator[Violation]:
    """I9, and that each effect was intended once and came out once."""
    keys: dict[str, set[str]] = {}
    for line in chain.lines:
        if line.act in {"intent", "attempt", "taken", "unknown", "outcome"}:
            keys.setdefault(line.body["effect"], set()).add(line.key)
    for effect, used in keys.items():
        asked = {"cancel": "cancelling", "reverse": "reversing"}.get(effect)
        several = range(len(chain.having(asked))) if asked else (0,)
        if not used <= {effect_key(chain.case, effect, nth) for nth in several}:
            yield Violation("I9", chain.case, f"the {effect} was tried under {', '.join(sorted(used))}")
    undone = len(chain.having("cancelling")) + len(chain.having("reversing"))
    for act in ("intent", "outcome", "ended"):
        for key, count in Counter(line.key for line in chain.having(act)).items():
            if count > 1 + undone * (act == "ended"):
                yield Violation("I1", chain.case, f"{count} lines {act} {key}".strip())


def _ends(chain: Chain, booked: list[Booked]) -> Iterator[Violation]:
    """I2, I6: each case came to its end, with exactly the documents it says."""
    ended = chain.last("ended")
    own = {effect_key(chain.case, effect): effect for effect in EFFECTS.values()}
    made = [one for one in booked if one.document.key in own and one.live]
    if ended is None:
        if not waits_for(chain) and not in_doubt(chain):
            yield Violation("I2", chain.case, "neither ended, nor waiting, nor named as in doubt")
        if made and not in_doubt(chain):
            yield Violation("I2", chain.case, f"{made[0].document.number} is posted, and the case does not say so")
        return
    outcome = Outcome.model_validate(ended.body["outcome"])
    kind = ENDS.get(outcome.ended)
    if [one.document.kind for one in made] != ([kind] if kind else []):
        what = ", ".join(f"{one.document.kind} {one.document.number}" for one in made) or "nothing"
        yield Violation("I2", chain.case, f"ended as {outcome.ended}, and the ERP holds {what}")
    elif made and made[0].document.number != outcome.document:
        yield Violation("I2", chain.case, f"says {outcome.document}, and the ERP {made[0].document.number}")
    elif made and (posted := _value(made[0].draft)) != outcome.amount:
        yield Violation("I6", chain.case, f"posted {posted}, and says {outcome.amount}")


def _value(draft: OrderDraft | IssueDraft) -> Money | None:
    return draft.unit_price * draft.quantity if isinstance(draft, OrderDraft) else None


def _funds(chains: list[Chain], cases: dict[str, Chain]) -> Iterator[Violation]:
    """I6: no money stays set aside for a case that ended without an order."""
    for book in chains:
        if not book.case.startswith("book~funds~"):
            continue
        funds = Funds()
        for entry in book.entries:
            funds.take(entry)
        for name in {*funds.holds, *funds.placed}:
            ended = cases[name].last("ended") if name in cases else None
            how = ended.body["outcome"]["ended"] if ended else "ordered"
            if how != "ordered" and not (how == "cancelled" and name in funds.placed):
                yield Violation("I6", name, f"{book.case} still holds its funds")


def _cards(chain: Chain, desk: FakeDesk) -> Iterator[Violation]:
    """I12: each card whose ask is over says so."""
    if not chain.last("ended"):
        return
    drawn = {line.key for line in chain.having("drawn") if line.body.get("refused")}
    for line in chain.having("asked"):
        ask, posted = Ask.model_validate(line.body["ask"]), posted_of(chain, line.key)
        locked = locked_card(chain, ask, "UTC")
        card = desk.messages.get(posted) if posted else None
        if locked and posted and line.key not in drawn and (card is None or card.text != locked.text):
            yield Violation("I12", chain.case, f"the card of {line.key} says {card.text if card else 'nothing'}")

    for line in chain.having("doubt"):
        nth = chain.having("doubt", line.key).index(line) + 1
        doubt, word = doubt_of(chain, line.key, nth), word_on(chain, line.key, nth)
        card = desk.messages.get(Posted.model_validate(line.body)) if "ts" in line.body else None
        if doubt and word and card and card.text != settled_card(doubt, word, "UTC").text:
            yield Violation("I12", chain.case, f"the card of a doubt that was settled says {card.text}")


async def _secrets(ledger: Ledger, desk: FakeDesk | None, secrets: Collection[str]) -> AsyncIterator[Violation]:
    """I8: over every object that is not the vault's, and every message."""
    async for blob in ledger.store.list(""):
        if blob.key.startswith(CARRIED):
            continue
        data = (await ledger.store.get(blob.key)).decode(errors="replace")
        for secret in secrets:
            if secret in data or secret in blob.key:
                yield Violation("I8", blob.key, "holds what must stay outside")
    for card in desk.messages.values() if desk else ():
        if any(secret in f"{card.text} {card.blocks}" for secret in secrets):
            yield Violation("I8", card.key, "shows what must stay outside")
