"""Slack modals: as agreed, within Slack's limits, and read back."""

import json

import pytest
from slack_sdk.models.views import View

from blocks.wire import modals
from blocks.wire.cards import Pressed
from blocks.wire.told import cancel_modal
from infrastructure.local.desk.blockkit.blocks import wrong_with_view
from infrastructure.local.hospital.__main__ import directory
from tests.samples import ask, person
from tests.shown import as_agreed

PRESSED = Pressed("RQ-7F3K2Q9MAA", "1-department-manager", "c" * 64)
SHOWN = {
    "reject": modals.reject_modal(PRESSED),
    "question": modals.question_modal(PRESSED),
    "fewer": modals.fewer_modal(PRESSED, ask(quantity=1200, description="Screw <3.5 & washer")),
    "hand-over": modals.hand_over_modal(PRESSED),
    "add": modals.add_modal(PRESSED),
    "hold": modals.hold_modal(PRESSED),
    "cancel": cancel_modal(Pressed("RQ-7F3K2Q9MAA", "cancel", "0")),
    "requisition": modals.requisition_modal(directory().person("sam.lind"), "C1"),
    "requisition-anywhere": modals.requisition_modal(directory().person("paula.reyes"), ""),
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_agreed_and_slack_takes_it(name):
    view = SHOWN[name]
    as_agreed(f"modal-{name}.json", view)
    assert not wrong_with_view(view, "modal")
    View(**view).validate_json()
    assert len(json.dumps(view)) < 250_000


def test_more_cost_centres_than_slack_shows_are_cut():
    view = modals.requisition_modal(person(cost_centres=tuple(f"C{n}" for n in range(300))), "")
    assert not wrong_with_view(view, "modal")


def test_a_submitted_form_is_read_by_its_blocks():
    values = {
        "item": {"value": {"type": "plain_text_input", "value": " A "}},
        "quantity": {"value": {"type": "number_input", "value": "3"}},
        "cost_centre": {"value": {"type": "static_select", "selected_option": {"value": "OR"}}},
        "needed_by": {"value": {"type": "datepicker", "selected_date": "2026-12-01"}},
        "reason": {"value": {"type": "plain_text_input", "value": None}},
        "whom": {"value": {"type": "users_select", "selected_user": "U0ANA"}},
        "empty": {"value": {"type": "static_select", "selected_option": None}},
    }
    assert modals.read_state({"state": {"values": values}}) == {
        "item": "A", "quantity": "3", "cost_centre": "OR", "needed_by": "2026-12-01", "reason": "",
        "whom": "U0ANA", "empty": "",
    }  # fmt: skip
