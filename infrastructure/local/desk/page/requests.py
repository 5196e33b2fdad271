"""The page's own requests (and the driver's): who acts is in `as`, what they do in JSON.

Only JSON is taken, so that no other web page can act through a visitor's browser.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from infrastructure.local.desk import clicks, events, modals, writing
from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.payloads import Actor
from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.webapi.methods import base_url

_SAYS = {
    "channel_not_found": "This conversation is not here any more.",
    "message_not_found": "This message is not here any more.",
    "action_not_found": "This has changed since you looked. Please look again.",
    "view_not_found": "This form is closed already.",
    "not_in_channel": "You are not in this conversation.",
    "no_text": "Please write something first.",
    "msg_too_long": "This is too long to send. Please split it.",
    "user_not_found": "There is nobody with this account.",
    "account_inactive": "This account is deactivated. Choose somebody else.",
}
Deed = Callable[[Desk, Actor, Json], Awaitable[Json]]


def actor(desk: Desk, request: Request, user: str) -> Actor:
    """Return the person acting; SlackError where there is none, or they have left."""
    person = desk.directory.person(user)
    if person is None:
        raise SlackError("user_not_found")
    if not person.active:
        raise SlackError("account_inactive")
    return Actor(person, base_url(request))


async def _click(desk: Desk, who: Actor, sent: Json) -> Json:
    what = clicks.Click(
        action_id=str(sent["action_id"]), block_id=sent.get("block_id"),
        channel=str(sent.get("channel", "")), ts=str(sent.get("ts", "")),
        view_id=str(sent.get("view_id", "")), raw=sent.get("value"),
        values=sent.get("values") or {},
    )  # fmt: skip
    return await clicks.click(desk, who, what)


async def _submit(desk: Desk, who: Actor, sent: Json) -> Json:
    return await modals.submit(desk, who, str(sent["view_id"]), sent.get("values") or {})


async def _close(desk: Desk, who: Actor, sent: Json) -> Json:
    everything = sent.get("everything") is True
    values = sent.get("values") or {}
    return modals.close(desk, who, str(sent["view_id"]), values, everything=everything)


async def _write(desk: Desk, who: Actor, sent: Json) -> Json:
    channel, thread = str(sent["channel"]), str(sent.get("thread_ts") or "")
    return await writing.write(desk, who, channel, str(sent.get("text", "")), thread)


async def _read(desk: Desk, who: Actor, sent: Json) -> Json:
    channel = desk.conversation(str(sent["channel"]))["id"]
    shown = desk.messages.top_level(channel, who.user, newest=1)
    if shown:
        desk.conversations.mark_read(who.user, channel, shown[-1]["ts"])
    return {"ok": True}


async def _open_home(desk: Desk, who: Actor, sent: Json) -> Json:
    tab = "home" if sent.get("tab") == "home" else "messages"
    events.home_opened(desk, who.user, str(sent["channel"]), tab)
    return {"ok": True}


def _does(desk: Desk, deed: Deed) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"ok": False, "error": "json_only"}, 415)
        try:
            sent: Any = await request.json()
            return JSONResponse(await deed(desk, actor(desk, request, str(sent["as"])), sent))
        except SlackError as error:
            says = _SAYS.get(error.code, "That did not work. Please try again.")
            return JSONResponse({"ok": False, "error": error.code, "says": says})
        except (KeyError, ValueError, TypeError):
            return JSONResponse({"ok": False, "error": "invalid_arguments"}, 400)

    return handle


def _reads(desk: Desk, seen: Callable[[Desk, Actor, Request], Json]) -> Any:
    async def handle(request: Request) -> Response:
        try:
            who = actor(desk, request, request.query_params.get("as", ""))
            return JSONResponse({"ok": True} | seen(desk, who, request))
        except SlackError as error:
            return JSONResponse({"ok": False, "error": error.code})
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_arguments"}, 400)

    return handle


def _conversations(desk: Desk, who: Actor, _request: Request) -> Json:
    return {"conversations": desk.conversations.of(who.user)}


def _messages(desk: Desk, who: Actor, request: Request) -> Json:
    conversation = desk.conversation(request.query_params.get("channel", ""))
    if who.user not in conversation["members"]:
        raise SlackError("channel_not_found")
    thread = request.query_params.get("thread", "")
    if thread:
        found = desk.messages.thread(conversation["id"], thread, who.user)
    else:
        newest, having = request.query_params.get("newest", "-1"), request.query_params.get("having", "")
        found = desk.messages.top_level(conversation["id"], who.user, int(newest), having)
    return {"channel": conversation["id"], "messages": found}


def _views(desk: Desk, who: Actor, _request: Request) -> Json:
    return {"stack": desk.views.stack(who.user), "home": desk.views.home(who.user)}


def routes(desk: Desk) -> list[Route]:
    """Return everything the page's JavaScript and the driver may ask."""
    deeds: dict[str, Deed] = {"click": _click, "submit": _submit, "close": _close,
                              "write": _write, "read": _read, "open-home": _open_home}  # fmt: skip
    sights = {"conversations": _conversations, "messages": _messages, "views": _views}

    async def stream(request: Request) -> Response:
        news = desk.live.stream(request.query_params.get("as", ""))
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(news, media_type="text/event-stream", headers=headers)

    async def respond(request: Request) -> Response:
        return await _respond(desk, request)

    return [
        *(Route(f"/desk/{name}", _does(desk, deed), methods=["POST"])
          for name, deed in deeds.items()),
        *(Route(f"/desk/{name}", _reads(desk, seen)) for name, seen in sights.items()),
        Route("/desk/stream", stream),
        Route("/actions/{token:path}", respond, methods=["POST"]),
    ]  # fmt: skip


async def _respond(desk: Desk, request: Request) -> Response:
    try:
        wanted: Any = json.loads(await request.body())
        writing.respond(desk, desk.response_urls.use(request.path_params["token"]), dict(wanted))
    except SlackError as error:
        status = 404 if error.code in ("expired_url", "used_url") else 400
        return JSONResponse(error.answer(), status)
    except (ValueError, TypeError):
        return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
    return PlainTextResponse("ok")
