"""Canonical JSON (RFC 8785) and digests: one fact, one sequence of bytes, one name."""

import hashlib
import json
from typing import Any

import rfc8785

from blocks.records.base import Record


def canonical(fact: Record | dict[str, Any] | list[Any]) -> bytes:
    """Print *fact* as canonical JSON; decimals and moments are strings, floats do not occur.

    >>> canonical({"b": "1.50", "a": [True, None]})
    b'{"a":[true,null],"b":"1.50"}'
    """
    plain = fact.model_dump(mode="json") if isinstance(fact, Record) else fact
    return rfc8785.dumps(plain)


def is_canonical(data: bytes) -> bool:
    """Say whether *data* is the one canonical print of what it says."""
    try:
        return rfc8785.dumps(json.loads(data)) == data
    except (ValueError, RecursionError):
        return False


def digest(data: bytes) -> str:
    """Name *data* by its SHA-256, in hex."""
    return hashlib.sha256(data).hexdigest()
