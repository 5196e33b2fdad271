"""A real Prefect server for the session; a pool, and workers that are gone afterwards, a test.

On PostgreSQL, as on the laptop: on SQLite the server's writers wait for each other for minutes.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.orchestration import PrefectClient

from infrastructure.local.stack.foreground import forget
from infrastructure.local.stack.running import Wish, background_stack
from infrastructure.local.stack.trouble import StackError
from tests.infrastructure.worker.house import House, Worker
from tests.needs import missing


@pytest.fixture(scope="session")
def api_url() -> Iterator[str]:
    """Prefect's server and its database, started and stopped by the stack's own supervisor."""
    whose = f"worker-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"  # test processes share no stack
    home = Path(os.environ.get("ALMONER_TEST_HOME", ".almoner-test")).absolute() / whose
    home.parent.mkdir(exist_ok=True)
    forget(home)
    running = background_stack(Wish(home, only=("prefect",)))
    try:
        stack = running.__enter__()
    except StackError as trouble:
        missing(f"Prefect's server cannot run here: {trouble}")
    try:
        yield stack.environment()["PREFECT_API_URL"]
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def always_there(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker that does nothing by itself: it takes whatever tests ring for, one test after the other."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    worker = Worker(api_url, f"pool-{uuid4().hex[:8]}", log, "--poll-s", "3600").ready()
    yield worker
    worker.stop()


@pytest.fixture
def worker(house: House, always_there: Worker) -> Worker:
    """Let the house's runs be for the worker that is there."""
    house.pool = always_there.pool
    return always_there


@pytest.fixture
async def house(api_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with PrefectClient(api_url) as client:
        opened = House(api_url, client, f"pool-{uuid4().hex[:8]}", tmp_path)
        try:
            yield opened
        finally:
            for worker in opened.workers:
                worker.stop()
