"""Prefect's results stay strict JSON: no pickle is ever written or read, and no JSON names a class to be imported.

Our flows and steps let Prefect keep no result: what must be kept, the process keeps itself (see `tasks.results`). But
what Prefect *reads* goes by the result's own metadata, which whoever reaches its API can write: a serializer named
there would load code. So the two that could are made to refuse, in every process that runs ours.
"""

from typing import Any, NoReturn

from prefect import serializers

REFUSED = "Almoner keeps and reads strict JSON alone: see infrastructure/decisions/exports.md"


class PickleRefusedError(TypeError):
    """Somebody, or some metadata, wanted a pickle written or read."""


def refuse_pickles() -> None:
    """Make Prefect refuse to write or read pickles, and to import what JSON names; to do it twice is to do it once."""
    pickles: Any = serializers.PickleSerializer
    pickles.dumps = pickles.loads = _refused
    json: Any = serializers
    json.prefect_json_object_decoder = _plain


def _refused(_serializer: object, _given: object) -> NoReturn:
    raise PickleRefusedError(REFUSED)


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """Read an object of JSON as what it is."""
    if "__class__" in found or "__exc_type__" in found:
        raise PickleRefusedError(REFUSED)
    return found
