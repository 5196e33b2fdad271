"""Each row of the fault matrix holds; and without its guard, the very same check says what is violated."""

import pytest

from tests.faults import (  # noqa: F401  their rows
    rows_erp,
    rows_processes,
    rows_slack,
    rows_store,
    rows_time,
)
from tests.faults.matrix import NUMBERS, ROWS, Row, Stage

YET_TO_COME = {7, 8, 24, 25, 26, 27}
every_row = pytest.mark.parametrize("row", [pytest.param(row, id=str(row)) for row in ROWS])


@every_row
async def test_the_row_holds(row: Row, stage: Stage):
    assert await row.scene(stage) == []


@every_row
async def test_without_its_guard_the_same_check_says_so(row: Row, stage: Stage):
    with row.without():
        found = await row.scene(stage)
    assert row.shows in {one.invariant for one in found}, found


def test_every_row_of_the_matrix_has_a_check_and_a_twin():
    assert {row.number for row in ROWS} == set(NUMBERS) - YET_TO_COME
    assert all(row.guard and row.shows for row in ROWS)
