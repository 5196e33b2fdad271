"""The bell: a small HTTP listener on loopback, in the worker's own event loop."""

import json
import socket
from collections.abc import Callable, Iterable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MOST_BYTES = 1_000_000
MOST_CASES = 10_000


def listening_socket(port: int) -> socket.socket:
    """Bind the bell on loopback (0: any free port).

    Holding the port is also what makes a worker's name its own on this machine: see `rescue`.
    Raises `OSError` when somebody else listens there.
    """
    bell = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bell.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bell.bind(("127.0.0.1", port))
        bell.listen(128)
    except OSError:
        bell.close()
        raise
    return bell


def rung_cases(body: bytes) -> list[str]:
    """Read the cases out of a ring; raise `ValueError` with what is wrong with it."""
    if len(body) > MOST_BYTES:
        raise ValueError("too long")
    said = json.loads(body)
    if not isinstance(said, dict) or set(said) - {"case", "cases"}:
        raise ValueError('expected {"case": "…"} or {"cases": ["…"]}')
    cases = said.get("cases", [said["case"]] if "case" in said else [])
    if not isinstance(cases, list) or not all(isinstance(c, str) and c for c in cases):
        raise ValueError("a case is a non-empty string")
    if not cases or len(cases) > MOST_CASES:
        raise ValueError(f"between 1 and {MOST_CASES} cases a ring")
    return cases


def bell_app(ring: Callable[[Iterable[str]], None], health: Callable[[], dict[str, Any]]) -> Starlette:
    """`POST /ring` answers 202 before anything is done about it; `GET /health` tells how it is."""

    async def hear(request: Request) -> Response:
        try:
            cases = rung_cases(await request.body())
        except ValueError as error:
            return JSONResponse({"error": f"Not a ring: {error}."}, status_code=400)
        ring(cases)
        return Response(status_code=202)

    async def tell(_: Request) -> Response:
        return JSONResponse(health())

    return Starlette(
        routes=[
            Route("/ring", hear, methods=["POST"]),
            Route("/health", tell, methods=["GET"]),
        ]
    )


def bell_server(app: Starlette) -> uvicorn.Server:
    """Make the server for `app`: `await server.serve(sockets=[...])`, stop by `should_exit`."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    return uvicorn.Server(config)
