"""Reminders: one message a person, however much waits for them; and the table of all that waits. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from blocks.ports import Card
from blocks.records.approval import Ask
from blocks.wire.cards import escape, moment, said_card

LINES_MAX = 10
ROOM = 2800
"""Characters of a message that are left for its lines."""
NAMES_MAX = 5
ROWS_MAX = 500
HOLDERS_MAX = 20
ALONE = 2
NOBODY = "nobody may decide it"
Why = Literal["waits", "above", "now", "question", "hold", "gone"]


class Reminder(NamedTuple):
    """Why somebody is told of an ask, since when it waits, when it is due, and where its card stands."""

    ask: Ask
    why: Why
    since: datetime
    due: datetime | None
    channel: str | None


class Late(NamedTuple):
    """Something that waits for people: whom, since when, until when; *note* says what else is to be known."""

    case: str
    what: str
    people: tuple[str, ...]
    role: str
    since: datetime
    due: datetime | None
    note: str = ""
    first: bool = False
    """Whether it stands before everything else, however late that is."""


def reminder_card(key: str, reminders: Sequence[Reminder], zone: str) -> Card:
    """Draw the one message that tells somebody what waits for them."""
    count = len(reminders)
    left = sum(one.why != "gone" for one in reminders)
    head = "⏰ *A request waits for you*" if left == 1 else f"⏰ *{left} requests wait for you*"
    head = head if left else "☑️ *Nothing is left for you to do*"
    lines = [f"• {_line(one, zone)}" for one in reminders[:LINES_MAX]]
    while sum(map(len, lines)) > ROOM:
        lines.pop()
    if more := count - len(lines):
        lines.append(f"and {more} more: open this app's Home tab to see them all.")
    return said_card(key, "\n".join([head, *lines]))


def waiting_rows(waiting: Iterable[Late], at: datetime, zone: str) -> list[dict[str, str]]:
    """Print the table of all that waits: the most late first, then what is due next, then what has no due time."""
    tz = ZoneInfo(zone)
    ordered = sorted(waiting, key=lambda one: (not one.first, one.due is None, one.due or one.since))[:ROWS_MAX]
    return [
        {
            "late": lateness(at - one.due) if one.due and one.due < at else "",
            "due": f"{one.due.astimezone(tz):%Y-%m-%d %H:%M}" if one.due else "",
            "waits for": _names(one.people),
            "case": one.case,
            "what": one.what,
            "since": f"{one.since.astimezone(tz):%Y-%m-%d %H:%M}",
            "as": one.role,
            "note": one.note,
        }
        for one in ordered
    ]


def bottlenecks(waiting: Sequence[Late], at: datetime) -> str:
    """Say how much waits, how much of it is late, and for whom most of it does."""
    late = _late_of(waiting, at)
    people = Counter(name for one in waiting for name in one.people)
    most = ", ".join(f"{name} ({count})" for name, count in people.most_common(NAMES_MAX))
    return f"{len(waiting)} wait, {late} of them late" + (f". Most wait for {most}" if most else "")


def bottleneck_table(waiting: Sequence[Late], at: datetime, zone: str) -> str:
    """Draw, in Markdown, who holds most: what is late first, then how many, of which nobody else may decide so many."""
    held: dict[str, list[Late]] = {}
    for one in waiting:
        for name in one.people or (NOBODY,):
            held.setdefault(name, []).append(one)
    told = sorted(((_late_of(theirs, at), theirs, name) for name, theirs in held.items()), key=_most_first)
    rows = [
        f"| {name} | {len(theirs)} | {sum(len(one.people) < ALONE for one in theirs)} | {late} "
        f"| {min(one.since for one in theirs).astimezone(ZoneInfo(zone)):%a %d %b %H:%M} |"
        for late, theirs, name in told[:HOLDERS_MAX]
    ]
    head = [f"**{bottlenecks(waiting, at)}**", ""]
    if not rows:
        return head[0]
    return "\n".join([*head, "| who holds it | holds | alone | late | oldest since |", "|---|--:|--:|--:|---|", *rows])


def _late_of(waiting: Sequence[Late], at: datetime) -> int:
    return sum(one.due is not None and one.due < at for one in waiting)


def _most_first(told: tuple[int, list[Late], str]) -> tuple[int, int, str]:
    late, theirs, name = told
    return -late, -len(theirs), name


def lateness(late: timedelta) -> str:
    """Print how late something is, to the hour: what is shown changes only so often.

    >>> lateness(timedelta(days=2, hours=3, minutes=59)), lateness(timedelta(minutes=59))
    ('2 d 3 h', '< 1 h')
    """
    hours = int(late.total_seconds()) // 3600
    days, hours = divmod(hours, 24)
    told = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours)
    return " ".join(told) or "< 1 h"


def _line(one: Reminder, zone: str) -> str:
    what = f"*{one.ask.case}* {one.ask.quantity:,} × {escape(one.ask.description)} — {one.ask.amount}"
    where = f"in <#{one.channel}>" if one.channel else "in its channel"
    if one.why == "question":
        return f"{what}: somebody asked you a question. Please answer in the card's thread {where}."
    if one.why == "hold":
        return f"{what}: you put it on hold. Please resume it {where}, then decide."
    if one.why == "gone":
        return f"{what} waits for somebody else now."
    due = f", due {moment(one.due, zone)}" if one.due else ""
    asked = f"{what}, asked by {escape(one.ask.requester_name)} {moment(one.since, zone)}{due}"
    if one.why == "above":
        return f"{asked}. Nobody has answered, so you may decide it as well {where}."
    if one.why == "now":
        return f"{asked}. It has come to you now: please decide {where}."
    return f"{asked}. Please decide {where}."


def _names(people: Sequence[str]) -> str:
    more = f" and {len(people) - NAMES_MAX} more" if len(people) > NAMES_MAX else ""
    return ", ".join(people[:NAMES_MAX]) + more if people else NOBODY
