"""Slack as the desk: cards, threads, messages, modals. Imports no Prefect: the doors use it too."""

import asyncio
import re
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.models.metadata import Metadata
from slack_sdk.web.async_client import AsyncWebClient

from blocks.errors import RefusedError, UnavailableError, UnknownError, UnreadableError
from blocks.ports import Card
from blocks.records.approval import Posted

EVENT = "almoner_message"
LOOK_BACK = 200
"""How many messages of a channel are searched for one that may have been posted already."""
LATE_S = 2.0
"""How much later a post is looked for once more whose answer was lost: Slack may be at work on it still."""
NOT_THERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found"})
"""Why Slack shows somebody nothing in a channel: who answers from their Home tab need not be where the card is."""
COME_BACK = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
PERSON = re.compile("[UW][A-Z0-9]+")
"""A person's id; on Enterprise Grid some begin with W. Names of channels are in lower case."""
NOT_LET_IN = frozenset({
    "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "no_permission", "not_allowed_token_type", "team_access_not_granted", "access_denied", "org_login_required",
    "ekm_access_denied",
})  # fmt: skip
"""What Slack says of our token rather than of the message."""


class SlackDesk:
    """Slack's Web API as far as people are asked and told.

    A post whose answer was lost is looked up by its metadata before it is repeated. The metadata holds the
    message's key and nothing else: every app of the workspace can read it.
    """

    def __init__(self, token: str, *, url: str = "https://slack.com/api/", timeout_s: int = 10) -> None:
        self._web = AsyncWebClient(
            token=token,
            base_url=url,
            timeout=timeout_s,
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=3)],
        )
        self._rooms: dict[str, str] = {}
        self._doubted = set[str]()

    async def aclose(self) -> None:
        """Close the connections to Slack."""
        if self._web.session:
            await self._web.session.close()

    async def post(self, channel: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        """Post a card, unless it stands there already."""
        room = await self._room(channel)
        if (maybe_posted or card.key in self._doubted) and (found := await self._find(room, card.key)):
            self._doubted.discard(card.key)
            return found
        try:
            answer = await self._call(
                "chat.postMessage",
                channel=room,
                blocks=card.blocks,
                text=card.text,
                metadata=Metadata(EVENT, {"key": card.key}).to_dict(),
                unfurl_links=False,
            )
        except UnknownError:
            self._doubted.add(card.key)  # whoever tries again looks first
            if found := await self._find(room, card.key) or await self._find(room, card.key, after_s=LATE_S):
                self._doubted.discard(card.key)
                return found
            raise
        self._doubted.discard(card.key)
        return Posted(channel=answer["channel"], ts=answer["ts"])

    async def redraw(self, posted: Posted, card: Card) -> None:
        """Draw a posted card anew."""
        await self._call("chat.update", channel=posted.channel, ts=posted.ts, blocks=card.blocks, text=card.text)

    async def say(self, posted: Posted, text: str) -> None:
        """Say something in a card's thread."""
        await self._call("chat.postMessage", channel=posted.channel, thread_ts=posted.ts, text=text)

    async def tell(self, slack_user: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        """Send one person one message."""
        return await self.post(slack_user, card, maybe_posted=maybe_posted)

    async def open_modal(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal in answer to a click or a command; the trigger lives three seconds."""
        await self._call("views.open", trigger_id=trigger, view=view)

    async def publish_home(self, slack_user: str, view: dict[str, Any]) -> None:
        """Put a view on somebody's Home tab."""
        await self._call("views.publish", user_id=slack_user, view=view)

    async def whisper(self, channel: str, slack_user: str, text: str) -> None:
        """Tell one person something in a channel, seen by nobody else; directly, where they are in no such channel."""
        try:
            await self._call("chat.postEphemeral", channel=channel, user=slack_user, text=text)
        except RefusedError as refusal:
            if refusal.detail.rpartition(" ")[2] not in NOT_THERE:
                raise
            await self._call("chat.postMessage", channel=await self._room(slack_user), text=text)

    async def link(self, posted: Posted) -> str:
        """Find the address that opens a message."""
        found = await self._call("chat.getPermalink", channel=posted.channel, message_ts=posted.ts)
        return str(found["permalink"])

    async def key_of(self, posted: Posted) -> str | None:
        """Read which of our messages a message is."""
        found = await self._call(
            "conversations.replies", channel=posted.channel, ts=posted.ts, limit=1, include_all_metadata=True
        )
        return next((_key(message) for message in found["messages"]), None)

    async def _find(self, room: str, key: str, *, after_s: float = 0) -> Posted | None:
        await asyncio.sleep(after_s)
        found = await self._call("conversations.history", channel=room, limit=LOOK_BACK, include_all_metadata=True)
        return next((Posted(channel=room, ts=x["ts"]) for x in found["messages"] if _key(x) == key), None)

    async def _room(self, channel: str) -> str:
        """Find the conversation: a channel by its name or id, a person's direct messages by their id."""
        if channel not in self._rooms:
            if PERSON.fullmatch(channel):
                opened = await self._call("conversations.open", users=channel)
                self._rooms[channel] = opened["channel"]["id"]
            else:
                self._rooms[channel] = await self._named(channel.removeprefix("#"))
        return self._rooms[channel]

    async def _named(self, name: str) -> str:
        cursor = ""
        while True:
            page = await self._call("conversations.list", limit=200, cursor=cursor, exclude_archived=True)
            for channel in page["channels"]:
                if name in (channel["name"], channel["id"]):
                    return str(channel["id"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                raise RefusedError("slack", f"there is no channel #{name}: create it and invite the app")

    async def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        if self._web.session is None or self._web.session.closed:
            timeout = aiohttp.ClientTimeout(total=self._web.timeout)
            self._web.session = aiohttp.ClientSession(timeout=timeout)  # kept: a new one costs more than a call
        try:
            answer = (
                await self._web.api_call(method, json=arguments)
                if _by_json(method)
                else (await self._web.api_call(method, params=_flat(arguments)))
            )
        except SlackApiError as error:
            code = _code(error)
            if code in COME_BACK or not code:
                raise UnknownError("slack", f"{method}: {code or error}") from error
            if code in NOT_LET_IN:
                why = f"{method}: {code}: check SLACK_BOT_TOKEN and the scopes of the app"
                raise UnreadableError("slack", why) from error
            raise RefusedError("slack", f"{method}: {code}") from error
        except aiohttp.ClientConnectorError as error:
            raise UnavailableError("slack", f"{method}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError) as error:  # slack-sdk trips over text
            raise UnknownError("slack", f"{method}: {error!r}") from error
        return dict(answer.data) if isinstance(answer.data, dict) else {}


def _code(error: SlackApiError) -> str:
    """Return what Slack says; nothing where it is not Slack that speaks, but what stands before it, or half of it."""
    said, status = getattr(error.response, "data", None), getattr(error.response, "status_code", 500)
    if status >= 500 or not isinstance(said, dict):  # noqa: PLR2004  HTTP's own classes
        return ""
    return str(said.get("error", ""))


def _by_json(method: str) -> bool:
    """Say whether a method takes JSON; Slack's reading methods take arguments in the address alone."""
    posts = method.startswith(("chat.", "views.")) or method == "conversations.open"
    return posts and method != "chat.getPermalink"


def _flat(arguments: dict[str, Any]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in arguments.items()
        if value != ""
    }


def _key(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT:
        return None
    return str(metadata.get("event_payload", {}).get("key"))
