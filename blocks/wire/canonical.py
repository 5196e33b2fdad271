"""Canonical JSON (RFC 8785) and digests: one fact, one sequence of bytes, one name."""

import hashlib
import json
import re
from typing import Any

import rfc8785

from blocks.records.base import Record

_NUMBER = re.compile(r"(?:^|[:\[,])-?(?:\d{16,}|\d+\.\d+|\d+(?:\.\d+)?e[+-]?\d+)(?=[,\]}]|$)")
"""A number that the two printers below might print differently; now and then only a text that looks like one."""


def canonical(fact: Record | dict[str, Any] | list[Any]) -> bytes:
    """Print *fact* as canonical JSON; decimals and moments are strings, floats do not occur.

    The standard library prints plain ASCII without floats exactly so, thirty times as fast as `rfc8785`, which
    prints everything else.

    >>> canonical({"b": "1.50", "a": [True, None]})
    b'{"a":[true,null],"b":"1.50"}'
    """
    plain = fact.model_dump(mode="json") if isinstance(fact, Record) else fact
    return _printed(plain)


def is_canonical(data: bytes) -> bool:
    """Say whether *data* is the one canonical print of what it says."""
    try:
        return _printed(json.loads(data)) == data
    except (ValueError, RecursionError):
        return False


def digest(data: bytes) -> str:
    """Name *data* by its SHA-256, in hex."""
    return hashlib.sha256(data).hexdigest()


def _printed(plain: Any) -> bytes:
    try:
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return rfc8785.dumps(plain)  # it says better what is wrong
    return text.encode() if text.isascii() and not _NUMBER.search(text) else rfc8785.dumps(plain)
