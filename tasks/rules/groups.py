"""Groups: where a group of another system and a role name different people. Authority is with the role."""

from collections.abc import Collection
from typing import NamedTuple, get_args

from blocks.records.people import Directory, Person, Role


class Apart(NamedTuple):
    """Who is in a group and not in its role, whom nobody knows, and who holds the role and is not in the group."""

    only_in_group: tuple[Person, ...]
    unknown: tuple[str, ...]
    only_in_role: tuple[Person, ...]

    @property
    def agree(self) -> bool:
        """Whether both name the same people."""
        return not any(self)


def role_of(handle: str) -> Role | None:
    """Name the role that a group is called after, be it in the plural.

    >>> role_of("finance-directors"), role_of("everybody")
    ('finance-director', None)
    """
    roles: tuple[Role, ...] = get_args(Role)
    return next((role for role in roles if handle in (role, f"{role}s")), None)


def compare(members: Collection[str], role: Role, directory: Directory) -> Apart:
    """Compare the accounts in a group with who is active and holds a role."""
    holders = directory.holding((role,))
    known = {one.slack_user: one for one in directory.people if one.slack_user}
    there = {known[user].id for user in members if user in known}
    held = {one.id for one in holders}
    return Apart(
        only_in_group=tuple(one for one in directory.people if one.id in there - held),
        unknown=tuple(sorted(user for user in members if user not in known)),
        only_in_role=tuple(one for one in holders if one.id not in there),
    )
