"""Prefect's results stay strict JSON: no pickle is ever written or read, and no JSON names a class to be imported.

Our flows and steps let Prefect keep no result: what must be kept, the process keeps itself (see `tasks.results`). But
what Prefect *reads* goes by the result's own metadata, which whoever reaches its API can write: a serializer named
there would load code, as would a module named in place of one that a serializer imports. So those that could are made
to refuse, in every process that runs ours.
"""

import json
from typing import Any, NoReturn

from prefect import serializers

REFUSED = "Almoner keeps and reads strict JSON alone: see infrastructure/decisions/exports.md"


class PickleRefusedError(TypeError):
    """Somebody, or some metadata, wanted a pickle written or read."""


def refuse_pickles() -> None:
    """Make Prefect refuse to write or read pickles, and to import what JSON names; to do it twice is to do it once."""
    pickles: Any = serializers.PickleSerializer
    pickles.dumps = pickles.loads = _refused
    named: Any = serializers
    named.prefect_json_object_decoder = _plain
    named.validate_compressionlib = _lzma_alone
    reader: Any = serializers.JSONSerializer
    reader.loads = _read_json


def _read_json(self: Any, given: bytes) -> Any:
    """Read JSON with what Prefect reads it with: metadata may name any module in the place of either."""
    usual = type(self).model_fields
    if any(getattr(self, name) != usual[name].default for name in ("jsonlib", "object_decoder")) or self.loads_kwargs:
        raise PickleRefusedError(REFUSED)
    return json.loads(given, object_hook=_plain)


def _lzma_alone(named: str) -> str:
    """Let nothing be imported to decompress but what Prefect uses by itself."""
    if named != "lzma":
        raise PickleRefusedError(REFUSED)
    return named


def _refused(_serializer: object, _given: object) -> NoReturn:
    raise PickleRefusedError(REFUSED)


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """Read an object of JSON as what it is."""
    if "__class__" in found or "__exc_type__" in found:
        raise PickleRefusedError(REFUSED)
    return found
