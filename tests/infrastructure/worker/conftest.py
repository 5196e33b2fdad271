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
from tests.infrastructure.worker.house import House
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


@pytest.fixture
async def house(api_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with PrefectClient(api_url) as client:
        opened = House(api_url, client, f"pool-{uuid4().hex[:8]}", tmp_path)
        try:
            yield opened
        finally:
            for worker in opened.workers:
                worker.stop()
