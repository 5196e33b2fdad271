"""The stage: a stack to play on, and what the players share."""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from blocks import connect
from blocks.records.people import Directory
from infrastructure.local.desk.driver import DeskDriver, Person
from infrastructure.local.stack import ports
from infrastructure.local.stack.foreground import narrator_for
from infrastructure.local.stack.home import Home
from infrastructure.local.stack.narrator import State, read_board
from infrastructure.local.stack.running import Wish, running_stack
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.supervisor import Supervisor
from infrastructure.local.stack.trouble import StackError


@dataclass
class Stage:
    """What the players share. `play` is new each time, so that no message is one of an earlier play."""

    play: str
    site: Site
    desk: DeskDriver
    directory: Directory
    console: Console
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """One a person: nobody fills two forms at once."""

    def say(self, what: str) -> None:
        """Tell the progress, on stderr."""
        self.console.print(what, highlight=False, markup=False)

    def slack(self, person: str) -> Person:
        """Be somebody at the desk, by their id in the directory."""
        found = self.directory.person(person)
        if found is None or not found.slack_user:
            raise LookupError(f"{person} has no Slack user: correct morning.json or directory.json")
        return self.desk.person(found.slack_user)

    def name(self, person: str) -> str:
        """Print a person's name."""
        found = self.directory.person(person)
        return found.name if found else person


@asynccontextmanager
async def stack_at(path: Path) -> AsyncIterator[tuple[Site, Supervisor | None]]:
    """Use the stack that runs from a home, or start one for as long as it is needed. Raises StackError."""
    if running := _running(path):
        yield running, None
        return
    async with AsyncExitStack() as exits:
        with narrator_for() as narrator:  # what is drawn ends where the play begins
            wish = Wish(home=path, ports=ports.from_environment(), narrator=narrator)
            stack = await exits.enter_async_context(running_stack(wish))
        try:
            yield stack.site, stack
        finally:
            print("Stopping.", file=sys.stderr, flush=True)


def _running(path: Path) -> Site | None:
    home = Home(path.absolute())
    if home.supervisor() is None:
        return None
    ill = [name for name, is_ in read_board(home.board).items() if is_.state not in {State.UP, State.DONE}]
    if ill:
        raise StackError(
            f"The stack at {home.path} is not well: {', '.join(ill)}.",
            "See `almoner status` and `almoner logs`, wait until it is up, or stop it with `almoner down`.",
        )
    return Site.open(home.path, ports.Ports(int(home.base.read_text())))


def enter(site: Site) -> None:
    """Let this process talk to the stack as its parts do."""
    os.environ.update(site.own_environment())


async def directory() -> Directory:
    """Read the directory in force."""
    from tasks.case import utc_now

    return (await connect.shelf().in_force(utc_now())).directory
