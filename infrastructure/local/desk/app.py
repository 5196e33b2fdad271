"""The desk as an ASGI application: the Web API, the page, and the admin's few handles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.page import requests, shown
from infrastructure.local.desk.settings import DeskSettings
from infrastructure.local.desk.webapi import methods

_STATIC = Path(__file__).parent / "page" / "static"
# A page elsewhere must not reach the desk by a name of its own that points to this machine.
_HOSTS = ["127.0.0.1", "localhost", "testserver"]


def create_app(settings: DeskSettings) -> Starlette:
    """Make a desk; `app.state.desk` is the workspace behind it."""
    desk = Desk(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await desk.close()

    async def health(_request: Request) -> Response:
        return JSONResponse({"ok": True, "team": desk.directory.team.id})

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            desk.faults.clear()
            return JSONResponse({"ok": True})
        try:
            desk.faults.add(await request.json())
        except (KeyError, TypeError, ValueError) as why:
            return JSONResponse({"ok": False, "error": str(why)}, 400)
        return JSONResponse({"ok": True}, 201)

    routes = [
        Route("/api/{method}", methods.endpoint(desk), methods=["GET", "POST"]),
        Route("/health", health),
        Route("/_faults", faults, methods=["POST", "DELETE"]),
        *requests.routes(desk),
        *shown.routes(desk),
        Mount("/static", StaticFiles(directory=_STATIC), name="static"),
    ]
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)
    app = Starlette(routes=routes, middleware=[guard], lifespan=lifespan)
    app.state.desk = desk
    return app
