"""How long a bucket keeps what is written to it: S3 Object Lock in COMPLIANCE mode, which nobody can shorten.

A bucket is made with it, or never has it. Its default retention falls on every object as it is created, and costs no
request of its own. A legal hold keeps objects beyond that, until it is lifted. Object Lock protects versions, not
keys: a newer version may lie over an older one, or a delete marker may hide it, which verification finds and which
takes nothing away.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from blocks.errors import NotFoundError, RefusedError, UnavailableError
from blocks.ports import Store
from blocks.store import S3Store

DAYS_A_YEAR = 365.25
THERE_ALREADY = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


class Lock(NamedTuple):
    """What a bucket promises by default: so many days in COMPLIANCE mode."""

    days: int


class Version(NamedTuple):
    """One version of one object, or a delete marker that hides those before it."""

    key: str
    id: str
    at: datetime
    """When it was written, by the server's clock."""
    latest: bool
    hides: bool = False
    """Whether it is a delete marker."""


class LockedBucket:
    """A bucket whose objects cannot be taken away, or a place in one (*prefix*), by a boto3 client of S3.

    Keys are told and given without the prefix.
    Raises `RefusedError` where the server says no, `UnavailableError` where it does not answer.
    """

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    @classmethod
    def of(cls, store: Store) -> "LockedBucket | None":
        """Open the bucket that a store is kept in; None where it is a folder, which knows no locks and no versions."""
        if not isinstance(store, S3Store):
            return None
        return cls(store.where.client(), store.where.bucket, store.where.prefix)

    async def make(self, lock: Lock) -> None:
        """Make the bucket with Object Lock (which brings versions), and set its default retention.

        Whoever died half-way is followed by the next: what is there already is left, what is missing is set.
        `RefusedError` where the bucket is there and was made without Object Lock, which it can never have.
        """
        try:
            await self._ask("create_bucket", ObjectLockEnabledForBucket=True)
        except RefusedError as refused:
            if _code(refused) not in THERE_ALREADY:
                raise
        now = await self.lock()
        if now is None:
            raise RefusedError("store", f"{self._bucket} was made without Object Lock, and can never have it")
        if now.days < lock.days:
            await self.keep_for(lock)

    async def keep_for(self, lock: Lock) -> None:
        """Set the default retention of what is written from now on; `RefusedError` where it would become shorter."""
        now = await self.lock()
        if now and now.days > lock.days:
            raise RefusedError("store", f"{self._bucket} keeps {now.days} days; {lock.days} would be shorter")
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": lock.days}}
        configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        await self._ask("put_object_lock_configuration", ObjectLockConfiguration=configuration)

    async def lock(self) -> Lock | None:
        """Read the default retention: 0 days where none is set, None where the bucket was made without Object Lock."""
        try:
            answer = await self._ask("get_object_lock_configuration")
        except RefusedError:
            return None
        configuration = answer.get("ObjectLockConfiguration", {})
        if configuration.get("ObjectLockEnabled") != "Enabled":
            return None
        found = configuration.get("Rule", {}).get("DefaultRetention", {})
        if found.get("Mode") != "COMPLIANCE":
            return Lock(0)
        return Lock(int(found.get("Days") or int(found["Years"]) * DAYS_A_YEAR))

    async def policy(self) -> dict[str, Any] | None:
        """Read what the bucket forbids and allows; empty where it says nothing, None where it does not tell."""
        try:
            found: dict[str, Any] = json.loads((await self._ask("get_bucket_policy"))["Policy"])
        except RefusedError as error:
            return {} if _code(error) == "NoSuchBucketPolicy" else None
        return found

    async def kept_until(self, version: Version) -> datetime | None:
        """Say until when a version is kept; None where nothing keeps it."""
        try:
            answer = await self._ask("get_object_retention", Key=self._prefix + version.key, VersionId=version.id)
        except RefusedError:
            return None
        until: datetime | None = answer.get("Retention", {}).get("RetainUntilDate")
        return until.astimezone(UTC) if until else None

    async def keep(self, version: Version, until: datetime) -> bool:
        """Keep a version until then, unless it is kept as long already; whether anything was changed."""
        known = await self.kept_until(version)
        if known and known >= until.replace(microsecond=0):
            return False
        retention = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
        await self._ask(
            "put_object_retention", Key=self._prefix + version.key, VersionId=version.id, Retention=retention
        )
        return True

    async def hold(self, version: Version, *, on: bool) -> None:
        """Put a legal hold on a version, or lift it."""
        key, status = self._prefix + version.key, {"Status": "ON" if on else "OFF"}
        await self._ask("put_object_legal_hold", Key=key, VersionId=version.id, LegalHold=status)

    async def is_held(self, version: Version) -> bool:
        """Say whether a legal hold is on a version."""
        try:
            answer = await self._ask("get_object_legal_hold", Key=self._prefix + version.key, VersionId=version.id)
        except RefusedError:
            return False
        return bool(answer.get("LegalHold", {}).get("Status") == "ON")

    async def versions(self, prefix: str = "") -> AsyncIterator[Version]:
        """List every version and delete marker under *prefix*, in the order of keys."""
        more = dict[str, str]()
        while True:
            page = await self._ask("list_object_versions", Prefix=self._prefix + prefix, **more)
            told = [(one, False) for one in page.get("Versions", ())]
            told += [(one, True) for one in page.get("DeleteMarkers", ())]
            for one, hides in sorted(told, key=lambda x: str(x[0]["Key"])):
                key, at = one["Key"].removeprefix(self._prefix), one["LastModified"].astimezone(UTC)
                yield Version(key, one["VersionId"], at, bool(one["IsLatest"]), hides)
            if not page.get("IsTruncated"):
                return
            more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker", "")}

    async def read(self, version: Version) -> bytes:
        """Read one version; `NotFoundError` where it is gone."""

        def asked() -> bytes:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + version.key, VersionId=version.id)
            return bytes(answer["Body"].read())

        try:
            return await asyncio.to_thread(asked)
        except ClientError as error:
            raise NotFoundError(f"{version.key}, version {version.id}: {error}") from error
        except BotoCoreError as error:
            raise UnavailableError("store", str(error)) from error

    async def _ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        def asked() -> dict[str, Any]:
            answer: dict[str, Any] = getattr(self._client, method)(Bucket=self._bucket, **arguments)
            return answer

        try:
            return await asyncio.to_thread(asked)
        except ClientError as error:
            raise RefusedError("store", str(error)) from error
        except BotoCoreError as error:
            raise UnavailableError("store", str(error)) from error


def _code(error: RefusedError) -> str:
    """Read what S3 calls what it said no to."""
    cause = error.__cause__
    return str(cause.response["Error"]["Code"]) if isinstance(cause, ClientError) else ""
