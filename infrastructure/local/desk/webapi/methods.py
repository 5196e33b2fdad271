"""The Web API's door: who calls, how often, which method, and Slack's way of answering."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.webapi import apps, chat, conversations, people, views
from infrastructure.local.desk.webapi.call import Call

METHODS: Final[dict[str, Callable[[Call], Json]]] = {
    "apps.connections.open": apps.connections_open,
    "auth.test": apps.auth_test,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.list": conversations.list_all,
    "conversations.members": conversations.members,
    "conversations.open": conversations.open_direct,
    "conversations.replies": conversations.replies,
    "reactions.add": chat.add_reaction,
    "usergroups.list": people.groups,
    "usergroups.users.list": people.group_users,
    "users.info": people.info,
    "users.list": people.list_all,
    "users.lookupByEmail": people.by_email,
    "views.open": views.open_modal,
    "views.publish": views.publish,
    "views.push": views.push_modal,
    "views.update": views.update,
}
_OPEN: Final = {"api.test": apps.api_test}
SCOPES: Final = (
    "chat:write,channels:read,channels:history,groups:read,groups:history,im:read,im:write,"
    "im:history,mpim:read,mpim:write,users:read,users:read.email,usergroups:read,"
    "reactions:write,commands"
)


def endpoint(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    """Make the handler of `/api/{method}`."""

    async def handle(request: Request) -> Response:
        method = request.path_params["method"]
        fault = desk.faults.take(method)
        if fault and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind == "error":
            return Response("Internal Server Error", 500)
        if fault and fault.kind == "ratelimited":
            return _slow_down(int(fault.seconds) or 1)
        answer = await _answered(desk, method, request)
        return HangUp() if fault and fault.kind == "lost" else answer

    return handle


async def _answered(desk: Desk, method: str, request: Request) -> Response:
    try:
        args = await arguments(request)
        if method in _OPEN:
            call = Call(desk, method, args, base_url(request))
            return JSONResponse(_OPEN[method](call))
        _check_token(desk, request, args)
        run = METHODS.get(method, apps.unknown)
        known = desk.conversations.get(str(args.get("channel", "")))
        wait = desk.limiter.wait_s(method, known["id"] if known else "")
        if wait:
            return _slow_down(wait)
        answer = run(Call(desk, method, args, base_url(request)))
    except SlackError as error:
        answer = error.answer()
    return JSONResponse(answer, headers={"X-OAuth-Scopes": SCOPES})


def base_url(request: Request) -> str:
    """Return the address the desk was reached at, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def _slow_down(wait: int) -> Response:
    body = {"ok": False, "error": "ratelimited"}
    return JSONResponse(body, 429, headers={"Retry-After": str(wait)})


def _check_token(desk: Desk, request: Request, args: Json) -> None:
    header = request.headers.get("authorization", "")
    token = header.removeprefix("Bearer ").strip() if header else str(args.get("token", ""))
    if not token:
        raise SlackError("not_authed")
    if not hmac.compare_digest(token.encode(), desk.settings.bot_token.encode()):
        raise SlackError("invalid_auth")


async def arguments(request: Request) -> Json:
    """Read a call's arguments from the address, a form, or JSON.

    Raises SlackError `invalid_json`, `json_not_object`, `invalid_post_type` or `invalid_form_data`.
    """
    args: Json = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    body = await request.body()
    if not body:
        return args
    if kind == "application/json":
        try:
            sent: Any = json.loads(body)
        except ValueError as why:
            raise SlackError("invalid_json") from why
        if not isinstance(sent, dict):
            raise SlackError("json_not_object")
        return args | sent
    if kind == "multipart/form-data":
        raise SlackError("invalid_post_type")  # only uploads come so, and the desk has none
    try:
        return args | dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError as why:
        raise SlackError("invalid_form_data") from why


class HangUp(Response):
    """An answer that promises a body and never sends it: the caller's connection breaks."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin the answer, then leave."""
        del scope, receive
        headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
