"""What stories on Prefect's own engine share."""

import gc
from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """A Prefect server in this process."""
    with prefect_test_harness(server_startup_timeout=120):
        yield
    gc.collect()  # connections that the harness leaves behind are collected here, not in somebody else's test
