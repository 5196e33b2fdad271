"""A real SeaweedFS for the tests of what is stored: started once a session, in a moment, on loopback."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from blocks.ports import Store
from blocks.store import FolderStore, S3Store
from infrastructure.local.stack import tools
from infrastructure.local.stack.running import BackgroundStack, Wish, background_stack
from infrastructure.local.stack.site import BUCKET
from infrastructure.local.stack.trouble import StackError
from tests.needs import missing
from tests.stores import MemoryStore

HOMES = (("ALMONER_HOME", ".almoner"), ("ALMONER_TEST_HOME", ".almoner-test"))


def installed_tools() -> Path:
    """Find the servers where a stack has installed them before; install them where they are asked for."""
    places = [Path(os.environ.get(name) or usual).absolute() / "tools" for name, usual in HOMES]
    for place in places:
        if tools.installed(place):
            return place
    if os.environ.get("ALMONER_REQUIRE_ALL") != "1":
        missing("SeaweedFS is not installed: run `almoner up` once, or point ALMONER_HOME at a home where it ran.")
    places[-1].mkdir(parents=True, exist_ok=True)
    try:
        tools.install(places[-1])
    except (StackError, OSError, subprocess.SubprocessError) as error:
        missing(f"SeaweedFS cannot be installed here: {error}")
    return places[-1]


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackgroundStack]:
    home = tmp_path_factory.mktemp("seaweed") / "home"
    home.mkdir()
    (home / "tools").symlink_to(installed_tools())
    with background_stack(Wish(home, only=("s3",))) as running:
        yield running


def s3_store(seaweed: BackgroundStack, prefix: str = "") -> S3Store:
    site = seaweed.site
    return S3Store(
        BUCKET,
        prefix=prefix or f"tests/{uuid4().hex}",
        endpoint=site.ports.url("s3"),
        region="us-east-1",
        access_key_id=site.keys.s3_access_key,
        secret_access_key=site.keys.s3_secret_key,
        timeout_s=60,  # it hands its lock on a key from writer to writer, a second apart at worst
    )


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each of the stores, empty."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    if request.param == "memory":
        return MemoryStore()
    return s3_store(request.getfixturevalue("seaweed"))
