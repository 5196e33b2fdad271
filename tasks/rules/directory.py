"""Directories: what a new one changes, and why it does not take effect."""

from typing import NamedTuple

from blocks.records.people import Directory, Person


class Difference(NamedTuple):
    """What becomes of one person."""

    person: str
    what: str


def differences(old: Directory | None, new: Directory) -> tuple[Difference, ...]:
    """List who comes, who goes, and what changes about the others, by id."""
    before = {person.id: person for person in old.people} if old else {}
    after = {person.id: person for person in new.people}
    told = []
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            told.append(Difference(name, "is new"))
        elif name not in after:
            told.append(Difference(name, "is gone"))
        else:
            told += [Difference(name, what) for what in _changes(before[name], after[name])]
    return tuple(told)


def reason_not_to_adopt(new: Directory) -> str | None:
    """Say why a directory does not take effect, or None: nobody manages themselves, be it over others."""
    managers = {person.id: person.manager for person in new.people}
    for name in managers:
        seen, above = {name}, managers.get(name)
        while above:
            if above in seen:
                return f"manager: {name} is among their own managers, over {above}"
            seen.add(above)
            above = managers.get(above)
    accounts = [(one.slack_team, one.slack_user) for one in new.people if one.slack_user]
    if twice := next((one for one in accounts if accounts.count(one) > 1), None):
        return f"slack_user: two people share the account {twice[1]}"
    return None


def _changes(before: Person, after: Person) -> list[str]:
    fields = [name for name in Person.model_fields if getattr(before, name) != getattr(after, name)]
    if "active" in fields:
        return ["is active again" if after.active else "has left"]
    return [f"has another {', '.join(name.replace('_', ' ') for name in fields)}"] if fields else []
