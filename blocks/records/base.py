"""What every record is."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A fact that passes between systems: frozen, closed, and JSON all the way down.

    The ledger keeps records for years, so a record may gain optional fields
    but is never renamed or moved, and loses none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")
