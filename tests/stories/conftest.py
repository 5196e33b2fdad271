"""What stories on Prefect's own engine share."""

import gc
import warnings
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
    _collect()


@pytest.fixture(scope="module")
def tidy(prefect: None) -> Iterator[None]:  # noqa: ARG001
    """Leave nothing of a module's stories to somebody else's test."""
    yield
    _collect()


def _collect() -> None:
    """Collect the connections that Prefect's engine leaves behind."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


@pytest.fixture
def engine(tidy: None, hospital: Hospital) -> None:  # noqa: ARG001
    """Prefect's engine, and cases of a test's own: the server is everybody's."""
    hospital.sent = next(NUMBERS)
