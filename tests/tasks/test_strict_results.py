"""Strict results: whatever metadata names, no pickle and no class is loaded; Prefect keeps nothing of ours."""

import ast
import base64
import lzma
import pickle
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from prefect import Flow, task
from prefect.serializers import JSONSerializer, Serializer
from prefect.utilities.importtools import import_object

from infrastructure.deploy import PREFECT_YAML
from tasks.durable import step
from tasks.strict_results import PickleRefusedError
from tests.pickles import watched

ROOT = Path(__file__).parents[2]


def test_the_hook_sees_a_pickle():
    with watched() as unpickled:
        pickle.loads(pickle.dumps(Decimal(1)))  # noqa: S301  that it is seen is what is tested
    assert unpickled == [("decimal", "Decimal")]


POISON = base64.encodebytes(pickle.dumps(Decimal(1)))
NAMED = [
    pytest.param("pickle", POISON, id="pickle"),
    pytest.param("compressed/pickle", POISON, id="a compressed pickle"),
    pytest.param("json", b'{"__class__": "decimal.Decimal", "data": "1"}', id="a class named in JSON"),
    pytest.param("json", b'{"__exc_type__": "builtins.SystemExit", "message": ""}', id="an exception named in JSON"),
]


@pytest.mark.parametrize(("kind", "blob"), NAMED)
def test_whatever_serializer_a_results_metadata_names_nothing_is_imported(kind, blob):
    if kind.startswith("compressed"):
        blob = base64.encodebytes(lzma.compress(blob))
    with watched() as unpickled, pytest.raises(PickleRefusedError):
        Serializer(type=kind).loads(blob)
    assert unpickled == []


@pytest.mark.parametrize(
    "named",
    [
        {"type": "json", "object_decoder": "wave.open"},
        {"type": "json", "jsonlib": "wave"},
        {"type": "compressed", "serializer": "json", "compressionlib": "wave"},
    ],
)
def test_a_module_named_in_a_results_metadata_is_not_imported(named, monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with pytest.raises(PickleRefusedError):
        Serializer.model_validate(named).loads(b"{}")
    assert "wave" not in sys.modules


def test_plain_json_is_still_read():
    assert JSONSerializer().loads(b'{"a": [1, "b"]}') == {"a": [1, "b"]}


def test_prefect_keeps_no_result_of_any_flow_or_step_of_ours():
    deployments = yaml.safe_load(PREFECT_YAML.read_text())["deployments"]
    flows = [import_object(one["entrypoint"]) for one in deployments]
    assert flows
    assert all(isinstance(one, Flow) and one.persist_result is False for one in flows)

    @step
    async def verb(number: int) -> int:
        return number

    cells = [cell.cell_contents for cell in verb.__closure__ or ()]
    (ours,) = [x for x in cells if type(x) is type(task(lambda: None))]
    assert ours.persist_result is False


def test_whatever_the_dashboard_is_given_is_given_where_it_is_kept_and_nowhere_else():
    """A progress bar is all else: what it came to is told by the table of its group."""
    given = {}
    for room in ("flows", "tasks", "blocks", "infrastructure"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prefect.artifacts"):
                    given[path.relative_to(ROOT).as_posix()] = {alias.name for alias in node.names}
                assert "create_" not in getattr(node, "attr", "") or "artifact" not in node.attr, path
    progress = {"acreate_progress_artifact", "aupdate_progress_artifact"}
    assert given.pop("flows/upkeep/group.py") == progress
    assert set(given) == {"tasks/artifacts.py", "tasks/evidence.py"}
