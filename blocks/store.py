"""Object storage with conditional writes: a real S3, and a plain folder with the same semantics."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from blocks.ports import Blob

KEY_MAX = 900
"""S3 allows 1,024 bytes a key; the rest is room for prefixes."""
DENIED = ("401 Unauthorized", "403 Forbidden")
"""How the client's generic errors say it: a listing has no error of its own for it."""
NOT_LET_IN = "it does not let us in: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy"


class S3Store:
    """A bucket. Creation is `If-None-Match: *`, so of many writers exactly one wins."""

    def __init__(
        self, bucket: str, *, prefix: str = "", endpoint: str | None = None, timeout_s: float = 10, **config: Any
    ) -> None:
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
        try:
            with _as_ours():
                await obstore.put_async(self._bucket, key, data, mode="create", use_multipart=False)
        except ConflictError:
            if await self.get(key) != data:
                raise

    async def get(self, key: str) -> bytes:
        """Read the whole object."""
        with _as_ours():
            found = await obstore.get_async(self._bucket, key)
            return bytes(await found.bytes_async())

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Blob]:
        """List in key order, a page at a time."""
        with _as_ours():
            pages = obstore.list(self._bucket, prefix, offset=after or None, chunk_size=1000)
            async for page in pages:
                for found in page:
                    version = found["e_tag"] or found["last_modified"].isoformat()
                    yield Blob(found["path"], found["size"], version)


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

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Blob]:
        """List in key order."""
        await asyncio.sleep(0)
        files = (path for path in (self._root / prefix).rglob("*") if path.is_file())
        found = {path.relative_to(self._root).as_posix(): path for path in files}
        for key in sorted(found):
            if key > after and not found[key].name.startswith("."):
                about = found[key].stat()
                yield Blob(key, about.st_size, f"{about.st_ino}~{about.st_mtime_ns}")


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
