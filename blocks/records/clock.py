"""The clock of policy: when people are at work, and what happens while nobody answers."""

from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from blocks.records.base import Record
from blocks.records.people import Role

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = DAYS[:5]
HOURS_MAX = 500
"""The longest that anything here may take: a quarter of a year of office hours."""
SHIFT_MIN, DAY_MIN = 60, 24 * 60


class Shift(Record):
    """Hours at which people are at work, by the hospital's own time. One that closes no later ends the next day."""

    days: tuple[Day, ...] = Field(default=WORKDAYS, min_length=1, description="On which it begins")
    opens: time = time(8)
    closes: time = time(17)

    @model_validator(mode="after")
    def _is_local_and_no_moment(self) -> Self:
        if self.opens.tzinfo or self.closes.tzinfo:
            message = "shifts are told in the hospital's own time, without a zone: 08:00"
            raise ValueError(message)
        opens, closes = (one.hour * 60 + one.minute for one in (self.opens, self.closes))
        if (closes - opens) % DAY_MIN in range(1, SHIFT_MIN):
            message = f"a shift from {self.opens:%H:%M} to {self.closes:%H:%M} is shorter than an hour"
            raise ValueError(message)
        return self


class Calendar(Record):
    """The days and hours that count. Which days are public holidays is known by country and subdivision."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="ISO 3166-1 code, e.g. US; None: no public holidays"
    )
    subdivision: str | None = Field(default=None, description="ISO 3166-2 code within the country, e.g. IL")
    works_on: tuple[str, ...] = Field(default=(), description="Public holidays, by name, that are workdays here")
    closed_on: tuple[date, ...] = Field(default=(), description="Days that are none, beside the public holidays")
    shifts: tuple[Shift, ...] = Field(default=(Shift(),), min_length=1)

    def reason_unknown(self) -> str | None:
        """Say why the holidays of such a place are not known, or None where they are."""
        if self.country is None:
            return None
        from holidays import list_supported_countries  # it takes a third of a second

        known = list_supported_countries()
        if self.country not in known:
            return f"country: no public holidays are known for {self.country}"
        if self.subdivision is not None and self.subdivision not in known[self.country]:
            return f"subdivision: {self.country} has none called {self.subdivision}"
        return None


class Clock(Record):
    """How long an answer may take, in business hours, and what happens then. Nothing is ever approved by time."""

    calendar: Calendar = Calendar()
    due_hours: int = Field(default=9, ge=1, le=HOURS_MAX, description="Until an answer is due")
    remind_every_hours: int | None = Field(
        default=9, ge=1, le=HOURS_MAX, description="Who may decide is reminded so often; None: never"
    )
    escalate_after_hours: int | None = Field(
        default=None, ge=1, le=HOURS_MAX, description="Until somebody above may decide as well; None: never"
    )
    escalate_to: Literal["manager", "nobody"] | Role = Field(
        default="nobody", description="The manager of those asked, or whoever holds a role"
    )
    expire_after_days: int | None = Field(
        default=None, ge=1, le=366, description="Days of 24 hours until it counts as not approved; None: never"
    )
    pause_hours_max: int = Field(
        default=45, ge=1, le=HOURS_MAX, description="A question, or a hold, stops the clock: no longer than this"
    )

    @model_validator(mode="after")
    def _escalates_to_somebody_at_some_time(self) -> Self:
        if (self.escalate_to == "nobody") is not (self.escalate_after_hours is None):
            message = "escalate_to and escalate_after_hours: say both, or neither"
            raise ValueError(message)
        return self
