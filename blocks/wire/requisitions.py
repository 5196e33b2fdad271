"""Requisitions as they arrive: JSON, JSON lines and CSV; parsing returns `(values, issues)`, nothing is lost."""

import csv
import hashlib
import io
import json
import re
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import ValidationError

from blocks.records.base import TYPED
from blocks.records.purchasing import QUANTITY_MAX, Requisition
from blocks.wire.patients import reason_to_leave_out

BYTES_MAX = 256 * 1024
"""Of one message; a requisition is under a kilobyte."""

SEGMENT_MAX = 200
"""Of a key; file systems, and object stores that keep files, end at 255, and a quarantined message's digest follows."""

FIELDS = tuple(Requisition.model_fields)
IN_WORDS = tuple(name for name, field in Requisition.model_fields.items() if TYPED in field.metadata)
YES_OR_NO = frozenset({"emergency"})

REMEDIES = {
    "missing": "is missing: every requisition needs it",
    "extra_forbidden": f"is not a field of a requisition: use {', '.join(FIELDS)}",
    "greater_than": "must be at least 1",
    "less_than_equal": f"is more than {QUANTITY_MAX:,}: check for a slip, or ask procurement",
    "int_parsing": "must be a whole number, such as 12",
    "int_type": "must be a whole number, such as 12",
    "int_from_float": "must be a whole number, such as 12",
    "finite_number": "must be a whole number, such as 12",
    "int_parsing_size": f"is more than {QUANTITY_MAX:,}: check for a slip, or ask procurement",
    "date_from_datetime_parsing": "must be a date, such as 2026-12-01",
    "date_from_datetime_inexact": "must be a date, such as 2026-12-01",
    "date_parsing": "must be a date, such as 2026-12-01",
    "date_type": "must be a date, such as 2026-12-01",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "emergency_without_reason": "needs a reason: say why it cannot wait",
    "string_unicode": "must be text",
    "string_type": "must be text",
}
BY_FIELD = {
    "currency": "must be a three-letter ISO 4217 code, such as USD",
    "reason": "must be at most 200 characters of text",
}


class Issue(NamedTuple):
    """What is wrong with a message: which field, and what to do about it."""

    field: str
    reason: str


class Row(NamedTuple):
    """One line of a file: its number, its id and its message as JSON."""

    line: int
    id: str
    raw: bytes


def read_requisition(raw: bytes, own: str = "") -> tuple[Requisition | None, tuple[Issue, ...]]:
    """Read one requisition from JSON, or say what is wrong with it, field by field.

    *own*: the id by which it is known, which an item of several may give itself as `id`.
    """
    if len(raw) > BYTES_MAX:
        return None, (Issue("message", f"is {len(raw):,} bytes: at most {BYTES_MAX:,} are read"),)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None, (Issue("message", "is not UTF-8: send it in UTF-8"),)
    try:
        fields = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None, (Issue("message", "is not JSON: send one JSON object"),)
    if not isinstance(fields, dict):
        return None, (Issue("message", "is not a JSON object: send one requisition as {…}"),)
    try:
        if own and id_in(fields) == own:
            del fields["id"]
        told = {k: v if k in YES_OR_NO else _told(v) for k, v in fields.items() if v not in ("", None)}
        request = Requisition.model_validate(told)
    except ValidationError as error:
        return None, tuple(_issue(dict(one)) for one in error.errors())
    issues = tuple(Issue(name, why) for name in IN_WORDS if (why := reason_to_leave_out(getattr(request, name))))
    return (None, issues) if issues else (request, ())


def id_in(item: object) -> str:
    """Read the id that an item gives itself; empty where it gives none."""
    own = item.get("id") if isinstance(item, dict) else None
    return "" if own is None else storable(str(own)).strip()


def items_in(body: bytes) -> list[tuple[str, bytes]]:
    """Split a list of JSON into the ids that its items give themselves and the bytes of each, as they were sent.

    `ValueError` where it is no JSON; `TypeError` where it is no list. Of what is not UTF-8 each item is printed in it.
    """
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    if not isinstance(json.loads(text), list):
        message = "no list"
        raise TypeError(message)
    found, at = list[tuple[str, bytes]](), _after(text, text.index("[") + 1)
    while text[at] != "]":
        item, end = json.JSONDecoder().raw_decode(text, at)
        found.append((id_in(item), text[at:end].encode(errors="surrogatepass")))
        at = _after(text, end)
    return found


def read_file(name: str, raw: bytes, file_id: str) -> tuple[list[Row], tuple[Issue, ...]]:
    """Split a CSV or JSON-lines file into rows, each a message of its own; a broken row is still a row.

    A row's id is its own `id` column or field where it has one, and the file's id with its line number elsewhere.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [], (Issue("file", f"{name} is not UTF-8 at byte {error.start}: save it as UTF-8"),)
    if name.lower().endswith(".csv"):
        return _csv_rows(name, text, file_id)
    if name.lower().endswith((".jsonl", ".ndjson")):
        lines = enumerate(text.split("\n"), 1)  # JSON's text may hold the other ends of a line that Python knows
        return [_json_row(number, line, file_id) for number, line in lines if line.strip()], ()
    return [], (Issue("file", f"{name} is neither .csv nor .jsonl: rename or convert it"),)


def spell_out(part: str) -> str:
    """Make one segment of a key of any text: letters, digits, `.`, `_`, `-`, and `%` escapes; never a dot first.

    What is too long for a file's name ends in a digest of all of it, so that two long texts never share a segment.
    """
    spelled = quote(part, safe="")
    if len(spelled) > SEGMENT_MAX:
        spelled = f"{spelled[: SEGMENT_MAX // 2]}~{hashlib.sha256(part.encode()).hexdigest()}"
    return f"%2E{spelled[1:]}" if spelled.startswith(".") else spelled or "%00"


def storable(text: str) -> str:
    """Replace what JSON's escapes can spell and UTF-8 cannot hold: halves of a character, each by a question mark."""
    return text.encode(errors="replace").decode()


def _csv_rows(name: str, text: str, file_id: str) -> tuple[list[Row], tuple[Issue, ...]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = [column.strip() for column in reader.fieldnames or ()]
    except csv.Error as error:
        return [], (Issue("file", f"{name} line 1: {error}: check the quotes"),)
    if twice := sorted({column for column in header if header.count(column) > 1}):
        return [], (Issue("file", f"{name} has columns {twice} more than once: leave one of each"),)
    if unknown := [column for column in header if column not in (*FIELDS, "id")]:
        return [], (Issue("file", f"{name} has unknown columns {unknown}: use {', '.join(FIELDS)}"),)
    rows: list[Row] = []
    try:
        for record in reader:
            fields = dict(zip(header, record.values(), strict=False))
            if None in record:
                fields["more_columns_than_the_header"] = str(record[None])
            rows.append(_row(reader.line_num, fields, file_id))
    except csv.Error as error:
        return rows, (Issue("file", f"{name} line {reader.line_num + 1}: {error}: check the quotes"),)
    return rows, ()


def _json_row(number: int, line: str, file_id: str) -> Row:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, f"{file_id}~{number}", line.encode())
    return Row(number, id_in(fields) or f"{file_id}~{number}", line.encode())


def _row(number: int, fields: dict[str, Any], file_id: str) -> Row:
    name = id_in(fields) or f"{file_id}~{number}"
    fields.pop("id", None)
    return Row(number, name, json.dumps(fields, sort_keys=True).encode())


def _after(text: str, at: int) -> int:
    """Say where the next item begins, or the list ends."""
    while text[at] in " \t\r\n,":
        at += 1
    return at


def _issue(error: dict[str, Any]) -> Issue:
    field = storable(".".join(str(part) for part in error["loc"])) or "message"
    kind = str(error["type"])
    if kind in REMEDIES:
        return Issue(field, REMEDIES[kind])
    if field in BY_FIELD:
        return Issue(field, BY_FIELD[field])
    if kind == "string_pattern_mismatch":
        return Issue(field, "must be a code of letters, digits, '.', '_' or '-', at most 40 long")
    return Issue(
        field, re.sub(r"\s+", " ", str(error["msg"]))
    )  # pragma: no cover  (kinds that pydantic may yet invent)


def _told(value: object) -> object:
    """Give true and false as lists of one, which no field takes: as whole numbers they would be 1 and 0."""
    return [value] if isinstance(value, bool) else value


def _no_constant(name: str) -> float:
    raise ValueError(name)
