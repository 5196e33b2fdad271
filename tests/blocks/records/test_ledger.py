"""Lines, and the records in them."""

from blocks.records.approval import Ask
from blocks.records.ledger import Line
from tests.samples import NOON, ask, usd


def test_a_record_in_a_line_is_read_once():
    line = Line(act="asked", actor="process:test", at=NOON, body={"ask": ask().model_dump(mode="json")})
    assert line.record(Ask, "ask") == ask()
    assert line.record(Ask, "ask") is line.record(Ask, "ask")


def test_a_copy_with_another_body_is_read_anew():
    line = Line(act="asked", actor="process:test", at=NOON, body={"ask": ask().model_dump(mode="json")})
    line.record(Ask, "ask")
    dearer = line.model_copy(update={"body": {"ask": ask(amount=usd(9)).model_dump(mode="json")}})
    assert dearer.record(Ask, "ask").amount == usd(9)


def test_what_was_read_is_no_part_of_the_line():
    line = Line(act="asked", actor="process:test", at=NOON, body={"ask": ask().model_dump(mode="json")})
    unread = line.model_copy(deep=True)
    line.record(Ask, "ask")
    assert line == unread
    assert "known" not in line.model_dump()
