"""App Home and the form for many at once: as agreed, and no longer than Slack takes."""

from datetime import timedelta

import pytest

from blocks.wire.home import BULK_MAX, ITEMS_MAX, Mine, Waiting, bulk_modal, home_view
from infrastructure.local.desk.blockkit.blocks import wrong_with_view
from tests.samples import NOON, ask
from tests.second_opinion import assert_taken
from tests.shown import as_agreed

ZONE = "America/Chicago"
FULL = [
    Waiting(ask(), NOON, "", routine=True, due=NOON + timedelta(hours=9)),
    Waiting(ask(key="1-finance-director", role="finance-director", contract=None), NOON, "Frida Ng"),
    Waiting(ask(quantity=1), NOON, routine=True, due=NOON, late=True),
]
MINE = [Mine("RQ-7F3K2Q9MAA", "2 × HIP <STEM> & more", "Waits for implant-coordinator of OR")]
SHOWN = {
    "home": home_view(FULL, MINE, ["Leo Brandt stands in for you until Friday"], ZONE),
    "home-empty": home_view([], [], [], ZONE),
    "modal-bulk": bulk_modal(FULL),
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_agreed(name):
    as_agreed(f"{name}.json", SHOWN[name])


@pytest.mark.parametrize("many", [1, 24, 25, 26, 500])
def test_however_much_waits_slack_takes_the_tab_and_the_form(many):
    long = ask(description="Screw & washer <3.5> " * 30, requester_name="R" * 300, cost_centre="C" * 60)
    waiting = [Waiting(long, NOON, "F" * 300, routine=True, due=NOON)] * many
    view = home_view(waiting, [Mine("RQ-1", "x" * 2000, "y" * 2000)] * many, ["z" * 200] * many, ZONE)
    for shown in (view, bulk_modal(waiting)):
        assert not wrong_with_view(shown, shown["type"])
        assert len(str(shown)) < 250_000
    assert str(view).count("'action_id': 'approve'") == min(many, ITEMS_MAX)
    assert len(bulk_modal(waiting)["blocks"][0]["element"]["options"]) == min(many, BULK_MAX)


def test_what_fits_is_taken_by_everybody():
    assert_taken(bulk_modal([Waiting(ask(), NOON, routine=True)]))
