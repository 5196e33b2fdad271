"""The morning as data: who asks for what by which door, who answers what, and how each case must end."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Literal, Self

from pydantic import Field, model_validator

from blocks.records.base import Record
from blocks.records.people import Role

Door = Literal["event", "file", "slack", "dashboard", "command"]
Ending = Literal["filled", "ordered", "refused", "rejected", "quarantined"]


class Act(Record):
    """What one person does about a card, and for a question what the requester answers."""

    role: Role
    by: str
    does: Literal["approve", "reject", "ask"]
    says: str = ""
    answered: str = ""
    passkey: bool = Field(default=False, description="Whether policy lets them confirm it with a passkey")


class Expected(Record):
    """How a case must end; *because* and *asked* are words that its reason and its cards must hold."""

    outcome: Ending
    because: str
    asked: str = ""


class Part(Record):
    """One requisition of the morning; `after` names the one that must have ended before it is handed in."""

    name: str
    title: str
    door: Door
    fields: dict[str, str | int]
    file: str = ""
    after: str = ""
    acts: tuple[Act, ...] = ()
    expected: Expected

    @property
    def requester(self) -> str:
        """Who asks."""
        return str(self.fields["requester"])

    @property
    def approvals(self) -> list[tuple[str, str]]:
        """Who decides what, in order."""
        return [(act.by, act.does) for act in self.acts if act.does != "ask"]


class SheetFile(Record):
    """A file of the morning, and how it is encoded."""

    name: str
    encoding: str


class Morning(Record):
    """All of it."""

    files: tuple[SheetFile, ...] = ()
    cases: tuple[Part, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        names, sheets = {part.name for part in self.cases}, {sheet.name for sheet in self.files}
        for part in self.cases:
            if part.after and part.after not in names:
                raise ValueError(f"{part.name} comes after {part.after}, which is not there")
            if part.door == "file" and part.file not in sheets:
                raise ValueError(f"{part.name} is a row of {part.file}, which is not there")
        return self

    def rows(self, sheet: str) -> Iterator[Part]:
        """List the rows of a file."""
        return (part for part in self.cases if part.file == sheet)


def morning() -> Morning:
    """Read the small hospital's morning."""
    text = files("infrastructure.local.hospital").joinpath("morning.json").read_bytes()
    return Morning.model_validate_json(text)
