"""chat.*: posting, editing, deleting, and messages for one person's eyes."""

from infrastructure.local.desk.content import LONGEST_UPDATE, checked, checked_metadata
from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.webapi.call import Call


def post_message(call: Call) -> Json:
    """chat.postMessage."""
    channel = call.desk.conversation(call.need("channel"))["id"]
    message = call.desk.messages.by_app(**_content(call), **_threaded(call, channel))
    if call.text("username"):
        message["username"] = call.text("username")
    posted = call.desk.messages.post(channel, message)
    call.desk.live.tell("channel", channel)
    return {"ok": True, "channel": channel, "ts": posted["ts"], "message": posted}


def _content(call: Call, longest: int | None = None) -> Json:
    limits = {"longest": longest} if longest else {}
    content = checked(
        call.text("text"),
        call.document("blocks", "invalid_blocks_format"),
        call.document("attachments", "invalid_attachments"),
        **limits,
    )
    metadata = checked_metadata(call.document("metadata", "invalid_metadata_format"))
    return content | ({"metadata": metadata} if metadata else {})


def _threaded(call: Call, channel: str) -> Json:
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return {}
    parent = call.desk.messages.get(channel, thread_ts)
    if parent is None or call.desk.messages.only_for(channel, thread_ts):
        raise SlackError("thread_not_found")
    extra: Json = {"thread_ts": parent.get("thread_ts", thread_ts)}
    if call.flag("reply_broadcast"):
        extra["subtype"] = "thread_broadcast"
    return extra


def post_ephemeral(call: Call) -> Json:
    """chat.postEphemeral."""
    conversation = call.desk.conversation(call.need("channel"))
    user = call.need("user")
    if user not in conversation["members"]:
        raise SlackError("user_not_in_channel")
    content = _content(call)
    content.pop("metadata", None)
    message = call.desk.messages.by_app(**content, **_threaded(call, conversation["id"]))
    posted = call.desk.messages.post(conversation["id"], message, only_for=user)
    call.desk.live.tell("channel", conversation["id"], only_for=user)
    return {"ok": True, "message_ts": posted["ts"]}


def _own_message(call: Call, refusal: str) -> tuple[str, Json]:
    channel = call.desk.conversation(call.need("channel"))["id"]
    ts = call.need("ts")
    message = call.desk.messages.get(channel, ts)
    if message is None or call.desk.messages.only_for(channel, ts):
        raise SlackError("message_not_found")
    if message.get("bot_id") != call.desk.directory.app.bot_id:
        raise SlackError(refusal)
    return channel, message


def update(call: Call) -> Json:
    """chat.update: text and blocks given replace the old; blocks left out go with a new text."""
    channel, known = _own_message(call, "cant_update_message")
    desk = call.desk
    content = _content(call, LONGEST_UPDATE)
    kept = {k: v for k, v in known.items() if k not in ("text", "blocks", "attachments")}
    if "metadata" in call.args and not content.get("metadata"):
        kept.pop("metadata", None)
    edited = {"user": desk.directory.app.user, "ts": desk.messages.clock.tick()}
    message = kept | content | {"edited": edited}
    desk.messages.replace(channel, message)
    desk.live.tell("channel", channel)
    return {"ok": True, "channel": channel, "ts": message["ts"], "text": message["text"],
            "message": message}  # fmt: skip


def delete(call: Call) -> Json:
    """chat.delete."""
    channel, message = _own_message(call, "cant_delete_message")
    call.desk.messages.delete(channel, message["ts"])
    call.desk.live.tell("channel", channel)
    return {"ok": True, "channel": channel, "ts": message["ts"]}


def get_permalink(call: Call) -> Json:
    """chat.getPermalink: an address at the desk that opens on the message."""
    channel = call.desk.conversation(call.need("channel"))["id"]
    ts = call.need("message_ts")
    message = call.desk.messages.get(channel, ts)
    if message is None:
        raise SlackError("message_not_found")
    link = f"{call.base_url}/archives/{channel}/p{ts.replace('.', '')}"
    if message.get("thread_ts", ts) != ts:
        link += f"?thread_ts={message['thread_ts']}&cid={channel}"
    return {"ok": True, "channel": channel, "permalink": link}


def add_reaction(call: Call) -> Json:
    """reactions.add, by the app."""
    desk = call.desk
    channel = desk.conversation(call.need("channel"))["id"]
    message = desk.messages.get(channel, call.need("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    name = call.need("name").strip(":")
    reactions = message.setdefault("reactions", [])
    known = next((r for r in reactions if r["name"] == name), None)
    if known is None:
        known = {"name": name, "users": [], "count": 0}
        reactions.append(known)
    if desk.directory.app.user in known["users"]:
        raise SlackError("already_reacted")
    known["users"].append(desk.directory.app.user)
    known["count"] = len(known["users"])
    desk.messages.replace(channel, message)
    desk.live.tell("channel", channel)
    return {"ok": True}
