"""Start the warm worker: `python -m infrastructure.worker --pool warm --bell-port 18081`.

Exit codes: 0 stopped as asked; 75 wants to be started anew (memory or number of runs); 2 cannot
start (the reason is on the terminal).
"""

import argparse
import asyncio
import importlib
import os
import signal
import socket
import sys
import threading
from dataclasses import fields
from typing import TYPE_CHECKING, cast

import uvloop

from infrastructure.ending import run_and_leave
from infrastructure.prefect_settings import WORKER

if TYPE_CHECKING:
    from infrastructure.warm.rings import Answer
    from infrastructure.warm.worker import Habits, WarmWorker

RENEW = 75
CANNOT_START = 2
DEFAULT_ANSWER = "infrastructure.bell:answer"


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(prog="python -m infrastructure.worker", description=__doc__)
    made.add_argument("--pool", default="warm", help="work pool; made if it is missing")
    made.add_argument("--bell-port", type=int, default=18081, help="0: any free port")
    made.add_argument("--name", default="warm", help="shown as NAME@host:port")
    made.add_argument("--answer", default=DEFAULT_ANSWER, help="module:function a ring calls")
    made.add_argument("--limit", type=int, help="runs at once (16)")
    made.add_argument("--poll-s", type=float, help="safety-net poll (5)")
    made.add_argument("--watch-s", type=float, help="how soon a cancellation is heeded (2)")
    made.add_argument("--rescue-s", type=float, help="look for dead workers' runs (3)")
    made.add_argument("--lookout-s", type=float, help="look for cases that stand still (3)")
    made.add_argument("--heartbeat-s", type=int, help="worker's heartbeat (4)")
    made.add_argument("--grace-s", type=float, help="for running runs at a stop (20)")
    made.add_argument("--max-rss-mb", type=float, help="renew beyond this memory (900)")
    made.add_argument("--max-runs", type=int, help="renew after so many runs (20000)")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run the worker until SIGTERM, SIGINT or its renewal; return the exit code.

    The event loop lives in a thread of its own: Prefect's engine would otherwise take over the
    process's SIGTERM for as long as any run is on.
    """
    asked = parser().parse_args(arguments)
    for name, value in WORKER.items():
        os.environ.setdefault(name, value)
    try:
        bell, worker = prepare(asked)
    except CannotStartError as error:
        print(f"The worker cannot start: {error}", file=sys.stderr)
        return CANNOT_START
    return run_in_thread(worker, bell)


class CannotStartError(Exception):
    """What keeps the worker from starting, and what to do about it."""


def prepare(asked: argparse.Namespace) -> tuple[socket.socket, "WarmWorker"]:
    """Bind the bell, import Prefect, make the worker."""
    from infrastructure.warm.bell import listening_socket
    from infrastructure.warm.logs import prepare_logging
    from infrastructure.warm.worker import WarmWorker

    if not os.environ.get("PREFECT_API_URL"):
        raise CannotStartError("set PREFECT_API_URL to the address of the Prefect server's API.")
    answer = load_answer(asked.answer)
    try:
        bell = listening_socket(asked.bell_port)
    except OSError as error:
        raise CannotStartError(
            f"port {asked.bell_port} is taken ({error}): stop the other worker, or choose another --bell-port."
        ) from error
    prepare_logging()
    name = f"{asked.name}@{socket.gethostname()}:{bell.getsockname()[1]}"
    missed = getattr(sys.modules[answer.__module__], "missed", None)
    return bell, WarmWorker(asked.pool, name, answer, habits_from(asked), missed)


def load_answer(address: str) -> "Answer":
    """Import the function that answers rings ("module:function")."""
    module, _, function = address.partition(":")
    try:
        return cast("Answer", getattr(importlib.import_module(module), function))
    except (ImportError, AttributeError) as error:
        raise CannotStartError(f"--answer {address!r} is not there: {error}") from error


def habits_from(asked: argparse.Namespace) -> "Habits":
    """Take the habits named on the command line, the defaults for the rest."""
    from infrastructure.warm.worker import Habits

    given = {one.name: getattr(asked, one.name) for one in fields(Habits)}
    return Habits(**{name: value for name, value in given.items() if value is not None})


def run_in_thread(worker: "WarmWorker", bell: socket.socket) -> int:
    """Serve in a thread, pass signals on to it, and wait."""
    failure: list[BaseException] = []
    loops: list[asyncio.AbstractEventLoop] = []
    stopped = threading.Event()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        if stopped.is_set():
            return
        await worker.serve(bell)

    def body() -> None:
        try:
            uvloop.run(serve())  # a tenth off what a case costs
        except BaseException as error:  # noqa: BLE001  # told to the main thread
            failure.append(error)

    def stop(*_: object) -> None:
        stopped.set()
        for loop in loops:
            loop.call_soon_threadsafe(worker.stop)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    thread = threading.Thread(target=body, name="worker", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(timeout=1.0)
    if failure:
        raise failure[0]
    return RENEW if worker.renew else 0


if __name__ == "__main__":
    run_and_leave(main)
