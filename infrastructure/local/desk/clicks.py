"""A click on a message, a modal or a Home tab: find what was clicked, tell the app in time."""

from dataclasses import dataclass, field

from infrastructure.local.desk import formstate, payloads
from infrastructure.local.desk.blockkit import tree
from infrastructure.local.desk.delivery import Answer
from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.formstate import Raw, Values
from infrastructure.local.desk.payloads import Actor
from infrastructure.local.desk.response_urls import Origin
from infrastructure.local.desk.shapes import Json, SlackError

NOT_RESPONDING = "This app is not responding. Please try again in a moment."


@dataclass(frozen=True, slots=True)
class Click:
    """What was clicked, where, with which value; and what else the form there holds."""

    action_id: str
    block_id: str | None = None
    channel: str = ""
    ts: str = ""
    view_id: str = ""
    raw: Raw = None
    values: Values = field(default_factory=dict)


def visible_message(desk: Desk, actor: Actor, channel: str, ts: str) -> tuple[Json, Json]:
    """Find a message this person can see; SlackError where there is none."""
    conversation = desk.conversation(channel)
    message = desk.messages.get(conversation["id"], ts)
    only_for = desk.messages.only_for(conversation["id"], ts)
    if actor.user not in conversation["members"]:
        raise SlackError("channel_not_found")
    if message is None or only_for not in (None, actor.user):
        raise SlackError("message_not_found")
    return conversation, message | ({"is_ephemeral": True} if only_for else {})


def message_blocks(message: Json) -> list[Json]:
    """Return the blocks of a message, those in its attachments included."""
    blocks = list(message.get("blocks", ()))
    for attachment in message.get("attachments", ()):
        blocks += attachment.get("blocks", ())
    return blocks


async def click(desk: Desk, actor: Actor, what: Click) -> Json:
    """Send one click to the app; the answer says whether it arrived in time."""
    payload = _on_view(desk, actor, what) if what.view_id else _on_message(desk, actor, what)
    return outcome(await desk.delivery.interaction(payload))


def outcome(answer: Answer) -> Json:
    """Say to the page what became of a click."""
    if answer.trouble:
        return {"ok": False, "error": answer.trouble, "says": NOT_RESPONDING}
    return {"ok": True}


def _element(blocks: list[Json], what: Click) -> tuple[Json, Json]:
    found = tree.find(blocks, what.block_id, what.action_id)
    if found is None:
        raise SlackError("action_not_found")
    return found


def _on_message(desk: Desk, actor: Actor, what: Click) -> Json:
    conversation, message = visible_message(desk, actor, what.channel, what.ts)
    blocks = message_blocks(message)
    block, element = _element(blocks, what)
    payload = payloads.message_action(desk, actor, conversation, message)
    origin = Origin(conversation["id"], actor.user, message["ts"], message.get("thread_ts"))
    payload["state"] = formstate.state(blocks, what.values)
    payload["response_url"] = desk.response_urls.issue(actor.base_url, desk.directory.team.id, origin)
    payload["actions"] = [formstate.action(block, element, what.raw, desk.messages.clock.tick())]
    return payload


def _on_view(desk: Desk, actor: Actor, what: Click) -> Json:
    view = desk.views.get(what.view_id)
    if view is None or desk.views.owner(what.view_id) != actor.user:
        raise SlackError("view_not_found")
    block, element = _element(view["blocks"], what)
    shown = view | {"state": formstate.state(view["blocks"], what.values)}
    payload = payloads.view_action(desk, actor, shown)
    payload["actions"] = [formstate.action(block, element, what.raw, desk.messages.clock.tick())]
    return payload
