"""The people of a race: several for each role, and some who may not answer; and a model of who may.

The model is a table and a dozen lines, written without the product's own rule.
"""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from blocks.ledger import Ledger
from blocks.ports import Card
from blocks.records.approval import Posted
from blocks.records.money import Money
from blocks.records.people import Delegation, Directory, Grant, Person, Role
from blocks.records.policy import Rulebook
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from infrastructure.local.hospital.__main__ import directory
from tasks.signing.people import delegate
from tests.hospital import MORNING, plain_policy

RACED: tuple[Role, ...] = ("implant-coordinator", "department-manager", "finance-director", "procurement-lead")
EACH = 4
TWO_HATS, STANDS_IN, LOW_LIMIT, LEFT, STRANGER = "two.hats", "stands.in", "low.limit", "gus.varga", "nobody.known"


class Kind(NamedTuple):
    """A requisition whose question is raced for: by whom, where, how many questions come before, and whose it is."""

    item: str
    by: str
    centre: str
    before: tuple[Role, ...]
    role: Role


KINDS = (
    Kind("KNEE-TIB-4", "rita.okafor", "OR", (), "implant-coordinator"),
    Kind("HIP-STEM-12", "rita.okafor", "OR", ("implant-coordinator",), "department-manager"),
    Kind("VENT-T1", "sam.lind", "ICU", (), "department-manager"),
    Kind("VENT-T1", "department-manager.1", "ICU", (), "department-manager"),
    Kind("VENT-T1", "sam.lind", "ICU", ("department-manager",), "finance-director"),
    Kind("KNEE-TIB-4", TWO_HATS, "OR", (), "implant-coordinator"),
)


def holders(role: Role) -> list[str]:
    """Name who holds a role everywhere, by themselves."""
    return [*(f"{role}.{n}" for n in range(EACH)), TWO_HATS]


def may(person: str, role: Role, requester: str, earlier: list[tuple[str, Role]]) -> bool:
    """Say whether an answer counts: the role is held, or lent; one did not ask, nor decide before in another role."""
    if person != STANDS_IN and person not in holders(role):
        return False
    stands_for = persons_of(person)
    if requester in stands_for:
        return False
    return not any(as_role != role and stands_for & persons_of(decider) for decider, as_role in earlier)


def persons_of(person: str) -> set[str]:
    """Name whom one counts as."""
    return {person, TWO_HATS} if person == STANDS_IN else {person}


@cache
def names() -> dict[str, str]:
    """Name everybody as they are spoken of."""
    return {person.id: person.name for person in crowd().people}


def crowd() -> Directory:
    """List the small hospital's people who hold no raced role, and the crowd."""
    usual = directory()
    rest = [x for x in usual.people if not {grant.role for grant in x.grants} & set(RACED)]
    many = [_person(name, role) for role in RACED for name in holders(role) if name != TWO_HATS]
    low = Grant(role="department-manager", limit=Money.of(100, "USD"))
    own = [_person(TWO_HATS, *RACED), _person(STANDS_IN), Person(id=LOW_LIMIT, name="Low Limit", grants=(low,))]
    return usual.model_copy(update={"people": (*rest, *many, *own)})


class Scene(NamedTuple):
    """A case that waits, as what was played before left it: its moment, its cards, and everything in the store."""

    case: str
    now: datetime
    messages: dict[Posted, Card]
    objects: dict[str, bytes]


class World(NamedTuple):
    """What every race begins with: the rulebook in force, the objects in which the ledger holds it, what was played."""

    rulebook: Rulebook
    objects: dict[str, bytes]
    scenes: dict[tuple[object, ...], Scene]


async def world() -> World:
    """Put policy and crowd in force, and let one stand in for another."""
    with TemporaryDirectory() as folder:
        ledger = Ledger(FolderStore(Path(folder)))
        for document in (plain_policy(), crowd()):
            await adopt(ledger, document, actor="door:test", at=MORNING)
        start = MORNING - timedelta(days=1)
        lent = Delegation(key="lent-1", of=TWO_HATS, to=STANDS_IN, start=start, until=start + timedelta(days=9))
        rules = await Shelf(ledger).in_force(MORNING)
        owner = rules.directory.person(TWO_HATS)
        await delegate(lent, owner, "test", ledger=ledger, rulebook=rules, at=MORNING)
        objects = {blob.key: await ledger.store.get(blob.key) async for blob in ledger.store.list("")}
        return World(await Shelf(ledger).in_force(MORNING), objects, {})


def _person(name: str, *roles: Role) -> Person:
    return Person(id=name, name=name.replace(".", " ").title(), grants=tuple(Grant(role=role) for role in roles))
