"""Canonical JSON (RFC 8785) and digests: one fact, one sequence of bytes, one name."""

import hashlib
import json
from typing import Any

import orjson
import rfc8785

from blocks.records.base import Record

_EXACT = 2**53
"""From here on JSON's numbers are not exact, and the standard refuses them."""


def canonical(fact: Record | dict[str, Any] | list[Any]) -> bytes:
    """Print *fact* as canonical JSON; decimals and moments are strings, floats do not occur.

    `orjson` prints plain ASCII without floats exactly so, two hundred times as fast as `rfc8785`, which prints
    everything else.

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
    if _is_simple(plain):
        try:
            text = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            return rfc8785.dumps(plain)  # it says better what is wrong
        if text.isascii():
            return text
    return rfc8785.dumps(plain)


def _is_simple(plain: Any) -> bool:
    """Say whether a fact is of texts, small whole numbers and nothing else: the two printers print these alike."""
    parts = [plain]
    for part in parts:  # which grows on the way
        kind = type(part)
        if kind is str or part is None or kind is bool:
            continue
        if kind is dict:
            parts.extend(part.values())
        elif kind is list or kind is tuple:
            parts.extend(part)
        elif kind is not int or not -_EXACT < part < _EXACT:
            return False
    return True
