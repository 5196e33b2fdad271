"""The dossier as one page for people: everything in the file itself, on the screen and on A4 or Letter paper."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from blocks.records.dossier import Dossier

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES = Path(__file__).parent / "pages"
GOOD, BAD = frozenset({"filled", "ordered"}), frozenset({"refused", "rejected", "expired"})


def dossier_page(dossier: Dossier) -> str:
    """Print a dossier as HTML: no script, nothing from elsewhere; times are the hospital's own."""
    zone = ZoneInfo(dossier.zone)
    tone = "good" if dossier.ended in GOOD else "bad" if dossier.ended in BAD else "open"

    def when(at: datetime) -> str:
        return f"{at.astimezone(zone):%d %b %Y %H:%M:%S}"

    return _pages().get_template("dossier.html").render(d=dossier, tone=tone, when=when, plain=_plain)


def _plain(value: object) -> str:
    """Print a part of a draft: money as money, the rest as it is."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return f"{value['currency']} {value['amount']}"
    return str(value)


@cache
def _pages() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only who draws a page pays for loading it

    return Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
