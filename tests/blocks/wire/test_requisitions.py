"""Requisitions as they arrive: what is read, and what is said about what cannot be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.wire.requisitions import BYTES_MAX, SEGMENT_MAX, items_in, read_file, read_requisition, spell_out, storable

GOOD = {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 2}
WHOLE, DATE, CODE = (
    "must be a whole number, such as 12",
    "must be a date, such as 2026-12-01",
    "must be a code of letters",
)
TOO_MANY = "is more than 100,000: check for a slip, or ask procurement"
ISO = "must be a three-letter ISO 4217 code, such as USD"

FIELDS: list[tuple[str, Any, str]] = [
    ("requester", None, "is missing"), ("requester", "", "is missing"), ("requester", 7, "must be text"),
    ("requester", "rita okafor", CODE), ("requester", "\ud800", "must be text"),
    ("cost_centre", None, "is missing"), ("cost_centre", "../OR", CODE), ("cost_centre", ["OR"], "must be text"),
    ("item", None, "is missing"), ("item", "x" * 41, CODE), ("item", "<b>", CODE), ("item", True, "must be text"),
    ("quantity", None, "is missing"), ("quantity", 0, "must be at least 1"), ("quantity", -3, "must be at least 1"),
    ("quantity", 100_001, TOO_MANY), ("quantity", 10**400, TOO_MANY), ("quantity", "9" * 5000, TOO_MANY),
    ("quantity", 1.5, WHOLE), ("quantity", 1e300, "100,000"), ("quantity", "a dozen", WHOLE), ("quantity", [2], WHOLE),
    ("quantity", True, WHOLE), ("quantity", "1e3", WHOLE),
    ("currency", "usd", ISO), ("currency", "dollars", ISO), ("currency", 840, "must be text"),
    ("needed_by", "soon", DATE), ("needed_by", "2026-02-30", DATE), ("needed_by", 5, DATE), ("needed_by", [], DATE),
    ("needed_by", True, DATE), ("charge_on", "31.12.2026", DATE), ("charge_on", "2026-12-01T10:00:00", DATE),
    ("reason", "x" * 201, "must be at most 200 characters"), ("reason", {}, "must be text"),
    ("quantiy", 3, "is not a field of a requisition: use requester, cost_centre"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "remedy"), FIELDS, ids=[f"{f} {str(v)[:12]!r}" for f, v, _ in FIELDS])
def test_a_bad_field_is_named_with_its_remedy(field: str, value: Any, remedy: str):
    request, issues = read_requisition(json.dumps(GOOD | {field: value}).encode())
    assert request is None
    (issue,) = issues
    assert issue.field == field
    assert remedy in issue.reason


def test_half_a_character_as_a_field_s_name_is_told_of_the_whole_message():
    request, issues = read_requisition(b'{"\\ud83d": 3}')
    assert request is None
    assert [tuple(issue) for issue in issues] == [("message", "must be text")]


def test_every_bad_field_is_told_at_once():
    _, issues = read_requisition(b'{"requester": 1, "quantity": "x", "colour": "red"}')
    assert {issue.field for issue in issues} == {"requester", "quantity", "colour", "cost_centre", "item"}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not JSON"), (b"{", "is not JSON"), (b"requester=rita", "is not JSON"),
        (b'{"quantity": NaN}', "is not JSON"), (b'{"quantity": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"[" * 100_000, "is not JSON"), (b'{"a":' * 50_000, "is not JSON"), (b"\xef\xbb\xbf{}", "is not JSON"),
        (b"[]", "is not a JSON object"), (b"7", "is not a JSON object"), (b"null", "is not a JSON object"),
        ('{"reason": "Grüße"}'.encode("latin-1"), "is not UTF-8"), ('{"item": "A"}'.encode("utf-16"), "is not UTF-8"),
        (b" " * (BYTES_MAX + 1), "is 262,145 bytes: at most 262,144 are read"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_what_is_no_requisition_at_all_is_told_as_a_whole(raw: bytes, reason: str):
    request, issues = read_requisition(raw)
    assert request is None
    assert [issue.field for issue in issues] == ["message"]
    assert reason in issues[0].reason


@given(raw=st.binary(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*GOOD, "x"]) | st.text(), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_whatever_comes_is_read_or_told_and_never_fails(raw):
    request, issues = read_requisition(raw)
    assert (request is None) == bool(issues)
    for issue in issues:
        (issue.field + issue.reason).encode()


def test_what_people_type_around_it_is_taken_off():
    told = GOOD | {"item": " KNEE-TIB-4 ", "quantity": "2", "reason": " Monday ", "needed_by": "", "currency": None}
    request, issues = read_requisition(json.dumps(told).encode())
    assert not issues
    assert request is not None
    assert (request.item, request.quantity, request.reason) == ("KNEE-TIB-4", 2, "Monday")
    assert (request.needed_by, request.currency) == (None, "USD")


CSV = "item,quantity,cost_centre,requester\n"


def rows_of(name: str, text: str | bytes) -> list[tuple[int, str, dict[str, Any]]]:
    rows, issues = read_file(name, text if isinstance(text, bytes) else text.encode(), "F")
    assert not issues
    return [(row.line, row.id, json.loads(row.raw)) for row in rows]


def test_a_csv_file_is_a_row_a_requisition():
    (first, second) = rows_of("a.csv", CSV + "A,1,OR,rita\nB,2,OR,rita\n")
    assert first == (2, "F~2", {"item": "A", "quantity": "1", "cost_centre": "OR", "requester": "rita"})
    assert second[:2] == (3, "F~3")


def test_a_byte_order_mark_and_spaces_in_the_header_do_no_harm():
    (row,) = rows_of("a.CSV", "\ufeff item , quantity \nA,1\n")
    assert row[2] == {"item": "A", "quantity": "1"}


def test_a_row_may_bring_its_own_id():
    rows = rows_of("a.csv", "id,item\n 7 ,A\n,B\n")
    assert [(name, fields) for _, name, fields in rows] == [("7", {"item": "A"}), ("F~3", {"item": "B"})]


def test_a_ragged_row_is_a_row_that_says_what_is_wrong_with_it():
    short, long = rows_of("a.csv", CSV + "A\nB,1,OR,rita,blue,green\n")
    assert short[2]["quantity"] is None
    assert long[2]["more_columns_than_the_header"] == "['blue', 'green']"
    for _, _, fields in (short, long):
        assert read_requisition(json.dumps(fields).encode())[1]


def test_a_quoted_line_break_stays_within_its_row():
    first, second = rows_of("a.csv", 'item,reason\nA,"two\nlines, one comma"\nB,x\n')
    assert first[2]["reason"] == "two\nlines, one comma"
    assert (second[0], second[1]) == (4, "F~4")


def test_empty_lines_are_no_rows():
    assert [row[0] for row in rows_of("a.csv", CSV + "\nA,1,OR,rita\n\n")] == [3]
    assert [row[0] for row in rows_of("a.jsonl", '\n{"item": "A"}\n  \n\r\n')] == [2]
    assert rows_of("a.csv", "") == []


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("a.csv", b"item,colour\nA,red\n", "a.csv has unknown columns ['colour']: use requester"),
        ("a.csv", b"item,quantity, item\nA,1,B\n", "a.csv has columns ['item'] more than once"),
        ("a.csv", b'"item,quantity\nA,1\n', "a.csv line 1: unexpected end of data: check the quotes"),
        ("a.csv", "item\nGrün\n".encode("latin-1"), "a.csv is not UTF-8 at byte 7: save it as UTF-8"),
        ("a.xlsx", b"PK", "a.xlsx is neither .csv nor .jsonl: rename or convert it"),
        ("csv", b"item\nA\n", "csv is neither .csv nor .jsonl"),
    ],
)
def test_a_file_that_cannot_be_split_is_told_as_a_whole(name: str, raw: bytes, reason: str):
    rows, issues = read_file(name, raw, "F")
    assert not rows
    assert [issue.field for issue in issues] == ["file"]
    assert reason in issues[0].reason


def test_rows_before_an_open_quote_are_kept():
    rows, issues = read_file("a.csv", b'item,reason\nA,x\nB,"open\nC,y\n', "F")
    assert [row.line for row in rows] == [2]
    assert issues[0].reason == "a.csv line 3: unexpected end of data: check the quotes"


def test_json_lines_are_a_message_a_line_however_bad():
    text = '{"item": "A", "id": "own"}\nnot json\n[1]\n' + "[" * 100_000 + '\n{"item": "B"}'
    rows, issues = read_file("a.ndjson", text.encode(), "F")
    assert not issues
    assert [(row.line, row.id) for row in rows] == [(1, "own"), (2, "F~2"), (3, "F~3"), (4, "F~4"), (5, "F~5")]
    assert rows[0].raw == b'{"item": "A", "id": "own"}'
    assert [bool(read_requisition(row.raw)[1]) for row in rows] == [True] * 5


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85"])
def test_an_end_of_line_that_json_does_not_know_does_not_end_a_line(end: str):
    (row,) = rows_of("a.jsonl", json.dumps({"reason": f"a{end}b"}, ensure_ascii=False) + "\r\n")
    assert row[2] == {"reason": f"a{end}b"}


@given(text=st.text(st.characters(codec="utf-8")))
def test_any_text_becomes_one_segment_of_a_key(text):
    segment = spell_out(text)
    assert 0 < len(segment) <= SEGMENT_MAX
    assert segment.isascii()
    assert not set(segment) & set("/\\ \n\0?#")
    assert not segment.startswith(".")


@given(one=st.text(st.characters(codec="utf-8"), min_size=1), other=st.text(st.characters(codec="utf-8"), min_size=1))
def test_two_names_never_share_a_segment(one, other):
    for long in ("", "x" * 300):
        assert (spell_out(long + one) == spell_out(long + other)) is (one == other)


def test_half_a_character_is_spelled_with_a_question_mark():
    assert storable("a\ud83db") == "a?b"
    assert storable("🏥 Grün") == "🏥 Grün"


SPACE = st.text(" \t\r\n", max_size=3)


@given(
    st.lists(
        st.tuples(
            SPACE,
            st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)),
            SPACE,
        )
    ),
    SPACE,
    st.booleans(),
)
def test_each_item_of_a_list_is_kept_as_it_was_sent(items: list[tuple[str, object, str]], space: str, ascii_only: bool):
    sent = [json.dumps(item, ensure_ascii=ascii_only) for _, item, _ in items]
    between = ",".join(f"{before}{one}{after}" for (before, _, after), one in zip(items, sent, strict=True))
    body = f"{space}[{space}{between}]{space}".encode()
    assert [raw for _, raw in items_in(body)] == [one.encode() for one in sent]


def test_what_is_sent_in_another_encoding_is_kept_in_utf8():
    assert items_in('[{"id": "ü"}]'.encode("utf-16")) == [("ü", '{"id": "ü"}'.encode())]


@pytest.mark.parametrize(("told", "own", "names"), [({"id": 7}, "7", False), ({"id": "8"}, "7", True), ({}, "", False)])
def test_an_item_may_repeat_the_id_it_came_under_and_no_other(told: dict[str, object], own: str, names: bool):
    request, issues = read_requisition(json.dumps(GOOD | told).encode(), own)
    assert (request is None, [one.field for one in issues]) == ((True, ["id"]) if names else (False, []))


@pytest.mark.parametrize("body", [b"{}", b"1", b'"["'])
def test_what_is_no_list_is_not_split(body: bytes):
    with pytest.raises(TypeError):
        items_in(body)
