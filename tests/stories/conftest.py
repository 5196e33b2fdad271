"""What stories on Prefect's own engine share."""

import gc
from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness

from tests.hospital import Hospital
from tests.stories.engine import NUMBERS


@pytest.fixture(scope="package")
def prefect() -> Iterator[None]:
    """A Prefect server of these stories, which takes ten seconds to start."""
    with prefect_test_harness(server_startup_timeout=120):
        yield
    gc.collect()  # connections that the harness leaves behind are collected here, not in somebody else's test


@pytest.fixture
def engine(prefect: None, hospital: Hospital) -> None:  # noqa: ARG001
    """Prefect's engine, and cases of a test's own: the server is everybody's."""
    hospital.sent = next(NUMBERS)
