"""Object storage with conditional writes: a real S3, and a plain folder with the same semantics."""

import asyncio
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store as Bucket

from blocks.errors import ConflictError, NotFoundError, RefusedError, UnavailableError, UnreadableError
from blocks.ports import Blob, Held
from blocks.where import NOT_LET_IN, Where

if TYPE_CHECKING:
    from obstore import ObjectMeta

KEY_MAX = 900
"""S3 allows 1,024 bytes a key; the rest is room for prefixes."""
CONFLICTS_MAX = 5
"""How often a write is repeated that S3 turned away for the sake of another, of which nothing is seen."""
DENIED = ("401 Unauthorized", "403 Forbidden")
"""How the client's generic errors say it: a listing has no error of its own for it."""


class S3Store:
    """A bucket. Creation is `If-None-Match: *`, so of many writers exactly one wins."""

    def __init__(
        self, bucket: str, *, prefix: str = "", endpoint: str | None = None, timeout_s: float = 10, **config: Any
    ) -> None:
        keys = {name: config.get(name) for name in ("region", "access_key_id", "secret_access_key")}
        self.where = Where(bucket, f"{prefix.rstrip('/')}/" if prefix else "", endpoint, **keys)
        if endpoint:
            config["endpoint"] = endpoint
        self._bucket = Bucket(
            bucket,
            prefix=prefix or None,
            client_options={"allow_http": True, "timeout": f"{timeout_s}s", "pool_max_idle_per_host": "64"},
            retry_config={"max_retries": 4},
            conditional_put="etag",
            **config,
        )

    async def create(self, key: str, data: bytes) -> None:
        """Write where nothing is; the same bytes again are the same write."""
        _assert_key(key)
        for _ in range(CONFLICTS_MAX):
            try:
                with _as_ours():
                    await obstore.put_async(self._bucket, key, data, mode="create", use_multipart=False)
            except ConflictError:
                try:
                    there = await self.get(key)
                except NotFoundError:
                    continue  # two writes met, and S3 took neither (409): it asks for the same once more
                if there != data:
                    raise
            return
        raise UnavailableError("store", f"{key}: {CONFLICTS_MAX} conflicts in a row, and nothing is there")

    async def get(self, key: str) -> bytes:
        """Read the whole object."""
        with _as_ours():
            found = await obstore.get_async(self._bucket, key)
            return bytes(await found.bytes_async())

    async def age_s(self, key: str) -> float:
        """Tell how long ago it was written, by S3's own clock."""
        return await asyncio.to_thread(self.where.age_s, key)

    async def look(self, key: str) -> Held:
        """Read the whole object, with its version."""
        with _as_ours():
            found = await obstore.get_async(self._bucket, key)
            return Held(bytes(await found.bytes_async()), _version(found.meta))

    async def written_at(self, key: str) -> datetime:
        """Say when an object was written, by the server's clock."""
        with _as_ours():
            return (await obstore.head_async(self._bucket, key))["last_modified"]

    async def swap(self, key: str, data: bytes, *, was: str) -> str:
        """Write over one version alone (`If-Match`); the same bytes again are the same write."""
        _assert_key(key)
        try:
            with _as_ours():
                put = await obstore.put_async(self._bucket, key, data, mode={"e_tag": was}, use_multipart=False)
        except (ConflictError, NotFoundError):
            return await _swapped(self, key, data)
        return put["e_tag"] or (await self.look(key)).version

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Blob]:
        """List in key order, a page at a time."""
        with _as_ours():
            pages = obstore.list(self._bucket, prefix, offset=after or None, chunk_size=1000)
            async for page in pages:
                for found in page:
                    yield Blob(found["path"], found["size"], _version(found))


class KeyBucket(S3Store):
    """A bucket, or a place in one, for keys that have to be destroyed: it must not be under Object Lock."""

    async def shred(self, key: str, left: bytes) -> None:
        """Write *left* over it, then delete each earlier version, should the bucket keep any."""
        _assert_key(key)
        with _as_ours():
            await obstore.put_async(self._bucket, key, left, use_multipart=False)
        await asyncio.to_thread(self._delete_versions, key)

    def _delete_versions(self, key: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, prefix = self.where.bucket, self.where.prefix
        try:
            client = self.where.client()
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix + key):
                for version in page.get("Versions", ()):
                    if version["Key"] == prefix + key and not version["IsLatest"]:
                        client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        except ClientError as error:
            raise RefusedError("vault", f"an earlier version of {key} cannot be destroyed: {error}") from error
        except BotoCoreError as error:
            raise UnavailableError("vault", str(error)) from error


class FolderStore:
    """A folder. Creation is a hard link, which the file system grants to exactly one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    async def create(self, key: str, data: bytes) -> None:
        """Write where nothing is; the same bytes again are the same write."""
        _assert_key(key)
        await asyncio.sleep(0)
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.parent / f".{secrets.token_hex(8)}"
        draft.write_bytes(data)
        try:
            os.link(draft, path)
        except FileExistsError:
            if path.read_bytes() != data:
                raise ConflictError(key) from None
        finally:
            draft.unlink()

    async def get(self, key: str) -> bytes:
        """Read the whole object."""
        await asyncio.sleep(0)
        try:
            return (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFoundError(key) from None

    async def age_s(self, key: str) -> float:
        """Tell how long ago it was written, by the clock of this machine."""
        await asyncio.sleep(0)
        try:
            return time() - (self._root / key).stat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(key) from None

    async def look(self, key: str) -> Held:
        """Read the whole object, with its version."""
        await asyncio.sleep(0)
        try:
            with (self._root / key).open("rb") as file:
                return Held(file.read(), _version_of(os.fstat(file.fileno())))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFoundError(key) from None

    async def written_at(self, key: str) -> datetime:
        """Say when an object was written, by this machine's clock."""
        await asyncio.sleep(0)
        try:
            return datetime.fromtimestamp((self._root / key).stat().st_mtime, UTC)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(key) from None

    async def swap(self, key: str, data: bytes, *, was: str) -> str:
        """Write over one version alone; the same bytes again are the same write."""
        _assert_key(key)
        await asyncio.sleep(0)
        path = self._root / key
        with (self._root / ".swap").open("ab") as turn:  # nothing is awaited while it is locked
            fcntl.flock(turn, fcntl.LOCK_EX)
            if path.is_file() and _version_of(path.stat()) == was:
                draft = path.parent / f".{secrets.token_hex(8)}"
                draft.write_bytes(data)
                draft.replace(path)
                return _version_of(path.stat())
        return await _swapped(self, key, data)

    async def shred(self, key: str, left: bytes) -> None:
        """Write *left* over it."""
        _assert_key(key)
        await asyncio.sleep(0)
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.parent / f".{secrets.token_hex(8)}"
        draft.write_bytes(left)
        draft.replace(path)

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Blob]:
        """List in key order."""
        await asyncio.sleep(0)
        files = (path for path in (self._root / prefix).rglob("*") if path.is_file())
        found = {path.relative_to(self._root).as_posix(): path for path in files}
        for key in sorted(found):
            if key > after and not found[key].name.startswith("."):
                about = found[key].stat()
                yield Blob(key, about.st_size, _version_of(about))


async def _swapped(store: S3Store | FolderStore, key: str, data: bytes) -> str:
    """Return the version that is there where it is what was to be written; `ConflictError` where it is not."""
    try:
        held = await store.look(key)
    except NotFoundError:
        raise ConflictError(f"{key}: there is nothing to write over") from None
    if held.data != data:
        raise ConflictError(f"{key}: somebody else wrote over it first")
    return held.version


def _version(meta: "ObjectMeta") -> str:
    return meta["e_tag"] or meta["last_modified"].isoformat()


def _version_of(about: os.stat_result) -> str:
    return f"{about.st_ino}~{about.st_mtime_ns}"


def _assert_key(key: str) -> None:
    parts = key.split("/")
    if len(key.encode()) > KEY_MAX or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        raise RefusedError("store", f"not a key: {key[:80]!r}")


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except (AlreadyExistsError, PreconditionError) as error:
        raise ConflictError(_said(error)) from error
    except FileNotFoundError as error:
        raise NotFoundError(_said(error)) from error
    except (BaseError, OSError, TimeoutError) as error:
        said = _said(error)
        if isinstance(error, PermissionDeniedError | UnauthenticatedError) or any(code in said for code in DENIED):
            raise UnreadableError("store", f"{NOT_LET_IN} ({said})") from error
        raise UnavailableError("store", said) from error


def _said(error: Exception) -> str:
    """Cut an error to its first line, without the server's XML."""
    return str(error).split("\n", 1)[0].partition(" <?xml")[0].removesuffix(":")
