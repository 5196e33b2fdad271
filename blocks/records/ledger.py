"""What the ledger is made of: entries that hold lines, each entry naming the one before."""

from functools import cached_property
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, Field, StringConstraints

from blocks.records.base import Record
from blocks.records.passkeys import Bytes64

CaseId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")]
"""The name of a chain: a case such as `RQ-7F3K2Q9M`, or a book such as `funds~OR~2026`."""

Kind = TypeVar("Kind", bound=Record)

GENESIS = ""
"""What the first entry names as the one before."""


class Signature(Record):
    """What a session's key signed of a line: see `blocks.proofs.sessions`."""

    session: str = Field(pattern=r"^[0-9a-f]{32}$")
    signature: Bytes64


class Line(Record):
    """One act: who did what, when, about what, having seen what.

    `act` is one of: received, step, asked, posted, decided, drawn, late, question, answer, refused-click,
    intent, attempt, taken, unknown, unsent, parked, doubt, doubt-drawn, settled, outcome, held, released, spent,
    dropped, told, proposed, adopted, delegated, revoked, away, back, confirming, invited, enrolled, used, logged-in,
    logged-out, handed, added, advised, held-ask, resumed, reminded, escalated, told-waiting, withdrawn, woken,
    rerouted, forgets, forgot, opened, cancelling, reversal-asked, reversing, concluded, ended, retention-set,
    retention-applied, held-legally, hold-lifted, stamped, emergency-asked, emergency-agreed, emergency-ended,
    emergency-shown, emergency-reviewed.
    """

    act: str
    key: str = Field(default="", description="What within the case it is about: a step, an ask, an effect")
    actor: str = Field(description="person:<id>, process:<name> or door:<name>")
    at: AwareDatetime
    seen: str | None = Field(default=None, description="SHA-256 of what the actor was shown")
    policy: str | None = Field(default=None, description="SHA-256 of the policy in force")
    source: str | None = Field(default=None, description="The system that says so")
    body: dict[str, Any] = Field(default_factory=dict)
    signed: Signature | None = Field(
        default=None, exclude_if=lambda x: x is None, description="By whose session, where it was done in one"
    )

    def record(self, kind: type[Kind], name: str) -> Kind:
        """Read what the body holds under a name; what was read once is remembered. `ValidationError` as pydantic's."""
        plain = self.body[name]
        if (known := self.known.get(name)) and known[0] is plain and type(known[1]) is kind:
            return known[1]
        read = kind.model_validate(plain)
        self.known[name] = plain, read
        return read

    @cached_property
    def known(self) -> dict[str, tuple[Any, Record]]:
        """What was read of the body, with what it was read from: a copy of the line may have another body."""
        return {}


class Entry(Record):
    """One place in a chain, written once. `prev` is the SHA-256 of the entry before, as stored."""

    case: CaseId
    seq: int = Field(ge=1)
    prev: str
    lines: tuple[Line, ...] = Field(min_length=1)
