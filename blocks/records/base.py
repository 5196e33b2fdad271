"""What every record is, and what its fields may hold."""

from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Secret

T = TypeVar("T")


class Phi(Secret[T]):
    """Protected health information. It prints as nothing, whoever prints it; what opens it is the vault's alone."""

    def _display(self) -> str:
        return "withheld"


TYPED: Final = "typed by a person"
Words = Annotated[str, TYPED]
"""What a person types in their own words: looked through for patients before it is kept, and never logged."""


class Record(BaseModel):
    """A fact that passes between systems: frozen, closed, and JSON all the way down.

    The ledger keeps records for years, so a record may gain optional fields
    but is never renamed or moved, and loses none.
    """

    # Built when first used: of eighty kinds of records a door, or a command, needs a dozen.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)
