"""What a row is played on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blocks.conftest import seaweed  # noqa: F401  a fixture
from tests.faults.hands import Hands
from tests.faults.matrix import Row, Stage


@pytest.fixture(scope="session")
def hands() -> Iterator[Hands]:
    """Processes that every scene may have workers and doors from."""
    found = Hands()
    yield found
    found.close()


@pytest.fixture
def stage(row: Row, request: pytest.FixtureRequest, tmp_path: Path, hands: Hands) -> Stage:
    """Give a scene its folder, and the servers that its row needs."""
    return Stage(tmp_path / "store", hands, s3=request.getfixturevalue("seaweed") if row.needs == "s3" else None)
