"""Where a ledger that is tampered with lies: in a folder, or in a bucket that keeps versions; its witness too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from blocks.ports import Store
from blocks.retention import LockedBucket
from blocks.store import FolderStore
from tests.buckets import Server

LEDGER, WITNESS = "ledger/", "witness/"
"""Of a bucket: where each lies."""
IN_WITNESS = "witness:"
"""Of a key that is written by a mutation: that it is one of the witness's store."""
Files = Mapping[str, bytes | None]


class Place(Protocol):
    """Somewhere to write, to tamper, and to undo what was done."""

    @property
    def store(self) -> Store:
        """The ledger's own store."""

    @property
    def witness_store(self) -> Store:
        """The witness's."""

    @property
    def buckets(self) -> tuple[LockedBucket | None, LockedBucket | None]:
        """Both, where they keep versions."""

    @property
    def addresses(self) -> tuple[str, str]:
        """Both, as the verifier in Go is given them."""

    @property
    def environment(self) -> dict[str, str]:
        """What that verifier needs to be let in."""

    def files(self) -> dict[str, bytes]:
        """Read what lies there, by key."""

    def put(self, files: Files) -> None:
        """Write files, or take away those that are None."""

    def undo(self) -> None:
        """Undo all that was put since the last time."""


@dataclass
class Folder:
    """Two folders: what is written over is gone."""

    root: Path
    _before: dict[Path, bytes | None] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The ledger's own store."""
        return FolderStore(self.root / "store")

    @property
    def witness_store(self) -> Store:
        """The witness's."""
        return FolderStore(self.root / "witness")

    buckets = (None, None)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def addresses(self) -> tuple[str, str]:
        """Both folders."""
        return str(self.root / "store"), str(self.root / "witness")

    def files(self) -> dict[str, bytes]:
        """Read what lies there, by key."""
        at, found = {"store": "", "witness": IN_WITNESS}, {}
        for path in sorted(self.root.rglob("*")):
            top, *rest = path.relative_to(self.root).parts
            if path.is_file() and not path.name.startswith(".") and top in at:
                found[at[top] + "/".join(rest)] = path.read_bytes()
        return found

    def put(self, files: Files) -> None:
        """Write files, or take away those that are None."""
        for key, data in files.items():
            witness = key.startswith(IN_WITNESS)
            path = self.root / ("witness" if witness else "store") / key.removeprefix(IN_WITNESS)
            self._before.setdefault(path, path.read_bytes() if path.is_file() else None)
            self._write(path, data)

    def undo(self) -> None:
        """Put back what was there."""
        for path, data in self._before.items():
            self._write(path, data)
        self._before.clear()

    def _write(self, path: Path, data: bytes | None) -> None:
        if data is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


@dataclass
class Bucket:
    """A bucket that keeps versions, on a real server, with no lock on it: so what a test puts over can be undone."""

    server: Server
    _put: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open both places in it, once."""
        self.store, self.witness_store = (self.server.store_at(place) for place in (LEDGER, WITNESS))
        client, name = self.server.client, self.server.name
        self.buckets = (LockedBucket(client, name, LEDGER), LockedBucket(client, name, WITNESS))
        self.addresses = (f"s3://{name}/{LEDGER}", f"s3://{name}/{WITNESS}")
        keys = {"AWS_ACCESS_KEY_ID": self.server.key, "AWS_SECRET_ACCESS_KEY": self.server.secret}
        self.environment = {**keys, "AWS_ENDPOINT_URL_S3": self.server.endpoint}

    def files(self) -> dict[str, bytes]:
        """Read what lies there, by key."""
        found = {}
        pages = self.server.client.get_paginator("list_objects_v2").paginate(Bucket=self.server.name)
        for one in (one for page in pages for one in page.get("Contents", ())):
            key = one["Key"].removeprefix(LEDGER)
            data = self.server.client.get_object(Bucket=self.server.name, Key=one["Key"])["Body"].read()
            found[f"{IN_WITNESS}{key.removeprefix(WITNESS)}" if key.startswith(WITNESS) else key] = data
        return found

    def put(self, files: Files) -> None:
        """Put a newer version over each, or a delete marker."""
        client, name = self.server.client, self.server.name
        for key, data in files.items():
            witness = key.startswith(IN_WITNESS)
            at = (WITNESS if witness else LEDGER) + key.removeprefix(IN_WITNESS)
            if data is None:
                told = client.delete_object(Bucket=name, Key=at)
            else:
                told = client.put_object(Bucket=name, Key=at, Body=data)
            self._put.append((at, told["VersionId"]))

    def undo(self) -> None:
        """Take the versions away that were put."""
        for key, version in reversed(self._put):
            self.server.client.delete_object(Bucket=self.server.name, Key=key, VersionId=version)
        self._put.clear()
