"""Object Lock, on two unrelated servers: what was written cannot be taken away, by whoever holds the keys."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from blocks.errors import ConflictError, RefusedError, UnavailableError
from blocks.retention import Lock, LockedBucket
from infrastructure.local.stack.running import BackgroundStack
from infrastructure.local.stack.site import BUCKET
from tests.blocks.conftest import s3_store
from tests.buckets import DAYS, Server


async def version_of(server: Server, key: str) -> str:
    (version,) = await server.versions(key)
    return version.id


async def test_what_is_created_is_kept_by_default_and_no_version_of_it_can_be_deleted(server: Server):
    await server.store.create("cases/RQ-1/00000001.json", b"one")
    version = await version_of(server, "cases/RQ-1/")
    about = server.client.head_object(Bucket=server.name, Key="cases/RQ-1/00000001.json")
    assert about["ObjectLockMode"] == "COMPLIANCE"
    assert about["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(days=DAYS, minutes=-5)
    with pytest.raises(ClientError):
        server.client.delete_object(Bucket=server.name, Key="cases/RQ-1/00000001.json", VersionId=version)
    assert await server.store.get("cases/RQ-1/00000001.json") == b"one"


async def test_to_delete_a_key_puts_a_marker_over_it_and_takes_nothing_away(server: Server):
    await server.store.create("objects/one", b"one")
    server.client.delete_object(Bucket=server.name, Key="objects/one")
    first, marker = sorted(await server.versions("objects/"), key=lambda x: x.hides)
    assert (first.hides, marker.hides, marker.latest) == (False, True, True)
    assert await server.bucket.read(first) == b"one"


async def test_the_laptops_bucket_is_made_under_lock_for_as_long_as_the_longest_rule_asks(seaweed: BackgroundStack):
    store = s3_store(seaweed)
    await store.create("cases/RQ-1/00000001.json", b"one")
    bucket = LockedBucket.of(store)
    assert bucket is not None
    assert await bucket.lock() == Lock(3653)
    (version,) = [one async for one in bucket.versions("cases/")]
    until = await bucket.kept_until(version)
    assert version.key == "cases/RQ-1/00000001.json"
    assert until is not None
    assert until > datetime.now(UTC) + timedelta(days=3650)
    with pytest.raises(ClientError):
        store.where.client().delete_object(Bucket=BUCKET, Key=store.where.prefix + version.key, VersionId=version.id)


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
    assert len(await server.versions("race/")) == 2


async def test_a_legal_hold_is_on_a_version_until_it_is_lifted(server: Server):
    await server.store.create("cases/RQ-1/00000001.json", b"one")
    (version,) = await server.versions()
    assert not await server.bucket.is_held(version)
    await server.bucket.hold(version, on=True)
    assert await server.bucket.is_held(version)
    await server.bucket.hold(version, on=False)
    assert not await server.bucket.is_held(version)


async def test_a_bucket_without_it_promises_nothing(server: Server):
    plain = f"plain-{uuid4().hex[:12]}"
    server.client.create_bucket(Bucket=plain)
    assert await LockedBucket(server.client, plain).lock() is None


async def test_a_server_that_is_not_there_is_unavailable():
    gone = Server("http://127.0.0.1:9", "a", "b")
    with pytest.raises(UnavailableError):
        await gone.bucket.make(Lock(DAYS))
