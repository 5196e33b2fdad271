"""People: who works here, what they may decide, how Slack knows them."""

from datetime import date
from typing import Literal

from pydantic import Field

from blocks.records.base import Record
from blocks.records.money import Money
from blocks.records.purchasing import Code

EVERYWHERE = "*"

Role = Literal[
    "department-manager",
    "implant-coordinator",
    "procurement-lead",
    "finance-director",
    "chief-financial-officer",
]


class Grant(Record):
    """A role that somebody holds, where, and up to how much."""

    role: Role
    cost_centres: tuple[str, ...] = (EVERYWHERE,)
    limit: Money | None = Field(default=None, description="Largest amount they may approve; None: any")


class Person(Record):
    """One person of the directory."""

    id: Code
    name: str
    email: str = ""
    title: str = ""
    slack_team: str = ""
    slack_user: str = ""
    active: bool = True
    manager: str | None = None
    cost_centres: tuple[str, ...] = Field(default=(), description="Where they may ask for things")
    grants: tuple[Grant, ...] = ()


class Directory(Record):
    """Everybody, as of one day."""

    entity: Code
    zone: str = Field(description="IANA time zone of the hospital, e.g. America/Chicago")
    effective_from: date
    people: tuple[Person, ...]

    def person(self, person_id: str) -> Person | None:
        """Find somebody by id."""
        return next((one for one in self.people if one.id == person_id), None)

    def by_slack(self, team: str, user: str) -> Person | None:
        """Find whom a Slack user is; the team counts, so that a guest of another workspace is nobody."""
        return next((x for x in self.people if (x.slack_team, x.slack_user) == (team, user)), None)
