"""Prefect's server, started without its command line: `python -m infrastructure.local.stack.prefect_server PORT`.

What `prefect server start` does in the end, less the import of every command on the way.
"""

import gc
import os
import sys

from infrastructure.local.stack.ports import LOOPBACK

_KEEP_ALIVE_S = "PREFECT_SERVER_API_KEEPALIVE_TIMEOUT"
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


if __name__ == "__main__":
    main(int(sys.argv[1]))
