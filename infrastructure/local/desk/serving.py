"""Running the desk on loopback: as a program, or beside a test in a thread of its own."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from infrastructure.local.desk.app import create_app
from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.settings import DeskSettings

LOOPBACK = "127.0.0.1"
_STARTS_WITHIN_S = 20.0


class DeskServer(uvicorn.Server):
    """A server that lets go of open pages as soon as it is asked to stop."""

    def __init__(self, settings: DeskSettings, port: int) -> None:
        app = create_app(settings)
        self.desk: Desk = app.state.desk
        self.ready = threading.Event()
        super().__init__(uvicorn.Config(
            app, host=LOOPBACK, port=port, log_level="warning", access_log=False, lifespan="on",
            timeout_graceful_shutdown=2, ws="none",
        ))  # fmt: skip

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        self.ready.set()

    async def on_tick(self, counter: int) -> bool:
        """End the pages' streams on the way out; they would keep the server waiting."""
        leaving = await super().on_tick(counter)
        if leaving:
            self.desk.live.close()
        return leaving


@contextmanager
def running(settings: DeskSettings, port: int = 0) -> Iterator[tuple[str, Desk]]:
    """Run a desk in a thread; yield its address (no slash at the end) and the desk.

    Port 0 takes a free one. The state may be looked at, but is the server's own to change.
    """
    listener = socket.create_server((LOOPBACK, port))
    server = DeskServer(settings, port)
    work = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    work.start()
    try:
        if not server.ready.wait(_STARTS_WITHIN_S):
            raise TimeoutError("the desk did not start")
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}", server.desk
    finally:
        server.should_exit = True
        work.join(_STARTS_WITHIN_S)
        listener.close()
