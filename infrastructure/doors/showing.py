"""How our own pages are drawn and answered.

Nothing on them comes from elsewhere, nothing on them runs that is not ours, and nobody can show them inside a page.
"""

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from infrastructure.doors.http import Deed, Request, Response, as_json, refused

if TYPE_CHECKING:
    from jinja2 import Environment

SIGNED_SHOWN = 16
"""Letters of what is signed that a page shows: enough to recognise it in the ledger."""
PAGES = Path(__file__).parent / "pages"
ASSETS = MappingProxyType({"page.css": "text/css; charset=utf-8", "passkey.js": "text/javascript; charset=utf-8"})
GUARDED = MappingProxyType({
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
})  # fmt: skip


def asset(name: str) -> Response:
    """Serve the style or the script of the pages."""
    if name not in ASSETS:
        return refused(HTTPStatus.NOT_FOUND, "there is no such page")
    headers = GUARDED | {"cache-control": "max-age=300"}
    return Response(body=(PAGES / name).read_bytes(), kind=ASSETS[name], headers=headers)


def read(request: Request) -> dict[str, Any] | None:
    """Read what the page's script sends. JSON alone is taken, so that no other page can send it for a visitor."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        brought = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return brought if isinstance(brought, dict) else None


def not_ours() -> Response:
    """Refuse what our script does not send."""
    return refused(HTTPStatus.BAD_REQUEST, "This is not what our page sends. Please open the link again.")


def told(title: str, text: str) -> Response:
    """Tell the page how it ended, where nothing was done."""
    return as_json(HTTPStatus.OK, {"title": title, "text": text})


def done(title: str, text: str, *then: Deed) -> Response:
    """Tell the page that it is done, and what follows."""
    return as_json(HTTPStatus.OK, {"done": True, "title": title, "text": text}, *then)


def again(text: str) -> Response:
    """Tell the page why it did not work, and let it try again."""
    return as_json(HTTPStatus.OK, {"again": True, "text": text})


def page(template: str, shown: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    """Draw a page."""
    body = _templates().get_template(template).render(shown).encode()
    return Response(status, body, "text/html; charset=utf-8", headers=GUARDED)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
