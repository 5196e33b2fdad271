"""Passkeys: whose are enrolled, what somebody confirms with one, and the proof that they did.

The secret half of a passkey never leaves the person's phone or key, so what it signed nobody else can have signed.
"""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from blocks.records.base import Record, Words
from blocks.records.purchasing import Code

Bytes64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,8192}$")]
"""Bytes as WebAuthn spells them: base64url without padding."""


class Passkey(Record):
    """One passkey of one person: the public half, where it was enrolled, and on whose invitation."""

    credential: Bytes64
    public_key: Bytes64 = Field(description="In COSE form, as the authenticator gave it")
    person: Code
    rp: str = Field(description="The name of the house that the passkey is bound to, e.g. approvals.mercy.example")
    origin: str = Field(description="The address of its pages, e.g. https://approvals.mercy.example")
    at: AwareDatetime
    by: str = Field(description="Who invited them: person:<id> or door:<name>")
    uses: int = Field(default=0, description="The authenticator's own count when it was last seen; many keep none")


class Passkeys(Record):
    """The passkeys that are enrolled, as the book of passkeys says after its entry `seq`."""

    seq: int = 0
    keys: tuple[Passkey, ...] = ()

    def find(self, credential: str) -> Passkey | None:
        """Find a passkey by its credential."""
        return next((one for one in self.keys if one.credential == credential), None)

    def of(self, person: str) -> tuple[Passkey, ...]:
        """List somebody's passkeys."""
        return tuple(one for one in self.keys if one.person == person)


class Invitation(Record):
    """A link by which one person enrols one passkey; the book keeps the digest of its token alone."""

    token: str = Field(description="SHA-256 of the token")
    person: Code
    until: AwareDatetime
    by: str


class Confirmation(Record):
    """What somebody confirms. The SHA-256 of its canonical print is what their passkey signs."""

    case: str
    ask: str
    shown: str = Field(description="SHA-256 of the ask they see")
    verdict: str
    note: Words = ""
    quantity: int | None = Field(default=None, exclude_if=lambda x: x is None, description="How many, where fewer")
    by: Code
    until: AwareDatetime
    nonce: Bytes64 = Field(description="Names the confirmation: made at random, good once")


class Proof(Record):
    """A confirmation as a passkey signed it: with the enrolled public key, anybody can check it, offline."""

    request: Confirmation
    credential: Bytes64
    client_data: Bytes64
    authenticator_data: Bytes64
    signature: Bytes64
