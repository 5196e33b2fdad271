"""Each row of the fault matrix holds; and without its guard, the very same check says what is violated."""

import logging
from collections.abc import Callable

import pytest

from tests.faults import (  # noqa: F401  their rows
    rows_erp,
    rows_prefect,
    rows_processes,
    rows_slack,
    rows_store,
    rows_time,
)
from tests.faults.matrix import NUMBERS, ROWS, Row, Stage
from tests.samples import PATIENT

Note = Callable[[str, object], None]
ON_PREFECT = [
    pytest.mark.long,
    pytest.mark.engine,
    # Prefect's engine leaves connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]
NEEDS_ITS_FAULT = frozenset({24, 25, 26})
"""Rows whose fault is at another server than where it would show: without it, their twins must find nothing."""
every_row = pytest.mark.parametrize(
    "row", [pytest.param(row, id=str(row), marks=ON_PREFECT if row.needs == "prefect" else ()) for row in ROWS]
)


@every_row
async def test_the_row_holds(row: Row, stage: Stage, record_property: Note, caplog: pytest.LogCaptureFixture):
    _about(row, record_property)
    with caplog.at_level(logging.INFO):
        assert await row.scene(stage) == []
    assert PATIENT not in caplog.text  # of this process; what others print is for tests/test_privacy.py


@pytest.mark.long
@every_row
async def test_without_its_guard_the_same_check_says_so(row: Row, stage: Stage, record_property: Note):
    _about(row, record_property)
    with row.without():
        found = await row.scene(stage)
    shown = next((one for one in found if one.invariant == row.shows), None)
    assert shown, found
    record_property("shown", f"{shown.invariant} {shown.what}" if shown.invariant[0] == "I" else shown.what)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=str(row), marks=ON_PREFECT) for row in ROWS if row.number in NEEDS_ITS_FAULT]
)
async def test_without_its_guard_and_without_its_fault_the_check_finds_nothing(
    row: Row, stage: Stage, record_property: Note
):
    _about(row, record_property)
    stage.calm = True
    with row.without():
        assert await row.scene(stage) == []


def _about(row: Row, note: Note) -> None:
    for name, value in (("row", row), ("fault", row.fault), ("guard", row.guard)):
        note(name, str(value))


def test_every_row_of_the_matrix_has_a_check_and_a_twin():
    assert {row.number for row in ROWS} == set(NUMBERS)
    assert all(row.guard and row.shows for row in ROWS)
