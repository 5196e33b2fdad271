"""A hospital whose ledger is sealed: all that was written comes under a signed head, which a witness cosigns."""

from pathlib import Path

from blocks.log import Log
from blocks.sealer import Sealer
from blocks.store import FolderStore
from blocks.wire.signed_note import COSIGNS, SecretKey
from blocks.witness import Witness, Witnessed
from tests.hospital import Hospital

KEY = SecretKey.made("log.example/ledger")
WITNESS = SecretKey.made("audit.example/witness", COSIGNS)


async def seal(hospital: Hospital, key: SecretKey = KEY) -> Log:
    """Put every entry under a signed head."""
    sealer = Sealer(hospital.ledger, key)
    await sealer.follow()
    await sealer.sweep()
    await sealer.seal(hospital.now)
    return Log(hospital.ledger.store, KEY.public)


async def witness(hospital: Hospital, folder: Path) -> Witnessed:
    """Let the witness, whose store is a folder of its own, look at the log and cosign it."""
    own, log = FolderStore(folder), Log(hospital.ledger.store, KEY.public)
    assert await Witness(log, own, WITNESS).look(hospital.now) is None
    return Witnessed(own, WITNESS.public)
