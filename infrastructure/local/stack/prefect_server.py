"""Prefect's server, started without its command line: `python -m infrastructure.local.stack.prefect_server PORT`.

What `prefect server start` does in the end, less the import of every command on the way.
"""

import gc
import os
import sys
import threading
from time import sleep

from infrastructure.local.stack.ports import LOOPBACK

_KEEP_ALIVE_S = "PREFECT_SERVER_API_KEEPALIVE_TIMEOUT"
_DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
_SQLITE = "sqlite"
_COLLECT_EVERY_S = 5.0
_STOP_S = 2


def main(port: int) -> None:
    """Serve on loopback until told to stop; all else is in the environment."""
    # Half a million objects are made by importing and never let go. Counting them over and over costs a sixth
    # of the start; frozen, they are left out of every later count as well.
    gc.disable()
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(final=True)
    gc.freeze()
    if os.environ.get(_DATABASE, _SQLITE).startswith(_SQLITE):
        threading.Thread(target=_collect, daemon=True, name="collector").start()
    else:
        gc.enable()
    uvicorn.run(
        app,
        host=LOOPBACK,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=int(os.environ.get(_KEEP_ALIVE_S, "5")),
        timeout_graceful_shutdown=_STOP_S,
    )


def _collect() -> None:
    """Collect garbage beside the event loop.

    A cursor that is collected waits for its connection, which may be waiting for SQLite's lock in its own thread. Were
    it the loop that waits, whoever holds the lock could not let go of it, and the server stood still for a minute:
    as long as Prefect lets SQLite wait. Seen in one of twelve kills of a worker.
    """
    while True:
        sleep(_COLLECT_EVERY_S)
        gc.collect()


if __name__ == "__main__":
    main(int(sys.argv[1]))
