"""A hospital whose ledger is sealed: all that was written comes under a signed, cosigned head."""

from datetime import datetime

from blocks.log import CHECKPOINT, Log
from blocks.sealer import Sealer
from blocks.wire.signed_note import COSIGNS, Note, SecretKey, read_note
from tests.hospital import Hospital

KEY = SecretKey.made("log.example/ledger")
WITNESS = SecretKey.made("audit.example/witness", COSIGNS)


async def seal(hospital: Hospital, at: datetime | None = None) -> Log:
    """Put every entry under a head signed now, and let a witness cosign it."""
    store = hospital.ledger.store
    sealer = Sealer(hospital.ledger, KEY)
    await sealer.follow()
    await sealer.sweep()
    await sealer.seal(at or hospital.now)
    held = await store.look(CHECKPOINT)
    note = read_note(held.data)
    assert note is not None
    cosigned = Note(note.text, (*note.signatures[:1], WITNESS.cosign(note.text, int(hospital.now.timestamp()))))
    await store.swap(CHECKPOINT, cosigned.data, was=held.version)
    return Log(store, KEY.public)
