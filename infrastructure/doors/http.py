"""What a door takes and gives, whatever serves it: a loopback server here, a function behind a gateway there."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Deed = Callable[[], Awaitable[None]]
"""Something still to do once the answer is out."""

BODY_MAX = 1024 * 1024
"""Bytes of one request; Slack's largest payload is a quarter of it."""


@dataclass(frozen=True)
class Request:
    """A request as it came: header names in lower case, the body untouched."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """An answer, and what is done after it has gone out."""

    status: int = 200
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    then: tuple[Deed, ...] = field(default=())
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(status: int, value: dict[str, Any], *then: Deed) -> Response:
    """Answer with JSON."""
    return Response(status, json.dumps(value).encode(), "application/json", then)


def refused(status: int, why: str) -> Response:
    """Answer that the request is not taken, and what to do about it."""
    return as_json(status, {"error": why})
