"""Tryton's JSON: exact numbers and dates travel as objects that name their class."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any


def dumps(value: object) -> bytes:
    """Print a value as Tryton reads it.

    >>> dumps({"unit_price": Decimal("8.40")})
    b'{"unit_price": {"__class__": "Decimal", "decimal": "8.40"}}'
    """
    return json.dumps(_encode(value)).encode()


def loads(text: bytes | str) -> Any:
    """Read what Tryton printed; raise `ValueError` where it is not JSON.

    >>> loads('{"__class__": "Decimal", "decimal": "8.40"}')
    Decimal('8.40')
    """
    return json.loads(text, object_hook=_decode)


def header(value: object) -> str:
    """Print a value for a header or a query: base64, safe in addresses."""
    return base64.urlsafe_b64encode(dumps(value)).decode()


def _encode(value: object) -> object:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case datetime():
            message = "no moment is ever sent to Tryton, only days"
            raise TypeError(message)
        case date():
            return {
                "__class__": "date",
                "year": value.year,
                "month": value.month,
                "day": value.day,
            }
        case timedelta():
            return {"__class__": "timedelta", "seconds": value.total_seconds()}
        case str():
            return value
        case Mapping():
            return {key: _encode(inner) for key, inner in value.items()}
        case Sequence():
            return [_encode(inner) for inner in value]
        case _:
            return value


def _decode(fields: dict[str, Any]) -> object:
    match fields.get("__class__"):
        case "Decimal":
            return Decimal(fields["decimal"])
        case "date":
            return date(fields["year"], fields["month"], fields["day"])
        case "timedelta":
            return timedelta(seconds=fields["seconds"])
        case _:
            return fields
