"""The stack in a terminal: until Ctrl-C, a SIGTERM, or its time is up."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import cast

from infrastructure.local.stack import postgres
from infrastructure.local.stack.home import Home
from infrastructure.local.stack.live import Live
from infrastructure.local.stack.narrator import Narrator, Plain
from infrastructure.local.stack.running import Wish, running_stack
from infrastructure.local.stack.supervisor import Supervisor

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(wish: Wish, for_seconds: float | None) -> None:
    """Run a stack until somebody stops it, or for so many seconds after it is healthy. Raises StackError."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_run(wish, for_seconds))


def forget(path: Path) -> None:
    """Wipe the state of a home; StackError when a stack still runs there, or it is not ours."""
    home = Home(path.absolute())
    if not home.path.exists():
        return
    home.require_ours()
    with home.owned():
        postgres.wipe(home.path)
        home.wipe()


async def _run(wish: Wish, for_seconds: float | None) -> None:
    with stopped_by_signals(), narrator_for() as narrator:
        async with running_stack(replace(wish, narrator=narrator)) as stack:
            print(addresses(stack), flush=True)
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(for_seconds):
                        await stack.watch()
            finally:
                narrator.remark("almoner", "stopping")


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Cancel the current task on Ctrl-C and its kin, for as long as this lasts."""
    task = cast("asyncio.Task[None]", asyncio.current_task())  # we are inside it
    loop = asyncio.get_running_loop()
    for number in _ENDINGS:
        loop.add_signal_handler(number, task.cancel)
    yield


def narrator_for() -> AbstractContextManager[Narrator]:
    """Choose how the stack is heard: drawn on a terminal, told line by line elsewhere."""
    if sys.stderr.isatty():
        return Live()
    return contextlib.nullcontext(Plain())


def addresses(stack: Supervisor) -> str:
    """List where the parts are found, and how to stop them."""
    lines = [
        f"  {part.title:<22} {part.address(stack.site)}" for part in stack.parts.values() if part.address is not None
    ]
    return "\n".join(["", *lines, "", "Ctrl-C stops everything."])
