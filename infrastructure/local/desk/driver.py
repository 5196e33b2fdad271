"""Acting as a person at the desk, through the same requests as the page's buttons and forms.

    async with DeskDriver("http://127.0.0.1:18090") as desk:
        ana = desk.person("U0ANA")
        card = await ana.wait_for_message("approvals", having="RQ-1041")
        await ana.click(card, "approve")

What a person cannot see, a driver cannot click. A refusal by the desk raises `RefusedClickError`;
an app that is late or failing is no exception here but an `Outcome` that is not `ok`, because that
is what a person would see.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from infrastructure.local.desk.blockkit import tree
from infrastructure.local.desk.clicks import message_blocks
from infrastructure.local.desk.formstate import Raw, Values
from infrastructure.local.desk.shapes import Json

_APP_TROUBLE = frozenset({"timeout", "connection", "status", "bad_response"})
_COMMAND_TROUBLE = frozenset({"operation_timeout", "dispatch_failed", "invalid_command_response"})
_POLL_S = 0.05


class RefusedClickError(Exception):
    """The desk did not take it: there is nothing of the kind to click, submit or write to."""


class NothingHappenedError(Exception):
    """What one waited for did not come in time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the person sees afterwards.

    `error` is None when the app answered in time; `says` is the line shown to the person;
    `errors` are the lines under a form's fields, by block_id; `ts` the message just written.
    """

    ok: bool
    error: str | None = None
    says: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    ts: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as a person sees it, with the conversation it is in."""

    channel: str
    message: Json

    @property
    def ts(self) -> str:
        """The message's timestamp, its name within the conversation."""
        return str(self.message["ts"])

    @property
    def blocks(self) -> list[Json]:
        """Its blocks, those in attachments included."""
        return message_blocks(self.message)

    @property
    def action_ids(self) -> list[str]:
        """What can be clicked in it, in reading order."""
        return [str(e["action_id"]) for _, e in tree.elements(self.blocks) if "action_id" in e]

    def holds(self, words: str) -> bool:
        """Tell whether these words are anywhere in the message."""
        # Not json.dumps of the words alone: a quote in them is escaped in both.
        return json.dumps(words, ensure_ascii=False)[1:-1] in json.dumps(self.message, ensure_ascii=False)


class Person:
    """One person at the desk; made by `DeskDriver.person`."""

    def __init__(self, client: httpx.AsyncClient, user: str) -> None:
        self._client = client
        self.user = user

    async def _look(self, what: str, **query: str) -> Json:
        got = await self._client.get(f"/desk/{what}", params={"as": self.user, **query})
        seen: Json = got.raise_for_status().json()
        if not seen["ok"]:
            raise RefusedClickError(f"{self.user} cannot see {what} {query}: {seen['error']}")
        return seen

    async def _do(self, deed: str, **what: Any) -> Outcome:
        got = await self._client.post(f"/desk/{deed}", json={"as": self.user, **what})
        said: Json = got.json()
        error = said.get("error")
        visible = said["ok"] or "errors" in said or error in _APP_TROUBLE | _COMMAND_TROUBLE
        if not visible:
            raise RefusedClickError(f"{deed} as {self.user}: {error}")
        return Outcome(said["ok"], error, said.get("says", ""), said.get("errors", {}),
                       said.get("ts", ""))  # fmt: skip

    async def conversations(self) -> list[Json]:
        """Return the conversations this person is in."""
        return list((await self._look("conversations"))["conversations"])

    async def messages(self, channel: str, thread: str = "") -> list[Seen]:
        """Return what this person sees in a conversation (id, name, or own user id), oldest first."""
        return await self._seen(channel=channel, thread=thread)

    async def _seen(self, **query: str) -> list[Seen]:
        seen = await self._look("messages", **query)
        return [Seen(seen["channel"], m) for m in seen["messages"]]

    async def direct_messages(self) -> list[Seen]:
        """Return what the app wrote to this person directly, and what they wrote to it."""
        return await self.messages(self.user)

    async def wait_for_message(
        self, channel: str, *, having: str, action_id: str = "", timeout_s: float = 10.0
    ) -> Seen:
        """Wait for a message with these words (and this action); return the newest such.

        Raises NothingHappenedError when none comes in time.
        """
        async with _Patience(timeout_s, f"no message with {having!r} in {channel}"):
            while True:
                for seen in reversed(await self._seen(channel=channel, having=having, newest="20")):
                    if not action_id or action_id in seen.action_ids:
                        return seen
                await asyncio.sleep(_POLL_S)

    async def click(
        self, seen: Seen, action_id: str, value: Raw = None, values: Values | None = None,
        block_id: str | None = None,
    ) -> Outcome:  # fmt: skip
        """Click a button of a message, or pick `value` in one of its menus."""
        return await self._do("click", channel=seen.channel, ts=seen.ts, action_id=action_id,
                              block_id=block_id, value=value, values=values or {})  # fmt: skip

    async def click_in_view(
        self, view: Json, action_id: str, value: Raw = None, values: Values | None = None
    ) -> Outcome:
        """Click a button, or pick something, in a modal or on the Home tab."""
        return await self._do("click", view_id=view["id"], action_id=action_id, value=value,
                              values=values or {})  # fmt: skip

    async def modal(self) -> Json | None:
        """Return the modal in front of this person, or None."""
        stack = (await self._look("views"))["stack"]
        return stack[-1] if stack else None

    async def wait_for_modal(self, *, title: str = "", timeout_s: float = 10.0) -> Json:
        """Wait until a modal (with this title) is in front; raises NothingHappenedError."""
        async with _Patience(timeout_s, f"no modal {title!r} for {self.user}"):
            while True:
                view = await self.modal()
                if view and (not title or view["title"]["text"] == title):
                    return view
                await asyncio.sleep(_POLL_S)

    async def home(self) -> Json | None:
        """Return the Home tab published for this person, or None."""
        home: Json | None = (await self._look("views"))["home"]
        return home

    async def submit(self, view: Json, typed: Mapping[str, Raw]) -> Outcome:
        """Fill a modal, by action_id or by block_id, and submit it."""
        values: dict[str, dict[str, Raw]] = {}
        unknown = dict(typed)
        for block, element in tree.elements(view["blocks"]):
            for name in (str(element.get("action_id")), str(block.get("block_id"))):
                if name in typed:
                    unknown.pop(name, None)
                    values.setdefault(block["block_id"], {})[element["action_id"]] = typed[name]
        if unknown:
            raise RefusedClickError(f"this form has no field {', '.join(unknown)}")
        return await self._do("submit", view_id=view["id"], values=values)

    async def close(self, view: Json, *, everything: bool = False) -> Outcome:
        """Close a modal, or all that are stacked."""
        return await self._do("close", view_id=view["id"], everything=everything)

    async def write(self, channel: str, text: str) -> Outcome:
        """Write a message into a conversation."""
        return await self._do("write", channel=channel, text=text)

    async def reply(self, seen: Seen, text: str) -> Outcome:
        """Reply in a message's thread."""
        return await self._do("write", channel=seen.channel, text=text, thread_ts=seen.ts)

    async def command(self, channel: str, text: str) -> Outcome:
        """Type a slash command, as in `/requisition`."""
        return await self._do("write", channel=channel, text=text)


class DeskDriver:
    """A connection to a desk, to be any of its people. Use it with `async with`."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=10.0)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Let go of the connections."""
        await self._client.aclose()

    def person(self, user: str) -> Person:
        """Be somebody, by Slack user id."""
        return Person(self._client, user)

    async def fault(self, method: str, kind: str, *, seconds: float = 0, times: int = 1) -> None:
        """Arrange trouble with a Web API method: delay, error, lost or ratelimited."""
        wanted = {"method": method, "kind": kind, "seconds": seconds, "times": times}
        (await self._client.post("/_faults", json=wanted)).raise_for_status()


class _Patience:
    """A time limit that ends in a plain sentence."""

    def __init__(self, timeout_s: float, otherwise: str) -> None:
        self._timeout = asyncio.timeout(timeout_s)
        self._otherwise = f"{otherwise} within {timeout_s:g} s"

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as why:
            raise NothingHappenedError(self._otherwise) from why
