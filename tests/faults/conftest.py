"""What a row is played on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.events.clients import NullEventsClient
from prefect.events.worker import EventsWorker

from infrastructure.local.stack.foreground import forget
from infrastructure.local.stack.running import BackgroundStack, Wish, background_stack
from infrastructure.local.stack.trouble import StackError
from tests.faults.hands import Hands
from tests.faults.matrix import Row, Stage
from tests.faults.proxy import Proxy, proxied
from tests.needs import missing


@pytest.fixture(scope="session")
def hands() -> Iterator[Hands]:
    """Processes that every scene may have workers and doors from."""
    found = Hands()
    yield found
    found.close()


@pytest.fixture(scope="session")
def prefect() -> Iterator[tuple[BackgroundStack, Proxy]]:
    """Prefect's server and its database, of a home of their own, and the proxy before them."""
    whose = f"faults-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    home = Path(os.environ.get("ALMONER_TEST_HOME", ".almoner-test")).absolute() / whose
    home.parent.mkdir(exist_ok=True)
    forget(home)
    running = background_stack(Wish(home, only=("prefect",)))
    try:
        stack = running.__enter__()
    except StackError as trouble:
        missing(f"Prefect's server cannot run here: {trouble}")
    EventsWorker.set_client_override(NullEventsClient)  # its events would be sent for minutes to who is gone
    try:
        with proxied(stack.site.ports.url("prefect")) as api:
            yield stack, api
    finally:
        running.__exit__(None, None, None)


@pytest.fixture
def stage(row: Row, request: pytest.FixtureRequest, tmp_path: Path, hands: Hands) -> Stage:
    """Give a scene its folder, and the servers that its row needs."""
    told = Stage(tmp_path / "store", hands)
    if row.needs == "s3":
        told.s3 = request.getfixturevalue("seaweed")
    if row.needs == "prefect":
        told.prefect, told.api = request.getfixturevalue("prefect")
    return told
