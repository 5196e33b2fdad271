"""Slack as a directory of identities: whose account an address is."""

from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

PAGE = 200


class Account(NamedTuple):
    """A person's account in a workspace."""

    team: str
    user: str


async def accounts(token: str, *, url: str = "https://slack.com/api/") -> dict[str, Account]:
    """List who has an account, by e-mail address in lower case; neither bots, nor guests of one channel, nor who left.

    Raises `SlackApiError` where Slack refuses: the app needs `users:read` and `users:read.email`.
    """
    web, cursor = AsyncWebClient(token=token, base_url=url), ""
    found: dict[str, Account] = {}
    while True:
        page = await web.users_list(limit=PAGE, cursor=cursor)
        for member in page["members"]:
            if address := _address(member):
                found[address] = Account(str(member["team_id"]), str(member["id"]))
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return found


def _address(member: dict[str, Any]) -> str | None:
    if member.get("deleted") or member.get("is_bot") or member.get("is_ultra_restricted"):
        return None
    return str(member.get("profile", {}).get("email") or "").lower() or None
