"""What a part of the stack is: a server that stays, or a step that ends."""

import asyncio
import http.client
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from infrastructure.local.stack.child import Account
from infrastructure.local.stack.ports import LOOPBACK
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.trouble import StackError

Health = Callable[[Site], Awaitable[bool]]
_PROBE_TIMEOUT_S = 2.0
_GOOD = range(200, 300)


@dataclass(frozen=True)
class Part:
    """A part: how to start it, what it waits for, and how to see that it is well.

    With `healthy` it is a server, restarted when it dies. Without, it is a step: it must end with 0, and
    is skipped when `done` says there is nothing to do. A step that is `settled` was done by an earlier start:
    it is done again, but nobody waits for it.
    """

    name: str
    command: Callable[[Site], Sequence[str]]
    needs: tuple[str, ...] = ()
    healthy: Health | None = None
    done: Callable[[Site], bool] | None = None
    settled: Callable[[Site], bool] | None = None
    settle: Callable[[Site], None] | None = None  # remembers that it was done
    title: str = ""
    address: Callable[[Site], str] | None = None
    ports: tuple[str, ...] = ()
    environment: Callable[[Site], Mapping[str, str]] | None = None
    account: Callable[[Site], Account | None] | None = None
    stop_signal: int = signal.SIGTERM
    grace_s: float = 8.0
    renews: int | None = None  # the exit code by which a server asks to be started anew, at once
    patience_s: float = 90.0


def chosen(parts: Sequence[Part], only: Iterable[str], without: Iterable[str] = ()) -> tuple[Part, ...]:
    """Pick the named parts and all they need; all when none is named; less those in `without`.

    A part whose need was left out starts all the same: whoever leaves the ERP out brings a fake.
    """
    by_name = {part.name: part for part in parts}
    left_out = set(without)
    for name in (*only, *left_out):
        if name not in by_name:
            raise StackError(f"There is no part called {name}.", f"Parts: {', '.join(by_name)}.")
    wanted: set[str] = set()
    queue = list(only) or list(by_name)
    while queue:
        name = queue.pop()
        if name not in wanted and name not in left_out:
            wanted.add(name)
            queue.extend(by_name[name].needs)
    return tuple(part for part in parts if part.name in wanted)


def answers(port: str, path: str, *, method: str = "GET") -> Health:
    """Healthy when the server at the port answers the path with success."""

    async def healthy(site: Site) -> bool:
        return await asyncio.to_thread(_status, site.ports[port], method, path) in _GOOD

    return healthy


def _status(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def succeeds(command: Callable[[Site], Sequence[str]]) -> Health:
    """Healthy when a command ends with 0."""

    async def healthy(site: Site) -> bool:
        asked = await asyncio.create_subprocess_exec(*command(site))
        return await asked.wait() == 0

    return healthy
