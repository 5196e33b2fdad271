"""Processes that the storm starts, and may kill or stop at any moment."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx

from infrastructure.local.stack.child import Child, Manner

READY_S = 90.0
LOOK_EVERY_S = 0.05


@dataclass
class Servant:
    """A process on the storm's leash: it goes when the storm goes. *asked*: where it says that it is well."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    asked: str
    child: Child | None = None
    stopped: bool = False
    starts: int = 0

    async def start(self) -> None:
        """Start it; it may not be well yet."""
        command = [sys.executable, "-m", *self.arguments]
        self.child = await Child.start(command, self.environment, self.log, Manner(grace_s=2))
        self.starts += 1

    async def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        assert self.child is not None
        self.child.send(signal.SIGKILL)
        await self.child.ended()

    def stop(self) -> None:
        """Let it stand still."""
        assert self.child is not None
        self.child.send(signal.SIGSTOP)
        self.stopped = True

    def go_on(self) -> None:
        """Let it go on."""
        assert self.child is not None
        self.child.send(signal.SIGCONT)
        self.stopped = False

    async def until_well(self) -> None:
        """Wait until it says that it is well."""
        deadline = monotonic() + READY_S
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while monotonic() < deadline:
                try:
                    answer = await client.get(self.asked)
                    if answer.is_success and answer.json().get("connected", True):
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(LOOK_EVERY_S)
        raise TimeoutError(f"{self.name} was not well within {READY_S:.0f} s: {self.log}")

    async def end(self) -> None:
        """Be done with it."""
        if self.child:
            self.go_on()
            await self.child.stop(at_once=True)
