"""Emergency access in Slack: as agreed, within Slack's limits, and each who looks sees what is theirs to do."""

import json
from datetime import timedelta
from typing import Any

import pytest

from blocks.ports import Card
from blocks.records.approval import ByEmergency
from blocks.records.people import Agreement, EmergencyAccess, EmergencyAsk, Review
from blocks.wire.cards import decided_card, said_card
from blocks.wire.emergency import emergency_card, holder_card, review_words
from infrastructure.local.hospital.__main__ import directory
from tests.blocks.wire.test_cards import assert_slack_takes
from tests.samples import NOON, ask, decision
from tests.shown import as_agreed

STAFF, ZONE = directory(), "America/Chicago"
ASKED = EmergencyAsk.model_validate({
    "key": "em-1a2b3c", "person": "mei.tan", "role": "department-manager", "cost_centres": ["OR"], "start": NOON,
    "limit": {"amount": "25000", "currency": "USD"}, "until": NOON + timedelta(hours=8), "asked_by": "rita.okafor",
    "reason": "Nobody of the <theatres> & wards can be reached",
})  # fmt: skip
LATER = NOON + timedelta(hours=1)
WORDS = tuple(
    Agreement(by=by, name=name, at=NOON + timedelta(minutes=nth))
    for nth, (by, name) in enumerate([("frida.ng", "Frida Ng"), ("paula.reyes", "Paula Reyes")])
)
REVIEW = Review(
    by="carl.moss", name="Carl Moss", at=NOON + timedelta(days=1), verdict="objected", words="No <call> came"
)
LENT = ByEmergency(key="em-1a2b3c", granted_by=("Frida Ng", "Paula Reyes"), until=ASKED.until)


def access(*agreed: Agreement, **more: Any) -> EmergencyAccess:
    return EmergencyAccess(asked=ASKED, agreed=agreed, **more)


def seen(stands: EmergencyAccess, by: str = "paula.reyes") -> Card:
    return emergency_card(stands, STAFF, by, LATER)


OVER = access(*WORDS, ended=LATER)
SHOWN = {
    "asked": seen(access()),
    "agreed-by-one": seen(access(WORDS[0])),
    "agreed-by-me": seen(access(WORDS[0]), "frida.ng"),
    "in-force": seen(access(*WORDS)),
    "held": holder_card(access(*WORDS), STAFF, "mei.tan", LATER),
    "held-asked": holder_card(access(*WORDS), STAFF, "rita.okafor", LATER),
    "held-over": holder_card(OVER, STAFF, "mei.tan", LATER),
    "ended": seen(OVER),
    "ended-unused": seen(access(WORDS[0], ended=LATER)),
    "to-review": said_card("emergency/em-1a2b3c/1/carl.moss", review_words(OVER, STAFF, LATER)),
    "reviewed": seen(OVER.model_copy(update={"review": REVIEW})),
    "decided": decided_card(ask(), decision(emergency=LENT), ZONE),
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_agreed_and_slack_takes_it(name):
    card = SHOWN[name]
    as_agreed(f"card-emergency-{name}.json", card._asdict())
    assert_slack_takes(card)


def test_only_whose_word_is_wanted_sees_the_button():
    with_button = {name for name, card in SHOWN.items() if "emergency-agree" in json.dumps(card.blocks)}
    assert with_button == {"asked", "agreed-by-one"}


def test_what_a_screen_reader_says_of_a_decision_names_when_the_access_ends():
    assert "by emergency access, granted by Frida Ng and Paula Reyes, until 23 Nov 14:00" in SHOWN["decided"].text


def test_what_people_wrote_breaks_out_of_no_card():
    for card in SHOWN.values():
        assert "<theatres>" not in json.dumps(card.blocks)
        assert "<call>" not in json.dumps(card.blocks)
