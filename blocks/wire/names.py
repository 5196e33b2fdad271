"""Names: how cases and effects are called, so that the same thing always gets the same name."""

import base64
import hashlib
from typing import Final, Literal, get_args

CASE_CHARS = 10
"""Fifty bits, short enough to read out on the telephone; what arrives under a name already taken is quarantined."""

Effect = Literal["order", "issue", "cancel", "reverse"]
"""What processes change in systems of record. One that is not named here can be neither made nor found by its key."""
EFFECTS: Final[tuple[Effect, ...]] = get_args(Effect)

REFERENCE = "almoner:"
"""How our keys begin where a system of record keeps them beside other people's references."""


def case_of(prefix: str, source: str, message: str) -> str:
    """Name the case that a message begins: the same source and id is the same case.

    >>> case_of("RQ", "inventory", "42")
    'RQ-OKIPKKIRS6'
    """
    return f"{prefix}-{_short(f'{source}/{message}', CASE_CHARS)}"


def effect_key(case: str, effect: str, revision: int = 0) -> str:
    """Name an effect before it is attempted: the same case, effect and revision is the same effect."""
    return hashlib.sha256(f"{case}/{effect}/{revision}".encode()).hexdigest()[:32]


def reference(key: str) -> str:
    """Print an effect's key as the external reference of a document."""
    return f"{REFERENCE}{key}"


def _short(text: str, chars: int) -> str:
    spelled = base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()
    return spelled[:chars]
