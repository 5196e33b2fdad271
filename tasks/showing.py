"""Showing: what the card of an ask looks like by now. Pure over the chain, so that any door may draw it."""

from datetime import datetime

from blocks.ledger import Chain
from blocks.ports import Card
from blocks.records.approval import Added, Ask
from blocks.records.policy import Rulebook
from blocks.wire.cards import Around, Held, ask_card, closed_card, decided_card, withdrawn_card
from tasks.decide import decision_of, decisions_of, due_in, held_of, reason_over
from tasks.rules.authority import who_can, whom_it_lacks
from tasks.rules.changes import differences
from tasks.rules.standing import above_of


def card_of(chain: Chain, ask: Ask, rulebook: Rulebook, at: datetime) -> Card:
    """Draw the card of an ask as the ledger has it: with its buttons, or locked with what became of it."""
    directory = rulebook.directory
    if locked := locked_card(chain, ask, directory.zone):
        return locked
    above, earlier = above_of(chain.lines, ask.key), decisions_of(chain)
    able = who_can(ask, directory, rulebook.duties, at, above=above, earlier=earlier)
    standing_in = {one.by.id: one.of.name for one in able if one.of}
    around = around_of(chain, ask, rulebook)
    if not able:
        lacks = whom_it_lacks(ask, directory, rulebook.duties, at, above=above, earlier=earlier)
        around = around._replace(lacks=lacks)
    return ask_card(ask, tuple(one.by for one in able), standing_in, around, directory.zone)


def locked_card(chain: Chain, ask: Ask, zone: str) -> Card | None:
    """Draw the card of an ask that is over; None while it is open."""
    if decision := decision_of(chain, ask.key):
        return decided_card(ask, decision, zone, Around(then=_still_to_ask(chain, ask)))
    if ask.settled(decisions_of(chain)) and (over := reason_over(chain, ask)):
        return closed_card(ask, over)
    gone = chain.last("withdrawn")
    return withdrawn_card(ask, gone.body["name"], gone.at, zone) if gone else None


def around_of(chain: Chain, ask: Ask, rulebook: Rulebook) -> Around:
    """Read what has come about around an ask."""
    held, handed, asked = held_of(chain, ask.key), chain.last("handed", ask.key), chain.last("asked", ask.key)
    advised = chain.last("advised", ask.key)
    return Around(
        handed_by=handed.body["by"] if handed else "",
        handed_to=rulebook.directory.person(handed.body["to"]) if handed else None,
        held=Held(held.body["name"], held.at, held.body["because"]) if held else None,
        then=_still_to_ask(chain, ask),
        changed=_changed(chain, ask),
        fewer=rulebook.policy.approve_fewer,
        due=due_in(asked) if asked else None,
        advice=advised.body["words"] if advised else "",
    )


def added_to(chain: Chain, ask: str | None = None) -> tuple[Added, ...]:
    """List whom approvers have added to a case, or while one ask was open, oldest first."""
    return tuple(Added.model_validate(line.body["added"]) for line in chain.having("added", ask))


def _still_to_ask(chain: Chain, ask: Ask) -> tuple[str, ...]:
    """Name who was added and is asked after an ask: those who have approved in a role are not."""
    asked = [line.key for line in chain.having("asked")]
    until = asked[: asked.index(ask.key) + 1]
    answered = {one.by for one in decisions_of(chain) if one.ask in until}
    answered |= {key.partition("-added-")[2] for key in until}
    return tuple(one.name for one in added_to(chain) if one.person not in answered)


def _changed(chain: Chain, ask: Ask) -> str:
    """Tell what is different from what the same role agreed to before, if it did."""
    earlier = (line.record(Ask, "ask") for line in chain.having("asked"))
    same = [x for x in earlier if (x.role, x.place, x.added) == (ask.role, ask.place, ask.added) and x.key != ask.key]
    agreed = [x for x in same if decision_of(chain, x.key)]
    return differences(agreed[-1], ask) if agreed and _look(agreed[-1]) < _look(ask) else ""


def _look(ask: Ask) -> int:
    return int(ask.key.partition("-")[0])
