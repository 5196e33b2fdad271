"""conversations.*: finding, opening and reading conversations."""

import re

from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.webapi.call import Call, next_page

_TS = re.compile(r"\d{1,12}(\.\d{1,6})?")
_MOST = 999
_MPIM_MOST = 8


def _public(conversation: Json) -> Json:
    return {k: v for k, v in conversation.items() if k != "members"}


def _kind(conversation: Json) -> str:
    if conversation["is_im"]:
        return "im"
    if conversation["is_mpim"]:
        return "mpim"
    return "private_channel" if conversation["is_private"] else "public_channel"


def list_all(call: Call) -> Json:
    """conversations.list."""
    wanted = {t.strip() for t in call.text("types", "public_channel").split(",")}
    if wanted - {"public_channel", "private_channel", "im", "mpim"}:
        raise SlackError("invalid_types")
    every = [c for c in call.desk.conversations.every() if _kind(c) in wanted]
    found, cursor = call.page(every, 100, _MOST)
    channels = [_public(c) | {"num_members": len(c["members"])} for c in found]
    return {"ok": True, "channels": channels, **next_page(cursor)}


def info(call: Call) -> Json:
    """conversations.info."""
    conversation = call.desk.conversation(call.need("channel"))
    shown = _public(conversation)
    if call.flag("include_num_members"):
        shown["num_members"] = len(conversation["members"])
    return {"ok": True, "channel": shown}


def members(call: Call) -> Json:
    """conversations.members."""
    conversation = call.desk.conversation(call.need("channel"))
    found, cursor = call.page(conversation["members"], 100, _MOST)
    return {"ok": True, "members": found, **next_page(cursor)}


def open_direct(call: Call) -> Json:
    """conversations.open, by people or by the id of a direct message."""
    desk = call.desk
    if call.text("channel"):
        conversation = desk.conversation(call.text("channel"))
        return {"ok": True, "no_op": True, "already_open": True, "channel": _opened(conversation)}
    users = [u.strip() for u in call.text("users").split(",") if u.strip()]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > _MPIM_MOST:
        raise SlackError("too_many_users")
    for user in users:
        person = desk.directory.person(user)
        if person is None:
            raise SlackError("user_not_found")
        if not person.active:
            raise SlackError("user_disabled")
    conversation = desk.conversations.open_direct(users, int(desk.settings.now()))
    desk.live.tell("channel", conversation["id"])
    whole = call.flag("return_im")
    return {"ok": True, "channel": _public(conversation) if whole else _opened(conversation)}


def _opened(conversation: Json) -> Json:
    return {"id": conversation["id"]}


def _bound(call: Call, name: str) -> str:
    value = call.text(name)
    if not value or value == "0":
        return ""
    if not _TS.fullmatch(value):
        raise SlackError(f"invalid_ts_{name}")
    whole, _, part = value.partition(".")
    return f"{int(whole):010d}.{part:0<6}"


def _between(call: Call) -> tuple[str, str]:
    """Return the bounds asked for, as ones that are both included."""
    oldest, latest = _bound(call, "oldest"), _bound(call, "latest")
    if call.flag("inclusive"):
        return oldest, latest
    return oldest and _beside(oldest, 1), latest and _beside(latest, -1)


def _beside(ts: str, step: int) -> str:
    whole, micros = divmod(int(ts.replace(".", "")) + step, 1_000_000)
    return f"{whole:010d}.{micros:06d}"


def _shown(call: Call, messages: list[Json]) -> list[Json]:
    if call.flag("include_all_metadata"):
        return messages
    return [{k: v for k, v in m.items() if k != "metadata"} for m in messages]


def history(call: Call) -> Json:
    """conversations.history: newest first."""
    channel = call.desk.conversation(call.need("channel"))["id"]
    start, most = call.window(100, _MOST)
    found = call.desk.messages.history(channel, _between(call), start, most + 1)
    cursor = call.cursor(start + most) if len(found) > most else ""
    more = {"has_more": True, **next_page(cursor)} if cursor else {"has_more": False}
    return {"ok": True, "messages": _shown(call, found[:most]), "pin_count": 0, **more}


def replies(call: Call) -> Json:
    """conversations.replies: the parent, then the replies, oldest first."""
    channel = call.desk.conversation(call.need("channel"))["id"]
    thread = call.desk.messages.thread(channel, call.need("ts"))
    if not thread:
        raise SlackError("thread_not_found")
    oldest, latest = _between(call)
    every = [thread[0], *(m for m in thread[1:] if oldest <= m["ts"] <= (latest or "9"))]
    found, cursor = call.page(every, _MOST + 1, _MOST + 1)
    more = {"has_more": True, **next_page(cursor)} if cursor else {"has_more": False}
    return {"ok": True, "messages": _shown(call, found), **more}
