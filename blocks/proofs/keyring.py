"""The book of passkeys: whose are enrolled, who was invited; and where our pages are. Imports no Prefect."""

import os
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from blocks.errors import UnreadableError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.records.passkeys import Invitation, Passkey, Passkeys
from blocks.records.people import Directory
from blocks.records.policy import Policy

PASSKEYS = "book~passkeys"
INVITE = "invite"
"""The verdict of who signs an invitation."""
LOOPBACK = "127.0.0.1"


class House(NamedTuple):
    """Where our pages are: what a passkey is bound to, and the address the browser must have shown."""

    rp: str
    origin: str

    @classmethod
    def at(cls, address: str) -> "House":
        """Read it from the address of the doors. Browsers keep passkeys for names alone: loopback is `localhost`."""
        where = urlsplit(address)
        name = "localhost" if where.hostname == LOOPBACK else where.hostname or ""
        port = f":{where.port}" if where.port else ""
        return cls(name, f"{where.scheme}://{name}{port}")

    @classmethod
    def here(cls) -> "House":
        """Read it from `ALMONER_DOORS_URL`; `UnreadableError` where nobody has set it."""
        if address := os.environ.get("ALMONER_DOORS_URL"):
            return cls.at(address)
        raise UnreadableError("pages", "they have no address: set ALMONER_DOORS_URL to that of the doors")


async def enrolled(ledger: Ledger, until: int | None = None) -> Passkeys:
    """Read the passkeys that are enrolled now, or were after the book's entry *until*."""
    return passkeys_of(await ledger.read(PASSKEYS), until) if until != 0 else Passkeys()


def passkeys_of(chain: Chain, until: int | None = None) -> Passkeys:
    """Fold the book of passkeys, to its end or to an entry."""
    lines = (x for entry in chain.entries[:until] for x in entry.lines)
    seq = chain.seq if until is None else min(until, chain.seq)
    return Passkeys(seq=seq, keys=tuple(keys_of(lines).values()))


def keys_of(lines: Iterable[Line]) -> dict[str, Passkey]:
    """Fold lines of the book of passkeys to those enrolled after them, by credential."""
    keys: dict[str, Passkey] = {}
    for line in lines:
        if line.act == "enrolled":
            keys[line.key] = Passkey.model_validate(line.body["passkey"])
        elif line.act == "withdrawn":
            keys.pop(line.key, None)
        elif line.act == "used" and line.key in keys:
            keys[line.key] = keys[line.key].model_copy(update={"uses": line.body["uses"]})
    return keys


def who_vouched(chain: Chain, directory: Directory, policy: Policy) -> frozenset[str]:
    """Name who was ever enrolled and vouches for people; a passkey withdrawn does not open the door again."""
    enrolled_ever = {str(line.body["passkey"]["person"]) for line in chain.having("enrolled")}
    return frozenset(who.id for who in directory.holding(policy.vouchers) if who.id in enrolled_ever)


def invitation_of(chain: Chain, token: str) -> Invitation | None:
    """Find an invitation by its token's digest, unless somebody has enrolled by it."""
    line = chain.last("invited", token)
    if line is None or any(x.body.get("invitation") == token for x in chain.having("enrolled")):
        return None
    return Invitation.model_validate(line.body["invitation"])
