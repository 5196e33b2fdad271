"""What a person writes: a message, a reply in a thread, or a slash command."""

import json
import re
from html import escape
from typing import Any

from infrastructure.local.desk import events, payloads
from infrastructure.local.desk.clicks import visible_message
from infrastructure.local.desk.content import LONGEST_POST, checked
from infrastructure.local.desk.delivery import Answer
from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.directory import SLACKBOT
from infrastructure.local.desk.payloads import Actor
from infrastructure.local.desk.response_urls import Origin
from infrastructure.local.desk.shapes import Json, SlackError

_COMMAND = re.compile(r"/[^\s/]+(?=\s|$)")
_IN_CHANNEL = "in_channel"


async def write(desk: Desk, actor: Actor, channel: str, text: str, thread_ts: str) -> Json:
    """Write what was typed into a conversation, or run it when it is a command."""
    conversation = desk.conversation(channel)
    if actor.user not in conversation["members"]:
        raise SlackError("not_in_channel")
    if not text.strip():
        raise SlackError("no_text")
    if len(text) > LONGEST_POST:
        raise SlackError("msg_too_long")
    command = _COMMAND.match(text)
    if command is None:
        return _message(desk, actor, conversation, text, thread_ts)
    typed = (command.group(), text[command.end() :].strip())
    if thread_ts:
        _slackbot(desk, actor, conversation, f"{typed[0]} is not supported in threads. Sorry!")
        return {"ok": False, "error": "not_in_threads"}
    return await _run(desk, actor, conversation, typed)


def _message(desk: Desk, actor: Actor, conversation: Json, text: str, thread_ts: str) -> Json:
    channel = conversation["id"]
    extra: Json = {"text": _with_mentions(desk, text)}
    if thread_ts:
        _, parent = visible_message(desk, actor, channel, thread_ts)
        extra["thread_ts"] = parent.get("thread_ts", thread_ts)
    posted = desk.messages.post(channel, desk.messages.by_person(actor.user, **extra))
    desk.conversations.mark_read(actor.user, channel, posted["ts"])
    desk.live.tell("channel", channel)
    events.message_written(desk, conversation, posted)
    return {"ok": True, "ts": posted["ts"]}


def _with_mentions(desk: Desk, text: str, *, named: bool = False) -> str:
    """Turn @names and #channels into mentions, as the client does; *named*, as it does for a command that asks for it.

    What else was typed is escaped in a message, and left as it is in a command.
    """
    safe = text if named else escape(text, quote=False)
    directory = desk.directory
    handles = {p.user: p.handle for p in directory.people}
    names = {p.name: p.user for p in directory.people if p.active}
    names |= {p.handle: p.user for p in directory.people if p.active}
    names[directory.app.name] = directory.app.user
    for name in sorted(names, key=len, reverse=True):
        user = names[name]
        mention = f"<@{user}|{handles.get(user, name)}>" if named else f"<@{user}>"
        safe = re.sub(rf"(?<![<|])@{re.escape(name)}\b", mention, safe, flags=re.IGNORECASE)
    for seed in directory.channels:
        mention = f"<#{seed.channel}|{seed.name}>" if named else f"<#{seed.channel}>"
        safe = re.sub(rf"(?<!\S)#{re.escape(seed.name)}\b", mention, safe)
    return safe


async def _run(desk: Desk, actor: Actor, conversation: Json, typed: tuple[str, str]) -> Json:
    if typed[0] not in desk.settings.commands:
        _slackbot(desk, actor, conversation, f"{typed[0]} is not a valid command.")
        return {"ok": False, "error": "invalid_command"}
    origin = Origin(conversation["id"], actor.user)
    url = desk.response_urls.issue(actor.base_url, desk.directory.team.id, origin)
    sent = (typed[0], _with_mentions(desk, typed[1], named=True))
    fields = payloads.slash_command(desk, actor, conversation, sent, url)
    answer = await desk.delivery.command(fields)
    error = _command_error(answer)
    if error is None:
        try:
            _show_answer(desk, conversation, origin, " ".join(typed).strip(), answer)
        except (SlackError, ValueError):
            error = "invalid_command_response"
    if error:
        _slackbot(desk, actor, conversation, f'{typed[0]} failed with the error "{error}"')
        return {"ok": False, "error": error}
    return {"ok": True}


def _command_error(answer: Answer) -> str | None:
    if answer.trouble is None:
        return None
    return "operation_timeout" if answer.trouble == "timeout" else "dispatch_failed"


def _show_answer(desk: Desk, conversation: Json, origin: Origin, typed: str, answer: Answer) -> None:
    body = answer.body.decode("utf-8").strip()
    if not body:
        return
    wanted: Any = json.loads(body) if body.startswith("{") else {"text": body}
    if not (wanted.get("text") or wanted.get("blocks") or wanted.get("attachments")):
        return
    if wanted.get("response_type") == _IN_CHANNEL:
        said = desk.messages.by_person(origin.user, text=escape(typed, quote=False))
        desk.messages.post(conversation["id"], said)
    respond(desk, origin, wanted)


def _slackbot(desk: Desk, actor: Actor, conversation: Json, text: str) -> None:
    message = desk.messages.by_person(SLACKBOT, text=escape(text, quote=False))
    desk.messages.post(conversation["id"], message, only_for=actor.user)
    desk.live.tell("channel", conversation["id"], only_for=actor.user)


def respond(desk: Desk, origin: Origin, wanted: Json) -> None:
    """Do what an app answers to a command or sends to a response_url.

    Raises SlackError when the content is not acceptable or the original is gone.
    """
    channel = origin.channel
    original = desk.messages.get(channel, origin.ts) if origin.ts else None
    if wanted.get("delete_original") or wanted.get("replace_original"):
        if original is None:
            raise SlackError("message_not_found")
        _change(desk, channel, original, wanted)
        return
    content = checked(str(wanted.get("text") or ""), wanted.get("blocks"),
                      wanted.get("attachments"))  # fmt: skip
    thread = wanted.get("thread_ts") or origin.thread_ts
    message = desk.messages.by_app(**content, thread_ts=thread)
    everybody = wanted.get("response_type") == _IN_CHANNEL
    desk.messages.post(channel, message, only_for=None if everybody else origin.user)
    desk.live.tell("channel", channel)


def _change(desk: Desk, channel: str, original: Json, wanted: Json) -> None:
    if wanted.get("delete_original"):
        desk.messages.delete(channel, original["ts"])
    else:
        content = checked(str(wanted.get("text") or ""), wanted.get("blocks"),
                          wanted.get("attachments"))  # fmt: skip
        kept = {k: v for k, v in original.items() if k not in ("text", "blocks", "attachments")}
        desk.messages.replace(channel, kept | content)
    desk.live.tell("channel", channel)
