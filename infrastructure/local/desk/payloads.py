"""Slack's interactivity payloads, field for field as its reference documents them."""

from dataclasses import dataclass

from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.directory import Person
from infrastructure.local.desk.shapes import Json

# The verification token that came before signatures; sent by Slack still, to be ignored.
_OLD_TOKEN = "deprecated-use-the-signature"  # noqa: S105 (a placeholder, no secret)


@dataclass(frozen=True, slots=True)
class Actor:
    """The person acting, and the address the desk was reached at."""

    person: Person
    base_url: str

    @property
    def user(self) -> str:
        """The Slack user id."""
        return self.person.user


def channel_name(conversation: Json) -> str:
    """Name a conversation as payloads do."""
    if conversation["is_im"]:
        return "directmessage"
    return "privategroup" if conversation["is_private"] else str(conversation["name"])


def _common(desk: Desk, actor: Actor, kind: str) -> Json:
    team = desk.directory.team
    return {
        "type": kind,
        "team": {"id": team.id, "domain": team.domain},
        "user": {"id": actor.user, "username": actor.person.handle, "name": actor.person.handle,
                 "team_id": team.id},
        "api_app_id": desk.directory.app.id,
        "token": _OLD_TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }  # fmt: skip


def message_action(desk: Desk, actor: Actor, conversation: Json, message: Json) -> Json:
    """Make a block_actions payload for a message, without its actions and response_url."""
    channel, ts = conversation["id"], message["ts"]
    ephemeral = bool(message.get("is_ephemeral"))
    container = {"type": "message", "message_ts": ts, "channel_id": channel,
                 "is_ephemeral": ephemeral}  # fmt: skip
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    payload = _common(desk, actor, "block_actions") | {
        "container": container,
        "trigger_id": desk.triggers.issue(actor.user),
        "channel": {"id": channel, "name": channel_name(conversation)},
    }
    return payload if ephemeral else payload | {"message": message}


def view_action(desk: Desk, actor: Actor, view: Json) -> Json:
    """Make a block_actions payload for a modal or a Home tab, without its actions."""
    return _common(desk, actor, "block_actions") | {
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": desk.triggers.issue(actor.user),
        "view": view,
    }


def view_submission(desk: Desk, actor: Actor, view: Json) -> Json:
    """Make a view_submission payload."""
    return _common(desk, actor, "view_submission") | {
        "trigger_id": desk.triggers.issue(actor.user),
        "view": view,
        "response_urls": [],
    }


def view_closed(desk: Desk, actor: Actor, view: Json, *, cleared: bool) -> Json:
    """Make a view_closed payload."""
    return _common(desk, actor, "view_closed") | {"view": view, "is_cleared": cleared}


def slash_command(
    desk: Desk, actor: Actor, conversation: Json, typed: tuple[str, str], response_url: str
) -> dict[str, str]:
    """Make the form fields of a slash command; `typed` is the command and its text."""
    team = desk.directory.team
    return {
        "token": _OLD_TOKEN, "team_id": team.id, "team_domain": team.domain,
        "channel_id": conversation["id"], "channel_name": channel_name(conversation),
        "user_id": actor.user, "user_name": actor.person.handle, "command": typed[0],
        "text": typed[1], "api_app_id": desk.directory.app.id, "is_enterprise_install": "false",
        "response_url": response_url, "trigger_id": desk.triggers.issue(actor.user),
    }  # fmt: skip
