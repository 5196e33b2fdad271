"""One running command on its keeper's leash."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")
PROJECT = Path(__file__).resolve().parents[3]
_KEPT_LOGS = 3
_GONE_LOOKS = 50
_LOOK_EVERY_S = 0.02
_LOG_LIMIT_BYTES = 5_000_000


@dataclass(frozen=True)
class Account:
    """The user a server runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Manner:
    """How a command is run and stopped."""

    stop_signal: int = signal.SIGTERM
    grace_s: float = 8.0
    account: Account | None = None


class Child:
    """A command that runs; made by `start`, ended by `stop` or by its own exit."""

    def __init__(self, keeper: Process, told: str, grace_s: float) -> None:
        self.pid = _number(told, "pid") or 0
        self._keeper = keeper
        self._grace_s = grace_s
        self._ended = asyncio.create_task(self._watch(told))

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str], log: Path, manner: Manner) -> "Child":
        """Start a command with exactly this environment; its output goes to the log."""
        account = manner.account or Account("", -1, -1)
        order = [manner.stop_signal, manner.grace_s, account.uid, account.gid]
        with log.open("ab") as sink:
            # -I -S: the keeper needs nothing but the standard library, and starts in 20 ms.
            keeper = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(KEEPER), *(str(int(item)) for item in order)),
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=sink,
                env=dict(environment),
                # Another user may not be able to enter the project's directory.
                cwd="/" if manner.account else PROJECT,
                start_new_session=True,
            )
        return cls(keeper, await _line(keeper), manner.grace_s)

    async def ended(self) -> int:
        """Wait for the end; the exit code, negative for a signal."""
        return await asyncio.shield(self._ended)

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return not self._ended.done()

    def send(self, number: signal.Signals) -> None:
        """Give the server a signal; the keeper does it, so a reused pid is never hit."""
        if self.running and self._keeper.stdin is not None:
            self._keeper.stdin.write(bytes([number]))

    async def stop(self, *, at_once: bool = False) -> None:
        """Ask it to stop, and see to it that it does and that nothing of its group is left."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0 if at_once else self._grace_s + 1):
                await self.ended()
        if self.running:
            self._kill_group()
        await self.ended()
        # Killed is not yet gone. Where nobody reaps orphans (a bare container) their group never empties.
        for _ in range(_GONE_LOOKS):
            if not self._kill_group():
                break
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _watch(self, told: str) -> int:
        if self.pid:
            told = await _line(self._keeper)
        # Nothing to do as a rule; but a keeper killed by hand leaves its server, which must not outlive it.
        self._kill_group()
        code = _number(told, "exit")
        return -signal.SIGKILL if await self._keeper.wait() < 0 and code is None else code or 0

    def _kill_group(self) -> bool:
        """Kill what is left of keeper, server and its children; whether there was anything."""
        try:
            os.killpg(self._keeper.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return False
        return True


async def _line(keeper: Process) -> str:
    return (await keeper.stdout.readline()).decode().strip() if keeper.stdout else ""


def _number(told: str, what: str) -> int | None:
    word, _, number = told.partition(" ")
    return int(number) if word == what else None


def rotate(log: Path) -> None:
    """Put a log aside when it has grown large; called when a stack starts."""
    if not log.exists() or log.stat().st_size < _LOG_LIMIT_BYTES:
        return
    for age in range(_KEPT_LOGS - 1, 0, -1):
        older = log.with_suffix(f".log.{age}")
        if older.exists():
            older.replace(log.with_suffix(f".log.{age + 1}"))
    log.replace(log.with_suffix(".log.1"))
