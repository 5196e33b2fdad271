"""Reminders: one message, however much waits, within Slack's limits, and nothing people write breaks out of it."""

import re
from datetime import timedelta
from typing import get_args

import pytest

from blocks.wire.reminders import (
    Late,
    Reminder,
    Why,
    bottleneck_table,
    bottlenecks,
    lateness,
    reminder_card,
    waiting_rows,
)
from infrastructure.local.desk.blockkit.blocks import wrong_with_blocks
from tests.samples import NOON, ask
from tests.shown import as_agreed

LONG = "long & <!channel> *text* " * 100


@pytest.mark.parametrize("count", [1, 2, 10, 11, 500])
@pytest.mark.parametrize("why", get_args(Why))
def test_however_much_waits_slack_takes_the_one_message(count: int, why: Why):
    tricky = ask(description=LONG[:200], requester_name="<@U1>")
    card = reminder_card("clock/x/ana.silva", [Reminder(tricky, why, NOON, NOON, "C1")] * count, "America/Chicago")
    assert not wrong_with_blocks(card.blocks)
    assert "<!channel" not in card.text
    assert "<@U1>" not in card.text
    assert card.text.count("•") + int((re.findall(r"and (\d+) more", card.text) or [0])[0]) == count


def test_one_message_looks_as_agreed():
    soon = NOON + timedelta(hours=9)
    told = [Reminder(ask(), why, NOON, soon, "C0APPROVALS") for why in get_args(Why)]
    as_agreed("card-reminder.json", reminder_card("clock/x/ana.silva", told, "America/Chicago")._asdict())
    over = [Reminder(ask(), "gone", NOON, soon, "C0APPROVALS")]
    as_agreed("card-released.json", reminder_card("clock/x/ana.silva", over, "America/Chicago")._asdict())


def test_what_has_no_due_time_says_none():
    card = reminder_card("k", [Reminder(ask(), "waits", NOON, None, None)], "UTC")
    assert "due" not in card.text
    assert "in its channel" in card.text


LATENESS = [(0, "< 1 h"), (59, "< 1 h"), (60, "1 h"), (24 * 60, "1 d"), (25 * 60 + 5, "1 d 1 h"), (49 * 60, "2 d 1 h")]


@pytest.mark.parametrize(("minutes", "told"), LATENESS)
def test_how_late_is_told_to_the_hour(minutes: int, told: str):
    assert lateness(timedelta(minutes=minutes)) == told


def test_the_table_has_what_is_late_then_what_is_due_then_the_rest_and_is_bounded():
    def late(case: str, due_h: int | None, *people: str) -> Late:
        due = None if due_h is None else NOON + timedelta(hours=due_h)
        return Late(case, "1 x tray", people, "finance-director of OR", NOON, due)

    told = [late("none", None), late("next", 3, "Ana"), late("late", -2, "Ana", "Leo"), late("later", -30, "Ana")]
    rows = waiting_rows(told, NOON, "UTC")
    assert [(row["case"], row["late"]) for row in rows] == [
        ("later", "1 d 6 h"), ("late", "2 h"), ("next", ""), ("none", ""),
    ]  # fmt: skip
    assert rows[-1]["waits for"] == "nobody may decide it"
    assert bottlenecks(told, NOON) == "4 wait, 2 of them late. Most wait for Ana (3), Leo (1)"
    assert bottlenecks([], NOON) == "0 wait, 0 of them late"
    assert bottleneck_table(told, NOON, "America/Chicago").splitlines()[4:] == [
        "| Ana | 3 | 2 | 2 | Mon 23 Nov 06:00 |",
        "| Leo | 1 | 0 | 1 | Mon 23 Nov 06:00 |",
        "| nobody may decide it | 1 | 1 | 0 | Mon 23 Nov 06:00 |",
    ]
    assert bottleneck_table([], NOON, "UTC") == "**0 wait, 0 of them late**"
    assert len(waiting_rows([late(str(n), 1, *"abcdefg") for n in range(600)], NOON, "UTC")) == 500
    assert waiting_rows([late("x", 1, *"abcdefg")], NOON, "UTC")[0]["waits for"] == "a, b, c, d, e and 2 more"
