"""Slack as a directory of identities: whose account an address is, and who is in which user group. It is only read."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from blocks.errors import RefusedError, UnavailableError, UnreadableError

PAGE = 200
SLACK = "https://slack.com/api/"
NO_GROUPS = frozenset({"plan_upgrade_required", "paid_teams_only", "upgrade_required"})


class Account(NamedTuple):
    """A person's account in a workspace."""

    team: str
    user: str


class UserGroup(NamedTuple):
    """A user group: how it is mentioned, what it is called, and the accounts in it, by their ids."""

    id: str
    handle: str
    name: str
    users: frozenset[str]


async def accounts(token: str, *, url: str = SLACK) -> dict[str, Account]:
    """List who has an account, by e-mail address in lower case; neither bots, nor guests, nor who left.

    The app needs `users:read` and `users:read.email`.
    """
    web, found = _client(token, url), {}
    async for member in _members(web):
        if address := _address(member):
            found[address] = Account(str(member["team_id"]), str(member["id"]))
    return found


async def user_groups(token: str, *, url: str = SLACK) -> tuple[UserGroup, ...]:
    """List the user groups that are in use, with who is in them; the app needs `usergroups:read`.

    `RefusedError` where the workspace has none: they come with Slack's paid plans.
    """
    web = _client(token, url)
    told = (await _call(web, "usergroups.list", include_users=True, include_disabled=False))["usergroups"]
    groups = []
    for one in told:
        users = one.get("users")
        if users is None:  # Slack leaves them out of groups that an identity provider keeps
            users = (await _call(web, "usergroups.users.list", usergroup=one["id"]))["users"]
        groups.append(UserGroup(str(one["id"]), str(one["handle"]), str(one["name"]), frozenset(map(str, users))))
    return tuple(groups)


def _client(token: str, url: str) -> AsyncWebClient:
    return AsyncWebClient(
        token=token, base_url=url, timeout=10, retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=3)]
    )


async def _members(web: AsyncWebClient) -> AsyncIterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = await _call(web, "users.list", limit=PAGE, cursor=cursor)
        for member in page["members"]:
            yield member
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return


async def _call(web: AsyncWebClient, method: str, **asked: Any) -> Any:
    try:
        return await web.api_call(method, http_verb="GET", params=asked)
    except SlackApiError as error:
        why = str(error.response.get("error"))
        if why in NO_GROUPS:
            raise RefusedError(
                "Slack", "this workspace has no user groups: they come with Slack's paid plans"
            ) from error
        if why == "missing_scope":
            raise RefusedError("Slack", f"the app lacks a scope: add {error.response.get('needed')}") from error
        if why == "ratelimited":
            raise UnavailableError("Slack", "it asks us to come back in a minute") from error
        raise UnreadableError("Slack", f"{method} says {why}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise UnavailableError("Slack", f"{method} did not answer") from error


def _address(member: dict[str, Any]) -> str | None:
    if any(member.get(x) for x in ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")):
        return None
    return str(member.get("profile", {}).get("email") or "").lower() or None
