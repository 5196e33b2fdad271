"""A person with a phone on our pages: enrols a passkey, confirms with it, or forges."""

from dataclasses import dataclass, field
from typing import Any

from blocks.proofs.keyring import House
from blocks.proofs.passkeys import created, to_create, to_sign
from blocks.records.passkeys import Passkey
from blocks.records.policy import Rulebook
from blocks.rulebook import Shelf
from infrastructure.local.demo.authenticator import Authenticator
from tasks.decide import Verdicts
from tasks.signing import passkeys, stepup
from tests.hospital import Hospital

HOUSE = House.at("http://127.0.0.1:18080")
BY = "ivo.petrov"


@dataclass
class Page:
    """What a person with a phone does on our pages."""

    hospital: Hospital
    phones: dict[str, Authenticator] = field(default_factory=dict)

    async def rules(self) -> Rulebook:
        return await Shelf(self.hospital.ledger).in_force(self.hospital.now)

    async def token(self, person: str = BY) -> str:
        rulebook, ledger, at = await self.rules(), self.hospital.ledger, self.hospital.now
        return await passkeys.invite(person, "door:cli~ann", ledger=ledger, rulebook=rulebook, at=at)

    async def guest(self, token: str) -> passkeys.Guest | str:
        rulebook, ledger, at = await self.rules(), self.hospital.ledger, self.hospital.now
        return await passkeys.guest(token, ledger=ledger, rulebook=rulebook, at=at)

    async def enrol(self, person: str = BY, token: str = "", **lies: Any) -> Passkey:
        found = await self.guest(token or await self.token(person))
        assert isinstance(found, passkeys.Guest), found
        phone = Authenticator(credential=f"{person}'s {len(self.phones)}".encode())
        made = phone.create(to_create(HOUSE, found.invitation, found.person, found.theirs), **lies)
        rulebook, ledger, at = await self.rules(), self.hospital.ledger, self.hospital.now
        key = created(HOUSE, found.invitation, made, at)
        await passkeys.enrol(key, found.invitation, ledger=ledger, rulebook=rulebook, at=at)
        self.phones[person] = phone
        return key

    async def pending(self, told: Verdicts) -> stepup.Pending | str:
        assert told.request is not None, told
        rules = await self.rules()
        case, nonce = told.request.case, told.request.nonce
        return await stepup.pending(case, nonce, ledger=self.hospital.ledger, rulebook=rules, at=self.hospital.now)

    async def brought(self, told: Verdicts, phone: Authenticator | None = None, **lies: Any) -> dict[str, Any]:
        found = await self.pending(told)
        assert isinstance(found, stepup.Pending), found
        return (phone or self.phones[BY]).get(to_sign(found.request, found.enrolled.of(found.by.id), HOUSE), **lies)

    async def finish(self, told: Verdicts, brought: dict[str, Any]) -> Verdicts:
        found = await self.pending(told)
        assert isinstance(found, stepup.Pending), found
        rules, ledger = await self.rules(), self.hospital.ledger
        return await stepup.finish(found, brought, ledger=ledger, rulebook=rules, at=self.hospital.now)


async def waiting(hospital: Hospital, item: str = "KNEE-TIB-4", quantity: int = 1) -> str:
    case = await hospital.submit(item, quantity)
    assert await hospital.wake(case) is None
    return case
