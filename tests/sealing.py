"""A hospital whose ledger is sealed: all that was written comes under a signed head, which a witness cosigns."""

from datetime import datetime
from pathlib import Path

from blocks.ledger import Ledger
from blocks.ports import Store
from blocks.sealing.log import Log
from blocks.sealing.sealer import Sealer
from blocks.sealing.witness import Witness, Witnessed
from blocks.store import FolderStore
from blocks.wire.signed_note import COSIGNS, SecretKey
from tests.hospital import Hospital

KEY = SecretKey.made("log.example/ledger")
WITNESS = SecretKey.made("audit.example/witness", COSIGNS)


async def seal(hospital: Hospital, key: SecretKey = KEY) -> Log:
    """Put every entry of a hospital under a signed head."""
    return await sealed(hospital.ledger, hospital.now, key)


async def sealed(ledger: Ledger, at: datetime, key: SecretKey = KEY) -> Log:
    """Put every entry under a signed head of a moment."""
    sealer = Sealer(ledger, key)
    await sealer.follow()
    await sealer.sweep()
    await sealer.seal(at)
    return Log(ledger.store, KEY.public)


async def witness(hospital: Hospital, folder: Path) -> Witnessed:
    """Let the witness, whose store is a folder of its own, look at the log and cosign it."""
    return await looked_at(Log(hospital.ledger.store, KEY.public), FolderStore(folder), hospital.now)


async def looked_at(log: Log, own: Store, at: datetime) -> Witnessed:
    """Let the witness look at a log and cosign it; *own*: where it keeps what it cosigned."""
    assert await Witness(log, own, WITNESS).look(at) is None
    return Witnessed(own, WITNESS.public)
