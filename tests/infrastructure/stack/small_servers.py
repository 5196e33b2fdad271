"""Small real servers: a stack of them starts in a second and behaves as the big one does."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent

from infrastructure.local.stack.narrator import Standing
from infrastructure.local.stack.parts import Part, answers
from infrastructure.local.stack.site import Site


class Listener:
    """A narrator that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def changed(self, name: str, standing: Standing) -> None:
        self.told.append((name, str(standing.state), standing.detail))

    def remark(self, name: str, text: str) -> None:
        self.told.append((name, "remark", text))

    def in_order(self, state: str) -> list[str]:
        return [name for name, said, _ in self.told if said == state]

    def details(self, name: str, state: str) -> list[str]:
        return [detail for who, said, detail in self.told if (who, said) == (name, state)]


def script(text: str) -> Callable[[Site], Sequence[str]]:
    return lambda _site: [sys.executable, "-c", dedent(text)]


def step(name: str, text: str, needs: tuple[str, ...] = ()) -> Part:
    return Part(name, script(text), needs=needs)


def server(name: str, port: str = "desk", needs: tuple[str, ...] = (), before: str = "") -> Part:
    """An HTTP server that first does what `before` says."""
    serve = "import http.server as h; h.HTTPServer(('127.0.0.1', {}), h.SimpleHTTPRequestHandler).serve_forever()"

    def command(site: Site) -> Sequence[str]:
        return [sys.executable, "-c", f"{dedent(before)}\n{serve.format(site.ports[port])}"]

    return Part(name, command, needs=needs, healthy=answers(port, "/"), ports=(port,))


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not, it only waits for its parent to notice."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
