"""Patients stay out: what is classified reaches no card, metadata, log, parameter or artifact; what is typed is read.

This half is static: it walks types and code. `tests/stories/test_patients.py` types a patient into every door.
"""

import ast
import dataclasses
import importlib
import inspect
import json
import logging
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prefect.states import Completed
from pydantic import BaseModel

from blocks.records import base
from blocks.records.base import TYPED, Phi, Record, Words
from blocks.wire.canonical import canonical
from blocks.wire.cards import said_card
from infrastructure.warm.logs import WordsStayOut, prepare_logging
from tasks.durable import PROCESSES

ROOT = Path(__file__).parents[1]
ROOMS = ("flows", "tasks", "blocks", "infrastructure")
VAULT = frozenset({"blocks.vault"})
"""The modules that may name what is classified, and open it."""
CREDENTIALS = frozenset({"blocks/shells.py"})
"""The modules that open secrets of another kind: keys of Prefect's blocks."""
OPENS = "get_secret_value"


# What is classified stays where it is.


def paths_to_phi(kind: Any, seen: tuple[Any, ...] = ()) -> Iterator[str]:
    """List the ways by which a type leads to what is classified."""
    origin = typing.get_origin(kind)
    if (origin or kind) is Phi:
        yield ""
    if kind in seen:
        return
    for inner in typing.get_args(kind):
        yield from paths_to_phi(inner, (*seen, kind))
    if not isinstance(kind, type):
        return
    for name, inner in _fields(kind).items():
        yield from (f".{name}{rest}" for rest in paths_to_phi(inner, (*seen, kind)))


def _fields(kind: type) -> dict[str, Any]:
    if issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    if dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields")):
        return _hints(kind)
    return {}


def _hints(what: Any) -> dict[str, Any]:
    """Read annotations; a name that only a type checker imports cannot be read, and is that of a vendor's client."""
    try:
        return typing.get_type_hints(what)
    except NameError:
        return {name: kind for name, kind in inspect.get_annotations(what).items() if not isinstance(kind, str)}


class Patient(Record):
    name: Phi[str]
    born: Phi[int] | None = None


class Admission(Record):
    patients: tuple[Patient, ...]
    notes: dict[str, list[Phi[str]]]


class Ticket(NamedTuple):
    admission: Admission | None


@dataclasses.dataclass
class Basket:
    tickets: list[Ticket]


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (Patient, {".name", ".born"}),
        (Admission, {".patients.name", ".patients.born", ".notes"}),
        (Basket, {f".tickets.admission{x}" for x in (".patients.name", ".patients.born", ".notes")}),
        (Callable[[str], Patient], {".name", ".born"}),
        (Phi[str], {""}),
        (str, set()),
    ],
)
def test_the_lint_finds_what_is_classified_however_deep(kind: Any, paths: set[str]):
    assert set(paths_to_phi(kind)) == paths


def test_what_is_classified_prints_as_nothing_even_where_no_type_says_so():
    patient = Patient.model_validate({"name": "Zebediah", "born": 1961})
    anything: dict[str, Any] = {"body": patient}
    prints = [repr(patient), f"{patient.name} {patient.born}", canonical(patient).decode(), patient.model_dump_json()]
    prints += [str(anything), json.dumps(patient.model_dump(mode="json")), said_card("k", f"for {patient.name}").text]
    assert not [text for text in prints if "Zebediah" in text or "1961" in text]
    assert patient.name.get_secret_value() == "Zebediah"


def _modules() -> list[str]:
    """List everything that makes cards, metadata, parameters, artifacts, ledger lines and state messages."""
    names = []
    for folder in ("flows", "tasks", "blocks", "infrastructure/doors"):
        files = sorted((ROOT / folder).rglob("*.py"))
        names += [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return [name for name in names if not name.endswith(("__init__", "__main__")) and name not in VAULT]


def _signatures(module: Any) -> Iterator[tuple[str, Any]]:
    """List every function, method and record of a module with its annotations."""
    for name, what in vars(module).items():
        if getattr(what, "__module__", None) != module.__name__ or what in (Phi, base.T):
            continue
        if inspect.isfunction(what):
            yield name, what
        elif inspect.isclass(what):
            yield name, what
            yield from ((f"{name}.{x}", y) for x, y in vars(what).items() if inspect.isfunction(y))


def test_nothing_classified_reaches_a_card_a_parameter_an_artifact_the_ledger_or_anybody():
    reaching = []
    read = 0
    for name in _modules():
        for what, signature in _signatures(importlib.import_module(name)):
            kinds = {"": signature} if inspect.isclass(signature) else _hints(signature)
            read += len(kinds)
            reaching += [f"{name}.{what} {arg}{way}" for arg, kind in kinds.items() for way in paths_to_phi(kind)]
    assert not reaching
    assert read > 1000, "the lint read hardly anything"


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text())


def test_what_is_classified_is_opened_in_the_vault_alone():
    opening = {
        name
        for name, tree in _trees()
        if any(isinstance(node, ast.Attribute) and node.attr == OPENS for node in ast.walk(tree))
    }
    assert opening <= {*(f"{name.replace('.', '/')}.py" for name in VAULT), *CREDENTIALS}


# What a person types is known as that.


def typed_fields() -> set[str]:
    """Name the fields of all records that hold what a person typed."""
    records = _all_records()
    return {name for record in records for name, field in record.model_fields.items() if TYPED in field.metadata}


def _all_records() -> list[type[Record]]:
    for name in _modules():
        if name.startswith("blocks.records."):
            importlib.import_module(name)
    found, queue = [], [Record]
    while queue:
        for one in queue.pop().__subclasses__():
            found.append(one)
            queue.append(one)
    return [one for one in found if one.__module__.startswith("blocks.records")]


def test_every_text_of_a_request_is_a_code_or_is_known_as_typed():
    import flows.requisition  # noqa: F401  registers its process

    assert PROCESSES
    for process in PROCESSES.values():
        for name, field in process.request.model_fields.items():
            bounded = any(getattr(one, "pattern", None) for one in field.metadata)
            assert field.annotation is not str or bounded or TYPED in field.metadata, f"{process.name}: {name}"
    assert typed_fields() >= {"reason", "note", "because"}
    assert Words is not str


def logged(tree: ast.Module) -> Iterator[str]:
    """List what is given to a logger: every name and attribute in its arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger."):
            for inner in (y for x in node.args for y in ast.walk(x)):
                yield getattr(inner, "attr", getattr(inner, "id", ""))


@pytest.mark.parametrize("name", ["Rejected", "Cancelled", "Refused", "Withdrawn", "Expired"])
def test_prefects_own_log_of_an_end_leaves_out_why_somebody_ended_it(name: str):
    ended = Completed(name=name, message="Ivo Petrov: not for Quillfeather")
    told = f"Finished in state {ended}"
    assert "Quillfeather" in told, "Prefect prints a state otherwise by now: is the filter still needed?"
    record = logging.LogRecord("prefect.flow_runs", logging.INFO, "", 0, told, (), None)
    assert WordsStayOut().filter(record)
    assert record.getMessage() == f"Finished in state {name}"
    prepare_logging()
    assert any(isinstance(one, WordsStayOut) for one in logging.getLogger("prefect.flow_runs").filters)


def test_what_a_person_typed_is_never_logged():
    wrong = {name: found for name, tree in _trees() if (found := set(logged(tree)) & {*typed_fields(), "text", "raw"})}
    assert not wrong
    assert set(logged(ast.parse("logger.info('%s', decision.note)"))) >= {"note"}
