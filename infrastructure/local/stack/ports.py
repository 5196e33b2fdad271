"""The family of ports: one base number moves them all."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infrastructure.local.stack.trouble import StackError

DEFAULT_BASE = 18000
LOOPBACK = "127.0.0.1"
_LEAVING_S = 15.0
_LISTENING = "0A"  # the kernel's number for LISTEN in /proc/net/tcp
_FIRST_BASE = 1024  # below, ports need root
_LAST_BASE = 65535 - 100


@dataclass(frozen=True)
class Ports:
    """Where each server listens, always on loopback. SeaweedFS alone needs ten."""

    base: int = DEFAULT_BASE

    def __getitem__(self, name: str) -> int:
        """Give the port called `name`; KeyError for a name that is not in the family."""
        return self.base + OFFSETS[name]

    def url(self, name: str) -> str:
        """Give the plain HTTP address of a server, without a trailing slash."""
        return f"http://{LOOPBACK}:{self[name]}"


OFFSETS: Mapping[str, int] = {
    "postgres": 32,
    "s3": 33,
    "s3-master": 34,
    "s3-volume": 35,
    "s3-filer": 36,
    "s3-admin": 37,
    "prefect": 42,
    "s3-grpc": 53,
    "s3-master-grpc": 54,
    "s3-volume-grpc": 55,
    "s3-filer-grpc": 56,
    "s3-admin-grpc": 57,
    "erp": 69,
    "doors": 80,
    "bell": 81,
    "desk": 90,
}


def from_environment() -> Ports:
    """Take the family that ALMONER_PORT_BASE asks for, or the usual one."""
    asked = os.environ.get("ALMONER_PORT_BASE", str(DEFAULT_BASE))
    if not asked.isdecimal() or not _FIRST_BASE <= int(asked) <= _LAST_BASE:
        raise StackError(
            f"ALMONER_PORT_BASE={asked} is not a port family.",
            f"Give a number from {_FIRST_BASE} to {_LAST_BASE}, e.g. ALMONER_PORT_BASE=28000",
        )
    return Ports(int(asked))


def free_family(start: int = 20000, step: int = 100) -> Ports:
    """Find a family in which no port is taken now; for tests and for stacks side by side."""
    # Test processes that look at the same moment begin at different places.
    first = start + os.getpid() % 97 * step
    for base in (*range(first, 30000, step), *range(start, first, step)):
        ports = Ports(base)
        if not any(taken(ports[name]) for name in OFFSETS):
            return ports
    raise StackError("No free family of ports was found.", "Stop some servers and try again.")


def taken(port: int) -> bool:
    """Whether somebody listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def require_free(ports: Ports, names: Iterable[str], leaving: Collection[int] = ()) -> None:
    """Raise StackError naming the first port in use and, where it can be found, who uses it.

    Processes in `leaving` are on their way out (a supervisor was killed a moment ago): they get time to go.
    """
    until = time.monotonic() + _LEAVING_S
    for name in names:
        while taken(ports[name]):
            pid = owner(ports[name])
            if pid in leaving and time.monotonic() < until:
                time.sleep(0.2)
                continue
            stop = f"Stop process {pid} ({program(pid)})" if pid else "Stop the program that has it"
            raise StackError(
                f"Port {ports[name]} ({name}) is taken.",
                f"{stop}, or move the whole family: export ALMONER_PORT_BASE={elsewhere(ports)}, then start again.",
            )


def owner(port: int) -> int | None:
    """Find the process that listens on a port, or None where the system will not tell."""
    sockets = set(_listening_inodes(port))
    if sockets:
        for process in Path("/proc").glob("[0-9]*"):
            if any(link in sockets for link in _open_files(process)):
                return int(process.name)
    lsof = shutil.which("lsof")
    if lsof is None:
        return None
    told = subprocess.run(  # noqa: S603 -- a fixed program and a number
        [lsof, "-nPt", f"-iTCP:{port}", "-sTCP:LISTEN"], capture_output=True, text=True, check=False
    )
    return int(told.stdout.split()[0]) if told.stdout.split() else None


def program(pid: int) -> str:
    """Say in one word what a process is."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "another program"


def elsewhere(ports: Ports) -> int:
    """Give another base to start from."""
    return ports.base + 10000 if ports.base + 10000 <= _LAST_BASE else DEFAULT_BASE


def _listening_inodes(port: int) -> Iterable[str]:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            field = line.split()
            if field[3] == _LISTENING and int(field[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{field[9]}]"


def _open_files(process: Path) -> Iterable[str]:
    try:
        for link in (process / "fd").iterdir():
            yield str(link.readlink())
    except OSError:  # not ours to look at, or just gone
        return
