"""The grammar of Block Kit's rules: small checks that compose, and Slack's words for each breach.

A check looks at one value and notes what is wrong under its JSON pointer. Nothing here knows a
block by name: the tables in `elements` and `blocks` are written in these words.
"""

from collections.abc import Callable, Mapping
from typing import Any

from infrastructure.local.desk.shapes import Json


class Findings:
    """What is wrong with a document, in Slack's words, in the order it was noticed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.block_ids: set[str] = set()
        self.markdown_length = 0

    def add(self, what: str, at: str) -> None:
        """Note one thing that is wrong at a JSON pointer."""
        self.lines.append(f"{what} [json-pointer:{at}]")


Check = Callable[[Any, str, Findings], None]


def string(longest: int, shortest: int = 1) -> Check:
    """Accept text of `shortest` to `longest` characters."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, str):
            found.add("must provide a string", at)
        elif len(value) > longest:
            found.add(f"must be less than {longest + 1} characters", at)
        elif len(value) < shortest:
            found.add(f"must be more than {shortest - 1} characters", at)

    return check


def one_of(*allowed: str) -> Check:
    """Accept one of a few words."""

    def check(value: Any, at: str, found: Findings) -> None:
        if value not in allowed:
            found.add("must be a valid enum value", at)

    return check


def flag(value: Any, at: str, found: Findings) -> None:
    """Accept true or false."""
    if not isinstance(value, bool):
        found.add("must be a boolean", at)


def whole(low: int, high: int) -> Check:
    """Accept a whole number within bounds, both included."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            found.add(f"must be between {low} and {high}", at)

    return check


def anything(_value: Any, _at: str, _found: Findings) -> None:
    """Accept whatever there is."""


def items(each: Check, most: int, fewest: int = 1) -> Check:
    """Accept a list of `fewest` to `most` things that each pass a check."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, list):
            found.add("must be an array", at)
            return
        if len(value) > most:
            found.add(f"no more than {most} items allowed", at)
        elif len(value) < fewest:
            found.add(f"no fewer than {fewest} items allowed", at)
        for index, item in enumerate(value):
            each(item, f"{at}/{index}", found)

    return check


def thing(fields: Mapping[str, Check], *required: str) -> Check:
    """Accept an object with these fields and no others."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, dict):
            found.add("must be an object", at)
            return
        for name in required:
            if name not in value:
                found.add(f"missing required field: {name}", at)
        for name, inner in value.items():
            if name not in fields:
                found.add(f"invalid additional property: {name}", at)
            else:
                fields[name](inner, f"{at}/{name}", found)

    return check


def text(longest: int, *kinds: str) -> Check:
    """Accept a text object; say `failed to match` at the object as Slack does, then why."""
    fields = {
        "type": one_of(*(kinds or ("plain_text", "mrkdwn"))),
        "text": string(longest),
        "emoji": flag,
        "verbatim": flag,
    }
    inner = thing(fields, "type", "text")

    def check(value: Any, at: str, found: Findings) -> None:
        inside = Findings()
        inner(value, at, inside)
        if inside.lines:
            found.add("failed to match all allowed schemas", at)
            found.lines += inside.lines

    return check


def plain(longest: int) -> Check:
    """Accept a plain_text object."""
    return text(longest, "plain_text")


def by_type(table: Mapping[str, Check]) -> Check:
    """Accept an object whose `type` is in the table, checked as the table says."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, dict):
            found.add("must be an object", at)
            return
        kind = value.get("type")
        if kind is None:
            found.add("missing required field: type", at)
        elif kind not in table:
            found.add(f"unsupported type: {kind}", f"{at}/type")
        else:
            table[kind](value, at, found)

    return check


def both(first: Check, second: Callable[[Json, str, Findings], None]) -> Check:
    """Check twice; the second check is only asked about objects."""

    def check(value: Any, at: str, found: Findings) -> None:
        first(value, at, found)
        if isinstance(value, dict):
            second(value, at, found)

    return check
