"""Object Lock, on two unrelated servers: what was written cannot be taken away, by whoever holds the keys."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from blocks.errors import ConflictError, RefusedError, UnavailableError
from blocks.retention import Lock, LockedBucket
from infrastructure.local.stack import s3
from infrastructure.local.stack.running import BackgroundStack
from infrastructure.local.stack.site import BUCKET
from tests.blocks.conftest import s3_store
from tests.buckets import DAYS, Server, unmade, unmade_on


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


class Dying:
    """A client of S3 whose process dies just before, or just after, its n-th call."""

    def __init__(self, client: Any, call: int, when: str) -> None:
        self._client, self._left, self._when = client, call, when

    def __getattr__(self, name: str) -> Any:
        def asked(**given: Any) -> Any:
            self._left -= 1
            if not self._left and self._when == "before":
                raise SystemExit
            answer = getattr(self._client, name)(**given)
            if not self._left:
                raise SystemExit
            return answer

        return asked


async def died(server: Server, call: int, when: str) -> bool:
    try:
        await LockedBucket(Dying(server.client, call, when), server.name).make(Lock(DAYS))
    except SystemExit:
        return True
    return False


@pytest.mark.parametrize("which", ["seaweed", "ministack"])
async def test_who_dies_while_making_a_bucket_is_followed_by_the_next_wherever_it_was(request, which: str):
    steps = 0
    for call in itertools.count(1):
        for when in ("before", "after"):
            made = unmade(request, which)
            if not await died(made, call, when):
                break
            steps += 1
            await made.bucket.make(Lock(DAYS))
            assert await made.bucket.lock() == Lock(DAYS), (call, when)
            await made.store.create("objects/one", b"one")
            (version,) = await made.versions()
            assert await made.bucket.kept_until(version) is not None
        else:
            continue
        break
    assert steps == 2 * 4  # make it, look, look again before it is prolonged, set its default


async def test_to_make_a_bucket_again_changes_nothing_and_shortens_nothing(server: Server):
    await server.bucket.make(Lock(DAYS))
    await server.bucket.make(Lock(DAYS - 1))
    assert await server.bucket.lock() == Lock(DAYS)


async def test_a_bucket_that_was_made_without_a_lock_is_said_to_be_one(server: Server):
    plain = f"plain-{uuid4().hex[:12]}"
    server.client.create_bucket(Bucket=plain)
    with pytest.raises(RefusedError, match="was made without Object Lock"):
        await LockedBucket(server.client, plain).make(Lock(DAYS))


async def test_a_laptop_that_died_before_its_bucket_kept_anything_is_repaired_when_it_starts_again(
    seaweed: BackgroundStack, monkeypatch
):
    unkept = unmade_on(seaweed)
    unkept.client.create_bucket(Bucket=unkept.name, ObjectLockEnabledForBucket=True)
    assert await unkept.bucket.lock() == Lock(0)
    monkeypatch.setattr(s3, "BUCKET", unkept.name)
    assert await s3.healthy(seaweed.site)
    assert await unkept.bucket.lock() == Lock(3653)


async def test_a_laptop_whose_bucket_can_keep_nothing_starts_all_the_same(seaweed: BackgroundStack, monkeypatch):
    plain = unmade_on(seaweed)
    plain.client.create_bucket(Bucket=plain.name)
    monkeypatch.setattr(s3, "BUCKET", plain.name)
    assert await s3.healthy(seaweed.site)
    assert await plain.bucket.lock() is None


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
