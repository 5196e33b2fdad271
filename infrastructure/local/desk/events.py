"""The Events API: what people write is told to the app, and told again until it answers."""

import asyncio
import secrets
from typing import Final

from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.shapes import Json

_REASONS: Final = {
    "timeout": "http_timeout", "connection": "connection_failed", "status": "http_error",
}  # fmt: skip


def channel_type(conversation: Json) -> str:
    """Name a conversation's kind as message events do."""
    if conversation["is_im"]:
        return "im"
    if conversation["is_mpim"]:
        return "mpim"
    return "group" if conversation["is_private"] else "channel"


def message_written(desk: Desk, conversation: Json, message: Json) -> None:
    """Tell the app, beside the request, that somebody wrote a message."""
    event = message | {
        "channel": conversation["id"], "event_ts": message["ts"],
        "channel_type": channel_type(conversation),
    }  # fmt: skip
    desk.delivery.later(_told(desk, _envelope(desk, event)))


def home_opened(desk: Desk, user: str, channel: str, tab: str) -> None:
    """Tell the app that somebody looks at its Home or Messages tab."""
    event: Json = {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab,
                   "event_ts": desk.messages.clock.tick()}  # fmt: skip
    view = desk.views.home(user)
    if view and tab == "home":
        event["view"] = view
    desk.delivery.later(_told(desk, _envelope(desk, event)))


def _envelope(desk: Desk, event: Json) -> Json:
    directory = desk.directory
    granted = {"enterprise_id": None, "team_id": directory.team.id, "user_id": directory.app.user,
               "is_bot": True, "is_enterprise_install": False}  # fmt: skip
    return {
        "token": "deprecated-use-the-signature", "team_id": directory.team.id,
        "api_app_id": directory.app.id, "event": event, "type": "event_callback",
        "event_id": "Ev0" + secrets.token_hex(4).upper(),
        "event_time": int(desk.settings.now()), "authorizations": [granted],
        "is_ext_shared_channel": False, "event_context": "4-" + secrets.token_hex(12),
    }  # fmt: skip


async def _told(desk: Desk, envelope: Json) -> None:
    answer = await desk.delivery.event(envelope, 0, "")
    for number, wait in enumerate(desk.settings.event_retries_s, start=1):
        if answer.trouble is None or answer.no_retry:
            return
        await asyncio.sleep(wait)
        answer = await desk.delivery.event(envelope, number, _REASONS[answer.trouble])
