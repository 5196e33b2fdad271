"""Times as people at the hospital read them, and Slack's `<!date^…>` in their zone."""

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_TOKEN = re.compile(r"\{(\w+)\}")
_DAY: Final = timedelta(days=1)


def moment(ts: str, zone: ZoneInfo) -> datetime:
    """Return a message's time in the hospital's zone."""
    return datetime.fromtimestamp(float(ts), zone)


def clock(at: datetime, *, seconds: bool = False) -> str:
    """Say the time of day as Slack does.

    >>> clock(datetime(2026, 3, 1, 9, 5, 7))
    '9:05 AM'
    """
    hour = at.hour % 12 or 12
    tail = f":{at.second:02d}" if seconds else ""
    return f"{hour}:{at.minute:02d}{tail} {'AM' if at.hour < 12 else 'PM'}"  # noqa: PLR2004 (noon)


def _ordinal(day: int) -> str:
    if day in (11, 12, 13):
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


def pretty_day(at: datetime, today: datetime) -> str:
    """Say the day as the line between messages does: Today, Yesterday, or its date."""
    gap = (today.date() - at.date()).days
    if gap in (0, 1):
        return ("Today", "Yesterday")[gap]
    year = "" if at.year == today.year else f", {at.year}"
    return f"{at:%A}, {at:%B} {_ordinal(at.day)}{year}"


def slack_date(seconds: int, wanted: str, zone: ZoneInfo, today: datetime) -> str:
    """Fill in the format of a `<!date^seconds^format|fallback>`."""
    at = datetime.fromtimestamp(seconds, zone)
    gap = (today.date() - at.date()).days
    near = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(gap)
    forms = {
        "date_num": f"{at:%Y-%m-%d}", "date": f"{at:%B} {_ordinal(at.day)}, {at.year}",
        "date_short": f"{at:%b} {at.day}, {at.year}",
        "date_long": f"{at:%A}, {at:%B} {_ordinal(at.day)}, {at.year}",
        "time": clock(at), "time_secs": clock(at, seconds=True), "ago": _ago(today - at),
    }  # fmt: skip
    for name in ("date", "date_short", "date_long"):
        forms[f"{name}_pretty"] = near or forms[name]
    return _TOKEN.sub(lambda found: forms.get(found.group(1), found.group()), wanted)


def _ago(gap: timedelta) -> str:
    future, gap = gap < timedelta(0), abs(gap)
    for unit, length in (("day", _DAY), ("hour", _DAY / 24), ("minute", _DAY / 1440)):
        count = gap // length
        if count:
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {words}" if future else f"{words} ago"
    return "just now"
