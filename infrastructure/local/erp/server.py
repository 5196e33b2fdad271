"""Tryton behind gunicorn, on loopback, one worker with one thread.

One thread is not thrift. Tryton's locks do nothing on SQLite: with two threads it hands out the
same order number twice, with no error.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import httpx

from infrastructure.local.erp.home import DATABASE, ErpHome, ErpHomeError, ErpState

START_S: Final = 30.0
STOP_S: Final = 10.0
IDLE_S: Final = 75
"""How long gunicorn keeps an idle connection: longer than any client of ours does, so that a client never
sends an order into a connection that is just being closed."""
ERRORS_ONLY: Final = "40"


def command(home: ErpHome, port: int) -> list[str]:
    """Say what to run to serve the ERP."""
    return [
        *(str(home.python), "-m", "gunicorn", "trytond.application:app"),
        *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "1", "--worker-class", "gthread"),
        *("--timeout", "120", "--graceful-timeout", "5", "--keep-alive", str(IDLE_S)),
        *("--no-control-socket", "--log-level", "warning"),
    ]


def surroundings(state: ErpState) -> Mapping[str, str]:
    """Say in which environment to run it."""
    return {
        **os.environ,
        "TRYTOND_CONFIG": str(state.configuration.absolute()),
        "TRYTOND_DATABASE_NAMES": DATABASE,
        "TRYTOND_LOGGING_LEVEL": ERRORS_ONLY,
    }


@contextmanager
def serving(home: ErpHome, state: ErpState) -> Iterator[str]:
    """Serve a database for a while, on a free port; yield the server's address."""
    state.write_configuration()
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (state.folder / "server.log").open("w") as log:
        server = subprocess.Popen(  # noqa: S603 -- our own words
            command(home, port), env=surroundings(state), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await_answer(server, address)
            yield address
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(STOP_S)
            server.kill()
            server.wait()


def free_port() -> int:
    """Find a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(server: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(httpx.TransportError):
            httpx.get(address, timeout=START_S)
            return
        time.sleep(0.1)
    raise ErpHomeError("Tryton did not start; its words are in server.log of the ERP's folder")
