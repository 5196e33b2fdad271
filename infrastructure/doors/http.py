"""What a door takes and gives, whatever serves it: a loopback server here, a function behind a gateway there."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from blocks.wire.requisitions import storable

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


class Said(NamedTuple):
    """What to tell whoever typed a command, and what is done after that."""

    text: str
    then: tuple[Deed, ...] = ()


def read_json(text: str | bytes) -> Any:
    """Read JSON; `ValueError` where it is none, however deep that goes."""
    try:
        return json.loads(text)
    except RecursionError as error:
        message = "nested too deep"
        raise ValueError(message) from error


def text_in(told: object, *names: str) -> str:
    """Find a text within what was sent; empty where there is none, `TypeError` where something else is there.

    >>> text_in({"user": {"id": "U1"}}, "user", "id"), text_in({"user": None}, "user", "id")
    ('U1', '')
    """
    for name in names:
        if not isinstance(told, Mapping | None):
            raise TypeError(name)
        told = told.get(name) if told else None
    if not isinstance(told, str | None):
        raise TypeError(names)
    return storable(told or "")


def as_json(status: int, value: dict[str, Any], *then: Deed) -> Response:
    """Answer with JSON."""
    return Response(status, json.dumps(value).encode(), "application/json", then)


def refused(status: int, why: str) -> Response:
    """Answer that the request is not taken, and what to do about it."""
    return as_json(status, {"error": why})
