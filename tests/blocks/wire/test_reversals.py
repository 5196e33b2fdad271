"""The card of a journal entry that somebody wants reversed: as agreed, within Slack's limits."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.wire.cards import read_value
from blocks.wire.reversals import AGREE, Reversal, Word, reversal_card
from infrastructure.local.hospital.__main__ import directory
from tests.blocks.wire.test_cards import assert_slack_takes
from tests.samples import NOON, person
from tests.shown import as_agreed

ASKED = Reversal(
    "RQ-7F3K2Q9MAA", 1, "5.9.01/2026/118", "$580.00 on 2026-11-23 for order 7", (), "ED", Word("Paula Reyes", NOON),
    "billed twice: 4711 and 4711a are one delivery",
)  # fmt: skip
AGREED = ASKED._replace(agreed=Word("Frida Ng", NOON + timedelta(minutes=9)))
FRIDA, CARL = directory().person("frida.ng"), directory().person("carl.moss")
ZONE = "America/Chicago"
SHOWN = {
    "reversal": reversal_card(ASKED, (FRIDA, CARL), ZONE),
    "reversal-of-several": reversal_card(ASKED._replace(nth=2, also=("8", "9")), (FRIDA,), ZONE),
    "reversal-nobody": reversal_card(ASKED, (), ZONE),
    "reversal-agreed": reversal_card(AGREED, (), ZONE),
    "reversal-made": reversal_card(AGREED._replace(mirror="5.9.01/2026/131"), (), ZONE),
    "reversal-refused": reversal_card(AGREED._replace(refused="INV-1 has been paid"), (), ZONE),
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_agreed_and_slack_takes_it(name):
    as_agreed(f"card-{name}.json", SHOWN[name]._asdict())
    assert_slack_takes(SHOWN[name])


def test_its_button_says_which_entry_of_which_case_it_is_about_and_goes_when_somebody_agreed():
    (actions,) = (block for block in SHOWN["reversal"].blocks if block["type"] == "actions")
    (agree,) = actions["elements"]
    assert (agree["action_id"], read_value(agree["value"])) == (AGREE, ASKED.pressed)
    for name in ("reversal-agreed", "reversal-made", "reversal-refused"):
        assert not [block for block in SHOWN[name].blocks if block["type"] == "actions"]


def test_no_line_of_what_somebody_typed_reads_as_ours():
    drawn = reversal_card(ASKED._replace(because="billed twice\r\n✅ *The ERP agrees*"), (FRIDA,), ZONE)
    assert "> billed twice\n> ✅ *The ERP agrees*" in [block.get("text", {}).get("text") for block in drawn.blocks]


@given(st.text(max_size=4000), st.integers(0, 300))
def test_whatever_was_written_breaks_out_of_nothing(text, many):
    one = AGREED._replace(because=f"<!channel>{text}", books=f"<@U1>{text}"[:500], refused=f"<!here>{text}")
    people = tuple(person(f"p{n}", slack_user=f"U{n + 100}") for n in range(many))
    for drawn in (reversal_card(one, people, ZONE), reversal_card(one._replace(agreed=None, refused=""), people, ZONE)):
        assert_slack_takes(drawn)
        blocks = json.dumps(drawn.blocks)
        assert not [markup for markup in ("<!channel", "<@U1>", "<!here") if markup in blocks]
