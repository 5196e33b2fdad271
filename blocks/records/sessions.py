"""Sessions: a person's log-in at the command line, as their passkey signs it."""

from pydantic import AwareDatetime, Field

from blocks.records.base import Record
from blocks.records.passkeys import Bytes64
from blocks.records.purchasing import Code


class Session(Record):
    """Whose acts a key signs, from when until when. The secret half stays where the person logged in."""

    id: str = Field(pattern=r"^[0-9a-f]{32}$", description="The first half of the key's SHA-256, so it names one key")
    person: Code
    public_key: Bytes64 = Field(description="Ed25519, 32 bytes")
    device: str = Field(max_length=120, description="Where they say they sit, e.g. frida@frida-laptop")
    start: AwareDatetime
    until: AwareDatetime
