"""Directories: what a new one changes, whether it only takes away, and why it does not take effect."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from typing import NamedTuple, TypeVar

from blocks.records.people import EVERYWHERE, Directory, Grant, Person
from blocks.records.policy import Policy

Name = TypeVar("Name", bound=Hashable)
OWN_WORDS = {"slack_team", "slack_user", "active", "asks", "cost_centres", "grants", "id", "service"}
"""Fields of a person of which a change is told in words of its own."""


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
            told += [Difference(name, f"gains {_granted(grant)}") for grant in after[name].grants]
            told += [Difference(name, what) for what in _by_place(after[name], new)]
        elif name not in after:
            told.append(Difference(name, "is gone"))
        else:
            told += [Difference(name, what) for what in _changes(before[name], after[name])]
    return tuple(told)


def only_takes_away(old: Directory, new: Directory) -> bool:
    """Say whether nobody gains anything: people leave or lose roles, and nothing else changes.

    Who has to go must go at once: so one person may put this in force alone.
    """
    known = {person.id: person for person in old.people}
    same = (old.entity, old.zone) == (new.entity, new.zone)
    return same and all(one.id in known and _is_less(one, known[one.id]) for one in new.people)


def reason_not_to_adopt(new: Directory) -> str | None:
    """Say why a directory does not take effect, or None: nobody stands there twice, nor is their own manager."""
    if twice := _twice(person.id for person in new.people):
        return f"people: {twice} stands there twice"
    managers = {person.id: person.manager for person in new.people}
    for name in managers:
        seen, above = {name}, managers.get(name)
        while above:
            if above in seen:
                return f"manager: {name} is among their own managers, over {above}"
            seen.add(above)
            above = managers.get(above)
    if shared := _twice((one.slack_team, one.slack_user) for one in new.people if one.slack_user):
        return f"slack_user: two people share the account {shared[1]}"
    return None


def _twice(names: Iterable[Name]) -> Name | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def reason_nobody_follows(new: Directory, policy: Policy) -> str | None:
    """Say why a directory could never be followed by another one, or None."""
    if new.holding(policy.vouchers):
        return None
    return f"grants: nobody active would be {' or '.join(policy.vouchers)}, so no directory could follow this one"


def _is_less(after: Person, before: Person) -> bool:
    held = {"grants", "active", "asks", "cost_centres", "service"}
    if after.model_dump(exclude=held) != before.model_dump(exclude=held):
        return False
    if (after.active and not before.active) or (after.asks and not before.asks) or (before.service > after.service):
        return False
    asks_there = _asks_within(after.cost_centres, before.cost_centres)
    return asks_there and all(any(_within(one, other) for other in before.grants) for one in after.grants)


def _asks_within(after: Collection[str], before: Collection[str]) -> bool:
    """Say whether somebody may ask nowhere but where they might: who names no cost centre asks for every one."""
    return not before or bool(after and set(after) <= set(before))


def _within(one: Grant, other: Grant) -> bool:
    """Say whether one grant lets somebody do no more than another."""
    where = EVERYWHERE in other.cost_centres or set(one.cost_centres) <= set(other.cost_centres)
    if other.limit is None:
        return one.role == other.role and where
    if one.limit is None or one.limit.currency != other.limit.currency:
        return False
    return one.role == other.role and where and one.limit.amount <= other.limit.amount


def _changes(before: Person, after: Person) -> list[str]:
    told = []
    if before.active != after.active:
        told.append("is active again" if after.active else "has left")
    if before.service != after.service:
        told.append("is a service account" if after.service else "is no service account any more")
    told += [f"gains {_granted(one)}" for one in after.grants if one not in before.grants]
    told += [f"loses {_granted(one)}" for one in before.grants if one not in after.grants]
    if (before.slack_team, before.slack_user) != (after.slack_team, after.slack_user):
        told.append(f"is {after.slack_user or 'nobody'} in Slack, not {before.slack_user or 'nobody'}")
    if before.cost_centres != after.cost_centres:
        told.append(f"may ask for {', '.join(after.cost_centres) or 'every cost centre'}")
    if before.asks != after.asks:
        told.append("may ask" if after.asks else "may not ask")
    for name in (x for x in Person.model_fields if x not in OWN_WORDS):
        was, is_now = getattr(before, name), getattr(after, name)
        told += [f"{name}: {_said(name, was)} → {_said(name, is_now)}"] if was != is_now else []
    return told


def _by_place(one: Person, directory: Directory) -> list[str]:
    """Tell of somebody new up to how much they approve by where they stand, if they stand above anybody or anything."""
    owns = [f"answers for {', '.join(one.owns)}"] if one.owns else []
    if not owns and all(other.manager != one.id for other in directory.people):
        return []
    amount = f"up to {one.manager_limit}" if one.manager_limit else "any amount"
    return [*owns, f"approves {amount} as a manager or an owner"]


def _said(name: str, value: object) -> str:
    """Print a field; no limit is any amount, and never none."""
    if isinstance(value, tuple):
        value = ", ".join(value)
    return str(value or ("any amount" if name == "manager_limit" else "none"))


def _granted(grant: Grant) -> str:
    where = "everywhere" if EVERYWHERE in grant.cost_centres else f"of {', '.join(grant.cost_centres)}"
    return f"{grant.role} {where}{f', up to {grant.limit}' if grant.limit else ''}"
