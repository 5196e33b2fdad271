"""ALMONER_HOME: everything the stack keeps on disk, in one directory that can be wiped."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infrastructure.local.stack.trouble import StackError, disk_full, from_os

MARKER = ".almoner-home"
TOOLS = frozenset({"tools", "erp-venv"})  # downloaded or built: --reset keeps them
SERVED = frozenset({"pg", "s3", "erp", "erp.building", "erp.lock", "desk", "prefect"})
KEPT = frozenset({"logs", "run", "vault", "witness", "secrets.json", "session.json"})
STATE = SERVED | KEPT
ROOM_TO_INSTALL_BYTES = 1_000_000_000
ROOM_TO_RUN_BYTES = 200_000_000


@dataclass(frozen=True)
class Home:
    """One stack's directory. `Home.open` makes it; the properties say where things are."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> "Home":
        """Make or adopt a home; StackError when it is somebody else's, unwritable or out of room."""
        home = cls(path.absolute())
        try:
            home.make()
        except OSError as error:
            raise from_os(error) from error
        home.require_room()
        return home

    def make(self) -> None:
        """Make the directory; StackError when somebody else's things are in it, OSError as it comes."""
        if not self.is_ours():
            raise StackError(
                f"{self.path} is not empty and is not an Almoner home.",
                "Point ALMONER_HOME at a new or empty directory.",
            )
        for name in ("logs", "run", "tools"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        (self.path / MARKER).touch()

    def is_ours(self) -> bool:
        """Whether the directory is absent, empty, marked, or holds nothing but what we put there."""
        if not self.path.exists() or (self.path / MARKER).exists():
            return True
        return {entry.name for entry in self.path.iterdir()} <= TOOLS | STATE

    def require_room(self) -> None:
        """Raise StackError when the disk is about to fill: databases hate finding out later."""
        installed = (self.path / "erp-venv").exists() and any(self.tools.iterdir())
        needed = ROOM_TO_RUN_BYTES if installed else ROOM_TO_INSTALL_BYTES
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise disk_full(f"{self.path} has {free // 10**6} MB free and needs {needed // 10**6} MB")

    def require_ours(self) -> None:
        """Raise StackError for a directory without our marker: nothing of it may be wiped."""
        if self.path.exists() and not (self.path / MARKER).exists():
            raise StackError(
                f"{self.path} carries no {MARKER}: it was not made by almoner, and is left alone.",
                "Check ALMONER_HOME. If it really is an old home, delete it yourself.",
            )

    def wipe(self) -> None:
        """Forget all state and keep the downloaded tools; call it while holding the home."""
        self.require_ours()
        for entry in (*self.path.iterdir(), *self.run.iterdir()):
            if entry.name in TOOLS or entry in {self.path / MARKER, self.run, self.lock}:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the home for one supervisor; StackError naming the other one when there is one.

        The kernel lets the lock go with the process, so a pid left in the file by a crash hinders nobody.
        """
        self.run.mkdir(parents=True, exist_ok=True)
        with self.lock.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                pid = file.read().strip() or "unknown"
                raise StackError(
                    f"A stack already runs from {self.path} (process {pid}).",
                    "Use it, stop it with `almoner down`, or give this one another ALMONER_HOME.",
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
            file.truncate(0)

    def supervisor(self) -> int | None:
        """Find the pid of the supervisor that holds this home now, or None."""
        try:
            with self.lock.open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            text = self.lock.read_text().strip()
            return int(text) if text.isdecimal() else None
        return None

    @property
    def run(self) -> Path:
        """Lock, supervisor's pid and the state of every part."""
        return self.path / "run"

    @property
    def lock(self) -> Path:
        """Locked while a supervisor lives; holds its pid."""
        return self.run / "lock"

    @property
    def board(self) -> Path:
        """What the supervisor last said about its parts, as JSON."""
        return self.run / "parts.json"

    @property
    def base(self) -> Path:
        """The port family the running stack has; other shells need not know ALMONER_PORT_BASE."""
        return self.run / "port-base"

    @property
    def logs(self) -> Path:
        """One file a part."""
        return self.path / "logs"

    @property
    def tools(self) -> Path:
        """Servers unpacked from wheels."""
        return self.path / "tools"


def from_environment() -> Path:
    """Take the directory ALMONER_HOME names, or `.almoner` here."""
    return Path(os.environ.get("ALMONER_HOME") or ".almoner")
