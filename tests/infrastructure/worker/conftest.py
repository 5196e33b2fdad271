"""A real Prefect server for the session; a pool, and workers that are gone afterwards, a test."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prefect.client.orchestration import PrefectClient

from infrastructure.bench import rig
from infrastructure.prefect_settings import SERVER
from tests.infrastructure.worker.house import House


@pytest.fixture(scope="session")
def api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prefect's server as the laptop runs it; on SQLite unless ALMONER_TEST_DATABASE_URL is set."""
    home = tmp_path_factory.mktemp("prefect")
    port = rig.free_port()
    database = os.environ.get("ALMONER_TEST_DATABASE_URL", f"sqlite+aiosqlite:///{home}/prefect.db")
    environment = os.environ | SERVER | {"PREFECT_HOME": str(home)}
    environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database
    command = [sys.executable, "-m", "prefect", "server", "start", "--no-ui", "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603
    try:
        url = f"http://127.0.0.1:{port}/api"
        _wait_for(f"{url}/health", server, home / "server.log")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    pytest.fail(f"Prefect's server did not start: {log.read_text()[-2000:]}")


@pytest.fixture
async def house(api_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with PrefectClient(api_url) as client:
        opened = House(api_url, client, f"pool-{uuid4().hex[:8]}", tmp_path)
        try:
            yield opened
        finally:
            for worker in opened.workers:
                worker.stop()
