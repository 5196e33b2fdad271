"""`almoner people compare`: where Slack and the directory name different people. It only reads."""

import os
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from infrastructure.commands.identity import HERE, Home
from infrastructure.commands.speaking import done, plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.records.people import Directory, Role
    from blocks.slack_people import UserGroup

APART = 1
Groups = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="HANDLE=ROLE", help="Which group is which role, where it is not called like it."),
]


def compare(
    group: Groups = None,
    home: Home = HERE,
) -> None:
    """Compare the directory with Slack's accounts and user groups; exits with 1 where they differ.

    Authority stays in the directory: who is in a group and not in its role may decide nothing.
    """
    with plainly():
        find(home)
        named = dict(_named(one) for one in group or ())
        told = done(_compared(named))
        print("\n".join(told) or "✓ Slack and the directory name the same people.")
        if told:
            raise typer.Exit(APART)


def _named(told: str) -> tuple[str, str]:
    from blocks.records.people import Role

    handle, _, role = told.partition("=")
    if role not in get_args(Role):
        raise typer.BadParameter(f"{told}: write HANDLE=ROLE, with a role out of {', '.join(get_args(Role))}")
    return handle.removeprefix("@"), role


async def _compared(named: dict[str, str]) -> list[str]:
    from blocks import connect
    from blocks.errors import RefusedError
    from blocks.slack_people import SLACK, accounts, user_groups
    from tasks.case import utc_now

    directory = (await connect.shelf().in_force(utc_now())).directory
    url, token = os.environ.get("ALMONER_SLACK_URL", SLACK), os.environ.get("SLACK_BOT_TOKEN", "")
    there = await accounts(token, url=url)
    told = _accounts(directory, {address: one.user for address, one in there.items()})
    try:
        groups = await user_groups(token, url=url)
    except RefusedError as refusal:
        return [*told, f"⚠ groups are not compared: {refusal.detail}"]
    return told + [line for one in groups for line in _apart(one, named, directory)]


def _accounts(directory: "Directory", there: dict[str, str]) -> list[str]:
    """Tell whose account is another one than the directory says, found by their address."""
    told = []
    for one in (x for x in directory.people if x.active):
        account = there.get(one.email.lower(), "") if one.email else one.slack_user
        if account != one.slack_user:
            told.append(f"{one.id} is {account or 'nobody'} in Slack, {one.slack_user or 'nobody'} in the directory")
    return told


def _apart(group: "UserGroup", named: dict[str, str], directory: "Directory") -> list[str]:
    from tasks.rules.groups import compare as compare_group
    from tasks.rules.groups import role_of

    role = cast("Role | None", named.get(group.handle)) or role_of(group.handle)
    if role is None:
        return []
    apart = compare_group(group.users, role, directory)
    return [
        *(f"@{group.handle}: {one.name} is in the group and not {role}" for one in apart.only_in_group),
        *(f"@{group.handle}: {user} is in the group and nobody of the directory" for user in apart.unknown),
        *(f"@{group.handle}: {one.name} is {role} and not in the group" for one in apart.only_in_role),
    ]
