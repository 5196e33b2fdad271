"""The stores that must all behave alike: a folder, one in memory, and a real S3."""

from pathlib import Path
from uuid import uuid4

import pytest

from blocks.ports import Store
from blocks.store import FolderStore, S3Store
from infrastructure.local.stack.running import BackgroundStack
from infrastructure.local.stack.site import BUCKET
from tests.stores import MemoryStore


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
