"""The card of an effect in doubt and its forms: as agreed, within Slack's limits."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.views import View

from blocks.wire import doubts
from blocks.wire.cards import read_value
from blocks.wire.doubts import Doubt, Word
from infrastructure.local.desk.blockkit.blocks import wrong_with_view
from infrastructure.local.hospital.__main__ import directory
from tests.blocks.wire.test_cards import assert_slack_takes
from tests.samples import NOON, person
from tests.shown import as_agreed

DOUBT = Doubt(
    "RQ-7F3K2Q9MAA", "d1f0c2ab" * 4, 1, "order", "2 × HIP-STEM-12 from SUP-CORDIS — $12,500.50", "OR", NOON, 1,
    "its answer was lost (ReadTimeout): it may or may not have acted", NOON, NOON + timedelta(minutes=3),
)  # fmt: skip
PAULA, FRIDA = directory().person("paula.reyes"), directory().person("frida.ng")
ZONE = "America/Chicago"
SHOWN = {
    "doubt": doubts.doubt_card(DOUBT, (PAULA, FRIDA), ZONE),
    "doubt-nobody": doubts.doubt_card(DOUBT._replace(tried=3, nth=2), (), ZONE),
    "doubt-made": doubts.settled_card(DOUBT, Word("made", "Paula Reyes", NOON, "4711"), ZONE),
    "doubt-not-made": doubts.settled_card(DOUBT, Word("not-made", "Paula Reyes", NOON), ZONE),
    "doubt-given-up": doubts.settled_card(DOUBT, Word("given-up", "Frida Ng", NOON, "", "not <!here>"), ZONE),
}
FORMS = {"made": doubts.made_modal(DOUBT.pressed), "give-up": doubts.give_up_modal(DOUBT.pressed)}


@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_agreed_and_slack_takes_it(name):
    as_agreed(f"card-{name}.json", SHOWN[name]._asdict())
    assert_slack_takes(SHOWN[name])


@pytest.mark.parametrize("name", FORMS)
def test_its_forms_look_as_agreed_and_slack_takes_them(name):
    as_agreed(f"modal-doubt-{name}.json", FORMS[name])
    assert not wrong_with_view(FORMS[name], "modal")
    View(**FORMS[name]).validate_json()


def test_its_buttons_say_which_doubt_of_which_effect_they_are_about():
    (actions,) = (block for block in SHOWN["doubt"].blocks if block["type"] == "actions")
    assert {read_value(one["value"]) for one in actions["elements"]} == {DOUBT.pressed}
    assert [one["action_id"] for one in actions["elements"]] == [doubts.MADE, doubts.NOT_MADE, doubts.GIVE_UP]


@given(st.text(max_size=4000), st.integers(0, 300))
def test_whatever_was_heard_and_said_breaks_out_of_nothing(text, many):
    doubt = DOUBT._replace(heard=f"<!channel>{text}", meant=f"<@U1>{text}"[:500])
    people = tuple(person(f"p{n}", slack_user=f"U{n + 100}") for n in range(many))
    word = Word("given-up", f"<@U1>{text}", NOON, "", f"<!here>{text}")
    for card in (doubts.doubt_card(doubt, people, ZONE), doubts.settled_card(doubt, word, ZONE)):
        assert_slack_takes(card)
        drawn = json.dumps(card.blocks)
        assert not [markup for markup in ("<!channel", "<@U1>", "<!here") if markup in drawn]
