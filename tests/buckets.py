"""Two unrelated servers of object storage, on loopback: SeaweedFS, and ministack. A claim counts where both agree."""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from blocks.retention import Lock, LockedBucket, Version
from blocks.store import S3Store
from blocks.where import Where
from infrastructure.local.stack import tools
from infrastructure.local.stack.running import BackgroundStack, Wish, background_stack
from infrastructure.local.stack.trouble import StackError
from tests.needs import missing

HOMES = (("ALMONER_HOME", ".almoner"), ("ALMONER_TEST_HOME", ".almoner-test"))
DAYS = 2


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
    """The laptop's own S3, started once a session, in a moment."""
    home = tmp_path_factory.mktemp("seaweed") / "home"
    home.mkdir()
    (home / "tools").symlink_to(installed_tools())
    with background_stack(Wish(home, only=("s3",))) as running:
        yield running


@pytest.fixture(scope="session")
def ministack() -> Iterator[str]:
    """A second S3, unrelated to the first, for as long as these tests run."""
    program = os.environ.get("ALMONER_MINISTACK", "")
    if not Path(program).is_file():
        missing("ministack is not here: install it in an environment of its own, and name it by ALMONER_MINISTACK.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "GATEWAY_PORT": port, "AUTH": "true"}
    environment["PATH"] = os.environ["PATH"]
    running = subprocess.Popen(  # noqa: S603  as asked for
        [program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 30
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), timeout=1):
                break
            assert time.monotonic() < until, "ministack does not listen"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(20)


class Server:
    """A bucket of a test's own on a server, and the ways we speak to it."""

    def __init__(self, endpoint: str, key: str, secret: str) -> None:
        self.name = f"locked-{uuid4().hex[:12]}"
        self.endpoint, self.key, self.secret = endpoint, key, secret
        self.client: Any = Where(self.name, "", endpoint, "us-east-1", key, secret).client()
        self.bucket = LockedBucket(self.client, self.name)
        self.store = self.store_at()

    def store_at(self, prefix: str = "") -> S3Store:
        """Open a place in the bucket."""
        return S3Store(
            self.name, prefix=prefix, endpoint=self.endpoint, access_key_id=self.key, secret_access_key=self.secret,
            region="us-east-1", timeout_s=60,
        )  # fmt: skip

    async def versions(self, prefix: str = "") -> list[Version]:
        """List what lies there, with every version."""
        return [one async for one in self.bucket.versions(prefix)]

    def versioned(self) -> None:
        """Make the bucket keep versions, under no lock: what a test did can be undone."""
        self.client.create_bucket(Bucket=self.name)
        self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})


def unmade(request: pytest.FixtureRequest, which: str) -> Server:
    """Speak to a server, in a bucket that is not there yet."""
    if which == "ministack":
        return Server(request.getfixturevalue("ministack"), "test", "test")
    return unmade_on(request.getfixturevalue("seaweed"))


def unmade_on(stack: BackgroundStack) -> Server:
    """Speak to a laptop's own S3, in a bucket that is not there yet."""
    return Server(stack.site.ports.url("s3"), stack.site.keys.s3_access_key, stack.site.keys.s3_secret_key)


@pytest.fixture(params=["seaweed", "ministack"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A bucket under Object Lock, on each of the two."""
    made = unmade(request, request.param)
    asyncio.run(made.bucket.make(Lock(DAYS)))
    yield made
    made.client.close()
