"""Slack cards: as agreed, within Slack's limits, and nothing of what people write breaks out of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from blocks.ports import Card
from blocks.records.approval import Added
from blocks.records.outcome import Outcome
from blocks.wire import cards
from blocks.wire.canonical import canonical, digest
from blocks.wire.cards import Around, Held
from blocks.wire.told import told_card
from infrastructure.local.desk.blockkit.blocks import wrong_with_blocks
from infrastructure.local.hospital.__main__ import directory
from tests.samples import NOON, ask, decision, person, usd
from tests.shown import as_agreed

ANA = directory().person("ana.silva")
IVO = directory().person("ivo.petrov")
ADDED = Added(person="ana.silva", name="Ana Silva", by="Ivo Petrov", role="implant-coordinator")
AROUND = Around(
    handed_by="Ivo Petrov",
    handed_to=ANA,
    held=Held("Ivo Petrov", NOON, "the new <quote>"),
    then=("Leo Brandt",),
    changed="price $6,000.00 → $6,250.25",
)
LONG = "long & <wide> *text* " * 400


def assert_slack_takes(card: Card) -> None:
    assert not wrong_with_blocks(card.blocks)
    for block in card.blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
    assert 0 < len(card.text) <= 40_000
    json.dumps(card.blocks).encode()


SHOWN = {
    "ask": cards.ask_card(ask(), (ANA,)),
    "ask-off-contract": cards.ask_card(ask(contract=None, needed_by="", reason=""), (person("no.slack"),)),
    "ask-one": cards.ask_card(ask(quantity=1), (ANA,)),
    "ask-added": cards.ask_card(ask(key="1-added-ana.silva", added=ADDED, why="Ivo Petrov added you"), (ANA,)),
    "ask-around": cards.ask_card(ask(asked_for=5), (IVO, ANA), {"ivo.petrov": "Leo"}, AROUND, "America/Chicago"),
    "ask-advised": cards.ask_card(ask(), (ANA,), around=Around(advice="The usual price: <as> ever")),
    "ask-emergency": cards.ask_card(ask(emergency=True), (ANA,)),
    "ask-both": cards.ask_card(ask(beside=("1-department-manager", "1-finance-director"), enough=2), (ANA,)),
    "ask-two-of-three": cards.ask_card(ask(beside=("1-a", "1-b", "1-c"), enough=2, role="line-manager"), (ANA,)),
    "closed": cards.closed_card(ask(beside=("1-a", "1-b", "1-c"), enough=2), "Already approved by Ana & Leo at 14:02."),
    "approved-fewer": cards.decided_card(ask(), decision(quantity=1), "America/Chicago", Around(then=("Leo Brandt",))),
    "approved-added": cards.decided_card(ask(added=ADDED), decision(added=True), "America/Chicago"),
    "withdrawn": cards.withdrawn_card(ask(), "Rita Okafor", NOON, "America/Chicago"),
    "waits": cards.waiting_card(ask()),
    "waits-no-more": cards.waiting_card(ask(), "ordered"),
    "approved": cards.decided_card(ask(), decision(), "America/Chicago"),
    "rejected": cards.decided_card(ask(), decision(verdict="reject", note="not <!here>"), "America/Chicago"),
    "ordered": told_card("RQ-7F3K2Q9MAA", "2 x HIP-STEM-12", Outcome(ended="ordered", because="order 7")),
    "refused": told_card("RQ-7F3K2Q9MAA", "2 x HIP-STEM-12", Outcome(ended="refused", because="a & b")),
    "said": cards.said_card("k", "*Ana* asks"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_agreed_and_slack_takes_it(name):
    card = SHOWN[name]
    as_agreed(f"card-{name}.json", card._asdict())
    assert_slack_takes(card)


@pytest.mark.parametrize("many", [0, 1, 8, 9, 300])
def test_however_many_may_decide_the_card_is_drawn(many: int):
    people = tuple(person(f"p{n}", slack_user=f"U{n}") for n in range(many))
    card = cards.ask_card(ask(), people)
    assert_slack_takes(card)
    assert ("and 292 more" in json.dumps(card.blocks)) is (many == 300)


def test_whatever_is_too_long_is_cut():
    wordy = ask(description=LONG, reason=LONG[:200], why=LONG, after=LONG, supplier_name=LONG, requester_name=LONG,
                unit=LONG, contract=LONG, item="X" * 40)  # fmt: skip
    longest = Held(LONG, NOON, LONG)
    for card in (
        cards.ask_card(wordy, (ANA,)),
        cards.ask_card(wordy, (ANA,), {}, AROUND._replace(changed=LONG, handed_by=LONG, then=(LONG,), held=longest)),
        cards.withdrawn_card(wordy, LONG, NOON, "UTC"),
        cards.waiting_card(wordy),
        cards.decided_card(wordy, decision(note=LONG), "UTC"),
        told_card("RQ-1", LONG, Outcome(ended="filled", because=LONG)),
        cards.said_card("k", LONG * 10),
    ):
        assert_slack_takes(card)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=200)


@given(reason=words, name=words, note=words)
def test_nothing_that_people_write_becomes_markup_of_slacks_own(reason, name, note):
    tricky = ask(reason=f"<!channel>{reason}", requester_name=f"<@U1>{name}", description=f"<#C1>{name}")
    for card in (
        cards.ask_card(tricky, ()),
        cards.ask_card(
            tricky, (), {}, Around(held=Held(f"<@U1>{name}", NOON, f"<!here>{note}"), changed=f"<@U1>{name}")
        ),
        cards.waiting_card(tricky),
        cards.withdrawn_card(tricky, f"<@U1>{name}", NOON, "UTC"),
        cards.decided_card(tricky, decision(note=f"<!here>{note}"), "UTC"),
    ):
        drawn = json.dumps([block for block in card.blocks if block["type"] != "header"])
        for markup in ("<!channel", "<@U1", "<#C1", "<!here"):
            assert markup not in drawn


def test_a_button_carries_what_was_shown():
    pressed = cards.read_value(cards.button_value(ask()))
    assert pressed == ("RQ-7F3K2Q9MAA", "1-department-manager", digest(canonical(ask())))
    assert cards.read_value(cards.button_value(ask(amount=usd("1.00")))).shown != pressed.shown
    with pytest.raises(ValueError, match="unpack"):
        cards.read_value("a/b")


def test_a_moment_is_shown_in_the_hospitals_zone_where_slack_cannot_tell_the_readers():
    assert cards.moment(decision().at, "America/Chicago").endswith("|Nov 23, 06:00>")
