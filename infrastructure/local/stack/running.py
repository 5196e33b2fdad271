"""A stack for as long as a block of code needs it: tests, the demo, the bench."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal

from infrastructure.local.stack.laptop import LAPTOP
from infrastructure.local.stack.narrator import Board, Narrator, Silent, read_board
from infrastructure.local.stack.parts import Part, chosen
from infrastructure.local.stack.ports import Ports, free_family
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.supervisor import Supervisor


@dataclass(frozen=True)
class Wish:
    """What stack somebody wants; the default is the whole laptop on ports nobody uses."""

    home: Path
    only: tuple[str, ...] = ()  # these parts and what they need; all when empty
    without: tuple[str, ...] = ()
    ports: Ports | None = None
    environment: Mapping[str, str] | None = None  # on top of the stack's own, for every part
    narrator: Narrator | None = None
    parts: Sequence[Part] = LAPTOP


@asynccontextmanager
async def running_stack(wish: Wish) -> AsyncIterator[Supervisor]:
    """Start it, hand it over healthy, and stop it whatever happens inside. Raises StackError.

    `stack.site.environment()` is what a process needs to talk to it; `stack.pid`, `stack.kill` and
    `stack.restart` take the name of a part.
    """
    site = Site.open(wish.home, wish.ports or free_family(), wish.environment)
    with site.home.owned():
        site.home.base.write_text(str(site.ports.base))
        before = [standing.pid for standing in read_board(site.home.board).values()]
        parts = chosen(wish.parts, wish.only, wish.without)
        stack = Supervisor(site, parts, Board(site.home.board, wish.narrator or Silent()))
        await stack.start(leaving=before)
        try:
            yield stack
        finally:
            try:
                await stack.stop()
            except asyncio.CancelledError:  # told twice: no more patience
                await stack.stop(at_once=True)
                raise


class BackgroundStack:
    """The same for code that is not asynchronous; every method waits."""

    def __init__(self, portal: BlockingPortal, stack: Supervisor) -> None:
        self._portal = portal
        self._stack = stack
        self.site = stack.site

    def environment(self) -> dict[str, str]:
        """Give what a process needs to talk to the stack, secrets included."""
        return self.site.environment()

    def pid(self, name: str) -> int:
        """Give the process of a part."""
        return self._stack.pid(name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Give a part's process a signal and wait for its end; it will be brought back."""
        self._portal.call(self._stack.kill, name, number)

    def restart(self, name: str) -> None:
        """Stop a part in an orderly way and wait until it is well again."""
        self._portal.call(self._stack.restart, name)

    def until_well(self, name: str) -> None:
        """Wait until a part is healthy again."""
        self._portal.call(self._stack.until_well, name)


@contextmanager
def background_stack(wish: Wish) -> Iterator[BackgroundStack]:
    """`running_stack` on a thread of its own."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_stack(wish)) as stack,
    ):
        yield BackgroundStack(portal, stack)


def names(parts: Iterable[str]) -> tuple[str, ...]:
    """`postgres,s3 prefect` as people type it, in a tuple."""
    return tuple(name for chunk in parts for name in chunk.replace(",", " ").split())
