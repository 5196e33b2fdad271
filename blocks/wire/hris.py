"""A people extract as HR systems write it: two CSV files, people and what they may decide.

People: `id,name,email,title,manager,active,cost_centres`; cost centres are separated by `;`. There may be more:
`owns`, the cost centres that somebody answers for, and `manager_limit,currency`, up to which they approve as a manager.
Where an extract leaves those out, it says nothing about them: they are not among a person's `model_fields_set`.
Grants: `person,role,cost_centres,limit,currency`; no cost centre means everywhere, no limit means any amount.

Parsing returns `(values, issues)`: a bad row never stops the file, and none is lost.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import ValidationError

from blocks.records.people import EVERYWHERE, Grant, Person

MORE = ("owns", "manager_limit", "currency")
"""Columns of people that an extract may leave out."""
PEOPLE = ("id", "name", "email", "title", "manager", "active", "cost_centres")
GRANTS = ("person", "role", "cost_centres", "limit", "currency")
ACTIVE = {"yes": True, "true": True, "1": True, "active": True, "no": False, "false": False, "0": False, "left": False}


class RowIssue(NamedTuple):
    """What is wrong with a row: in which file and line, which field, and what to do about it."""

    file: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        """Print as one line."""
        return f"{self.file} line {self.line}, {self.field}: {self.reason}"


def read_people(people: bytes, grants: bytes) -> tuple[tuple[Person, ...], tuple[RowIssue, ...]]:
    """Read both files into persons with their grants; Slack's side of them is not in an HR system."""
    issues: list[RowIssue] = []
    held = _grants(grants, issues)
    found: dict[str, Person] = {}
    for line, row in _rows("people", people, PEOPLE, issues):
        if row["id"] in found:
            issues.append(RowIssue("people", line, "id", f"{row['id']} occurs twice: keep one row a person"))
        elif person := _person(line, row, held.pop(row["id"], ()), issues):
            found[person.id] = person
    issues += [
        RowIssue("grants", 0, "person", f"{name} is not among the people: add them, or drop the row") for name in held
    ]
    for person in found.values():
        if person.manager and person.manager not in found:
            issues.append(RowIssue("people", 0, "manager", f"{person.id}'s manager {person.manager} is not among them"))
    return tuple(found.values()), tuple(issues)


def _person(line: int, row: Mapping[str, str], held: tuple[Grant, ...], issues: list[RowIssue]) -> Person | None:
    active = ACTIVE.get(row["active"].lower() or "yes")
    if active is None:
        issues.append(RowIssue("people", line, "active", f"{row['active']!r}: write yes or no"))
        return None
    told: dict[str, object] = {name: row[name] for name in PEOPLE}
    told |= {"active": active, "manager": row["manager"] or None, "grants": held}
    told["cost_centres"] = _centres(row)
    if "owns" in row:
        told["owns"] = _centres(row, "owns")
    if "manager_limit" in row:
        told["manager_limit"] = _limit(row["manager_limit"], row.get("currency", ""))
    try:
        return Person.model_validate(told)
    except ValidationError as error:
        issues += _told("people", line, error)
        return None


def _grants(text: bytes, issues: list[RowIssue]) -> dict[str, tuple[Grant, ...]]:
    found: dict[str, tuple[Grant, ...]] = {}
    for line, row in _rows("grants", text, GRANTS, issues):
        limit = _limit(row["limit"], row["currency"])
        told = {"role": row["role"], "cost_centres": _centres(row) or (EVERYWHERE,), "limit": limit}
        try:
            grant = Grant.model_validate(told)
        except ValidationError as error:
            issues += _told("grants", line, error)
        else:
            found[row["person"]] = (*found.get(row["person"], ()), grant)
    return found


def _rows(
    file: str, text: bytes, fields: tuple[str, ...], issues: list[RowIssue]
) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        issues.append(RowIssue(file, 0, "file", f"is not UTF-8 at byte {error.start}: export it as UTF-8"))
        return
    reader = csv.DictReader(io.StringIO(decoded))
    if missing := [name for name in fields if name not in (reader.fieldnames or ())]:
        issues.append(RowIssue(file, 1, "header", f"lacks {', '.join(missing)}: the header is {','.join(fields)}"))
        return
    for row in reader:
        if None in row or None in row.values():
            issues.append(RowIssue(file, reader.line_num, "row", f"has not {len(fields)} fields: check its quotes"))
        else:
            yield reader.line_num, {name: row[name].strip() for name in (*fields, *MORE) if name in row}


def _centres(row: Mapping[str, str], column: str = "cost_centres") -> tuple[str, ...]:
    return tuple(one.strip() for one in row[column].split(";") if one.strip())


def _limit(amount: str, currency: str) -> dict[str, str] | None:
    return {"amount": amount.replace(",", ""), "currency": currency} if amount else None


def _told(file: str, line: int, error: ValidationError) -> list[RowIssue]:
    return [
        RowIssue(file, line, ".".join(str(part) for part in one["loc"]) or "row", one["msg"]) for one in error.errors()
    ]
