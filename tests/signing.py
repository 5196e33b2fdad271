"""People who sign matters on our own page: a policy, a directory, a delegation, a log-in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from blocks.ledger import Ledger
from blocks.proofs.keyring import House
from blocks.proofs.passkeys import created, to_create, to_sign
from blocks.records.passkeys import Confirmation
from blocks.rulebook import Shelf
from infrastructure.doors.matters import kind_of
from infrastructure.local.demo.authenticator import Authenticator
from tasks.signing import passkeys
from tasks.signing.matters import Matter, Outcome, Where, pending, sign
from tests.hospital import MORNING

HOUSE = House.at("http://127.0.0.1:18080")


@dataclass
class Signers:
    """People with a phone each, and the ledger in which what they sign is drawn up."""

    ledger: Ledger
    now: datetime = MORNING
    phones: dict[str, Authenticator] = field(default_factory=dict)

    async def enrol(self, person: str = "frida.ng") -> Authenticator:
        """Let somebody make a passkey, by a link that nobody vouches for."""
        rulebook = await self.where().shelf.in_force(self.now)
        token = await passkeys.invite(person, "door:cli~ann", ledger=self.ledger, rulebook=rulebook, at=self.now)
        return await self.enrol_by(token, person)

    async def enrol_by(self, token: str, person: str) -> Authenticator:
        """Let somebody make a passkey by a link."""
        found = await self.guest(token)
        assert isinstance(found, passkeys.Guest), found
        return await self.create(found, person)

    async def guest(self, token: str) -> passkeys.Guest | str:
        """Follow a link to make a passkey."""
        rulebook = await self.where().shelf.in_force(self.now)
        return await passkeys.guest(token, ledger=self.ledger, rulebook=rulebook, at=self.now)

    async def create(self, found: passkeys.Guest, person: str) -> Authenticator:
        """Let whoever followed a link make a passkey, on a phone of their own."""
        phone = Authenticator(credential=f"{person}'s phone".encode())
        made = phone.create(to_create(HOUSE, found.invitation, found.person, found.theirs))
        key, rulebook = created(HOUSE, found.invitation, made, self.now), await self.where().shelf.in_force(self.now)
        await passkeys.enrol(key, found.invitation, ledger=self.ledger, rulebook=rulebook, at=self.now)
        self.phones[person] = phone
        return phone

    def where(self) -> Where:
        return Where(self.ledger, Shelf(self.ledger), self.now)

    async def pending(self, request: Confirmation) -> Matter | str:
        kind = kind_of(request.case)
        assert kind is not None, request.case
        return await pending(kind, request.case, request.nonce, self.where())

    async def sign(self, request: Confirmation, phone: Authenticator | None = None, **lies: Any) -> Outcome:
        """Let whose matter it is sign it, with their own phone unless told otherwise."""
        found, kind = await self.pending(request), kind_of(request.case)
        assert isinstance(found, Matter), found
        assert kind is not None
        holder = phone or self.phones[request.by]
        brought = holder.get(to_sign(request, found.enrolled.of(found.by.id), HOUSE), **lies)
        return await sign(kind, found, brought, self.where())
