"""Where the ERP lives: its environment, its database, its keys; and who may touch them when."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DATABASE: Final = "erp"

_CONFIGURATION: Final = """\
[database]
uri = sqlite://
path = {path}
[session]
authentications = password
"""


class ErpHomeError(Exception):
    """The ERP cannot be prepared or served; the message says what to do."""


@dataclass(frozen=True)
class ErpHome:
    """The ERP's corner of ALMONER_HOME; `state` is complete or not there at all."""

    root: Path

    @property
    def environment(self) -> Path:
        """Tryton's own environment."""
        return self.root / "erp-venv"

    @property
    def python(self) -> Path:
        """The interpreter of that environment."""
        return self.environment / "bin" / "python"

    @property
    def state(self) -> "ErpState":
        """The prepared ERP."""
        return ErpState(self.root / "erp")

    @property
    def building(self) -> "ErpState":
        """An ERP under preparation: renamed to `state` when it is complete."""
        return ErpState(self.root / "erp.building")

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Prepare alone: a second preparation waits for the first."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "erp.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class ErpState:
    """One database with what belongs to it."""

    folder: Path

    @property
    def database(self) -> Path:
        """The live database."""
        return self.folder / "db" / f"{DATABASE}.sqlite"

    @property
    def pristine(self) -> Path:
        """The database as it was seeded, to go back to."""
        return self.folder / "pristine.sqlite"

    @property
    def key(self) -> Path:
        """The service user's key for the REST door."""
        return self.folder / "service.key"

    @property
    def password(self) -> Path:
        """The administrator's password."""
        return self.folder / "admin.password"

    @property
    def seed(self) -> Path:
        """What was prepared, and from what. Written last."""
        return self.folder / "seed.json"

    @property
    def configuration(self) -> Path:
        """Tryton's configuration."""
        return self.folder / "trytond.conf"

    def write_configuration(self) -> None:
        """Point Tryton at the database; the folder may have moved since the last time."""
        self.configuration.write_text(_CONFIGURATION.format(path=self.database.parent.absolute()))

    def alone(self) -> int:
        """Claim the database for one process; return the lock, which lives as long as it is open.

        Two servers on one SQLite file hand out the same document numbers twice, without a word.
        """
        lock = os.open(self.folder / "serving.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise ErpHomeError(f"the ERP in {self.folder} is running: stop it first") from None
        return lock


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
