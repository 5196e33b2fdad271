"""Object Lock, on two unrelated servers: what was written cannot be taken away, by whoever holds the keys."""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from blocks.errors import ConflictError, RefusedError, UnavailableError
from blocks.retention import Lock, LockedBucket
from blocks.store import S3Store
from infrastructure.local.stack.running import BackgroundStack
from tests.needs import missing

DAYS = 2


class Server:
    """A locked bucket on a server, and the two ways we speak to it."""

    def __init__(self, endpoint: str, key: str, secret: str) -> None:
        self.name = f"locked-{uuid4().hex[:12]}"
        self.client: Any = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}),
        )  # fmt: skip
        self.bucket = LockedBucket(self.client, self.name)
        self.store = S3Store(
            self.name, endpoint=endpoint, access_key_id=key, secret_access_key=secret, region="us-east-1", timeout_s=60
        )


@pytest.fixture(scope="module")
def ministack() -> Iterator[str]:
    """A second S3, unrelated to the first, for as long as these tests run."""
    program = os.environ.get("ALMONER_MINISTACK", "")
    if not Path(program).is_file():
        missing("ministack is not here: install it in an environment of its own, and name it by ALMONER_MINISTACK.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {"PATH": os.environ["PATH"], "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "GATEWAY_PORT": port}
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


@pytest.fixture(params=["seaweed", "ministack"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "seaweed":
        stack: BackgroundStack = request.getfixturevalue("seaweed")
        keys = stack.site.keys
        made = Server(stack.site.ports.url("s3"), keys.s3_access_key, keys.s3_secret_key)
    else:
        made = Server(request.getfixturevalue("ministack"), "test", "test")
    asyncio.run(made.bucket.make(Lock(DAYS)))
    yield made
    made.client.close()


async def version_of(server: Server, key: str) -> str:
    ((_, version),) = await server.bucket.versions(key)
    return version


async def test_what_is_created_is_kept_by_default_and_no_version_of_it_can_be_deleted(server: Server):
    await server.store.create("cases/RQ-1/00000001.json", b"one")
    version = await version_of(server, "cases/RQ-1/")
    about = server.client.head_object(Bucket=server.name, Key="cases/RQ-1/00000001.json")
    assert about["ObjectLockMode"] == "COMPLIANCE"
    assert about["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(days=DAYS, minutes=-5)
    with pytest.raises(ClientError):
        server.client.delete_object(Bucket=server.name, Key="cases/RQ-1/00000001.json", VersionId=version)
    assert await server.store.get("cases/RQ-1/00000001.json") == b"one"


async def test_nobody_shortens_what_was_promised(server: Server):
    await server.store.create("a/1", b"one")
    sooner = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(minutes=1)}
    with pytest.raises(ClientError):
        server.client.put_object_retention(Bucket=server.name, Key="a/1", Retention=sooner)
    with pytest.raises(RefusedError, match="would be shorter"):
        await server.bucket.keep_for(Lock(DAYS - 1))
    await server.bucket.keep_for(Lock(DAYS + 1))
    assert await server.bucket.lock() == Lock(DAYS + 1)


async def test_a_place_is_still_written_once_and_swapped_by_who_saw_it(server: Server):
    tries = (server.store.create("race/1", f"{racer}".encode()) for racer in range(8))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(error is None for error in ended) == 1
    assert all(isinstance(error, ConflictError) for error in ended if error is not None)
    seen = await server.store.look("race/1")
    await server.store.swap("race/1", b"next", was=seen.version)
    with pytest.raises(ConflictError):
        await server.store.swap("race/1", b"late", was=seen.version)
    assert len(await server.bucket.versions("race/")) == 2


async def test_a_legal_hold_is_on_every_version_of_a_case_until_it_is_lifted(server: Server):
    await server.store.create("cases/RQ-1/00000001.json", b"one")
    await server.store.create("cases/RQ-1/00000002.json", b"two")
    await server.store.create("cases/RQ-10/00000001.json", b"other")
    assert await server.bucket.hold("cases/RQ-1/", on=True) == 2

    def held(key: str) -> str:
        return str(server.client.head_object(Bucket=server.name, Key=key).get("ObjectLockLegalHoldStatus", "OFF"))

    keys = ("cases/RQ-1/00000001.json", "cases/RQ-1/00000002.json", "cases/RQ-10/00000001.json")
    assert [held(key) for key in keys] == ["ON", "ON", "OFF"]
    await server.bucket.hold("cases/RQ-1/", on=False)
    assert held(keys[0]) == "OFF"


async def test_a_bucket_without_it_promises_nothing(server: Server):
    plain = f"plain-{uuid4().hex[:12]}"
    server.client.create_bucket(Bucket=plain)
    assert await LockedBucket(server.client, plain).lock() is None


async def test_a_server_that_is_not_there_is_unavailable():
    gone = Server("http://127.0.0.1:9", "a", "b")
    with pytest.raises(UnavailableError):
        await gone.bucket.make(Lock(DAYS))
