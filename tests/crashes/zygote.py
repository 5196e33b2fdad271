"""Processes that are had in a moment and die at any system call.

A zygote imports everything once, then forks for each request it reads (a line of JSON), so that a death costs no
import. The child waits at a pipe until whoever watches it is attached, does its deed, and says how it ended by its
exit status. strace injects SIGKILL as a call is entered.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

ENDED, BROKEN = 0, 5
CALLS = "connect,sendto,sendmsg,recvfrom,openat,write,writev,link,linkat,unlink,unlinkat,rename,mkdir,close,fsync"


class Place(NamedTuple):
    """A system call, and the how-manyth of its name."""

    call: str
    nth: int


class Zygote:
    """A parent of children that die: everything is imported there. *before*: what it runs under, as faketime is."""

    def __init__(self, *module: str, before: tuple[str, ...] = ()) -> None:
        command = [*before, sys.executable, "-m", *module]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to: IO[str] = self._process.stdin
        self._from: IO[str] = self._process.stdout
        self.child = 0
        """The process that carries now, or did last."""

    def carry(self, asked: dict[str, str], *strace: str) -> int:
        """Let a child do what is asked, watched by strace where it is given arguments; return how it ended."""
        go = Path(asked["root"]) / f"go-{self._process.pid}"
        if not go.exists():
            os.mkfifo(go)
        gate = os.open(go, os.O_RDWR)  # so that neither end waits for the other, which may be dead by now
        try:
            self._to.write(json.dumps({**asked, "go": str(go)}) + "\n")
            self._to.flush()
            self.child = int(self._from.readline())
            watching = attached(self.child, *strace) if strace else None
            os.write(gate, b".")
            status = int(self._from.readline())
        finally:
            os.close(gate)
        if watching:
            watching.communicate(timeout=20)
        return status

    def close(self) -> None:
        self._to.close()
        self._process.wait(timeout=20)
        self._from.close()


def attached(child: int, *arguments: str) -> subprocess.Popen[str]:
    """Let strace watch a process, and return once it does."""
    command = ["strace", "-p", str(child), *arguments]
    strace = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert strace.stderr is not None
    said = strace.stderr.readline()
    assert "attached" in said, said
    return strace


def traced(log: Path) -> tuple[str, ...]:
    """Let strace write down each call that touches anything."""
    return "-e", f"trace={CALLS}", "-s", "200", "-o", str(log)


def killing(place: Place) -> tuple[str, ...]:
    """Let strace kill whoever makes a call."""
    kill = f"inject={place.call}:signal=SIGKILL:when={place.nth}"
    return "-e", f"trace={place.call}", "-e", kill, "-o", os.devnull


def places(log: Path, since: str = "") -> list[Place]:
    """List the calls that were written down; *since*: from the first whose arguments say so."""
    seen: Counter[str] = Counter()
    listed, found = list[Place](), not since
    for line in log.read_text().splitlines():
        if not (call := re.match(r"(\w+)\(", line)):
            continue
        seen[call[1]] += 1
        found = found or since in line
        listed += [Place(call[1], seen[call[1]])] if found else []
    return listed


def forks(deed: Callable[[dict[str, Any]], Awaitable[int]]) -> None:
    """Be a zygote: fork for each line that is read; answer with the child's process id, then with how it ended."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _child(deed, json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _child(deed: Callable[[dict[str, Any]], Awaitable[int]], asked: dict[str, Any]) -> None:
    async def done() -> int:
        return await deed(asked)

    status = BROKEN
    try:
        os.read(os.open(asked["go"], os.O_RDONLY), 1)
        status = asyncio.run(done())
    finally:
        os._exit(status)
