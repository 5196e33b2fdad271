"""How long a bucket keeps what is written to it: S3 Object Lock in COMPLIANCE mode, which nobody can shorten.

A bucket is made with it, or never has it. Its default retention falls on every object as it is created, and costs no
request of its own. A legal hold keeps the objects of a case beyond that, until it is lifted. Object Lock protects
versions, not keys: a newer version may lie over an older one, which verification finds and which takes nothing away.
"""

import asyncio
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from blocks.errors import RefusedError, UnavailableError

DAYS_A_YEAR = 365.25


class Lock(NamedTuple):
    """What a bucket promises by default: so many days in COMPLIANCE mode."""

    days: int


class LockedBucket:
    """A bucket whose objects cannot be taken away, by a boto3 client of S3.

    Raises `RefusedError` where the server says no, `UnavailableError` where it does not answer.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    async def make(self, lock: Lock) -> None:
        """Make the bucket with Object Lock (which brings versions), and set its default retention."""
        await self._ask("create_bucket", ObjectLockEnabledForBucket=True)
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
        """Read the default retention; None where the bucket promises none."""
        try:
            answer = await self._ask("get_object_lock_configuration")
        except RefusedError:
            return None
        found = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
        if found.get("Mode") != "COMPLIANCE":
            return None
        return Lock(int(found.get("Days") or int(found["Years"]) * DAYS_A_YEAR))

    async def hold(self, prefix: str, *, on: bool) -> int:
        """Put a legal hold on every version of every object under *prefix*, or lift it; how many there were."""
        versions = await self.versions(prefix)
        for key, version in versions:
            status = {"Status": "ON" if on else "OFF"}
            await self._ask("put_object_legal_hold", Key=key, VersionId=version, LegalHold=status)
        return len(versions)

    async def versions(self, prefix: str) -> list[tuple[str, str]]:
        """List every version under *prefix*: key and version, the newest of a key first."""
        found, more = list[tuple[str, str]](), dict[str, str]()
        while True:
            page = await self._ask("list_object_versions", Prefix=prefix, **more)
            found += [(one["Key"], one["VersionId"]) for one in page.get("Versions", ())]
            if not page.get("IsTruncated"):
                return found
            more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

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
