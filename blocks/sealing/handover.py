"""The log's key hands over to the next: the old key says so, at one size of the tree, and the new one agrees.

The commit is the lock, written over with a head that both signed: from then on who holds the old key alone seals
nothing more. The handover itself is kept as `log/keys/<n>`; whoever knows the first key follows from one to the next.
"""

from blocks.errors import RefusedError
from blocks.ledger import Ledger
from blocks.sealing.log import Log, Tenure, handover_key, handover_text
from blocks.sealing.sealer import LOCK, Sealer
from blocks.wire.signed_note import Note, PublicKey, SecretKey, read_checkpoint, read_note


async def hand_over(ledger: Ledger, first: PublicKey, old: SecretKey, new: SecretKey) -> Tenure:
    """Hand the log over from *old* to *new*; done halfway by an earlier attempt, it is finished.

    Raises `RefusedError` where *new* carries another name, *old* does not sign now, or the lock was put back to before
    an earlier handover; `ConflictError` where somebody sealed in between: try again.
    """
    if new.name != old.name:
        raise RefusedError("log", f"name the new key {old.name}: that name is the log's")
    store, log = ledger.store, Log(ledger.store, first)
    tenures = await log.tenures()
    if tenures[-1].key == new.public:
        note = read_note((await store.look(LOCK)).data)
        if note is None or not new.public.signed(note):
            kept = handover_key(len(tenures) - 1)
            why = f"{LOCK} is of before the handover that {kept} keeps: they were put back from different moments"
            raise RefusedError("log", f"{why}; put {kept} back to the lock's too, then hand over again")
        return tenures[-1]
    if tenures[-1].key != old.public:
        raise RefusedError("log", f"the log's key is now {tenures[-1].key.text}: only that one hands over")
    held = await store.look(LOCK)
    note = read_note(held.data)
    if note is None or not new.public.signed(note):
        held = await Sealer(ledger, old).follow()
        note = read_note(held.data)
        head = read_checkpoint(note) if note else None
        if head is None:
            raise RefusedError("log", f"{LOCK} is not a signed head")
        await store.swap(LOCK, head.signed([old, new]).data, was=held.version)
    sealer = Sealer(ledger, new)
    await sealer.follow()
    text = handover_text(sealer.edge.size, new.public)
    signed = Note(text, (old.sign(text), new.sign(text)))
    await store.create(handover_key(len(tenures)), signed.data)
    return (await log.tenures())[-1]
