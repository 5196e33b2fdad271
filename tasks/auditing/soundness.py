"""How far a case holds: what of it the signed log holds, and whether its end is there. Knows no Prefect."""

import asyncio
from datetime import datetime
from typing import NamedTuple

from blocks.errors import NotFoundError
from blocks.ledger import Chain, Ledger, TamperedError, entry_key, place_of
from blocks.records.dossier import Dossier, Question, Sealed
from blocks.rulebook import Shelf
from blocks.sealing.log import Head, Log
from blocks.sealing.notes import noted_last
from blocks.sealing.witness import Witnessed
from blocks.wire.tiles import WIDTH
from tasks.auditing.dossier import dossier_of
from tasks.auditing.finding import Found
from tasks.auditing.proving import NotSealedError, digest_of, included, proof_of

BUNDLES_MAX = 64
"""How much of the log is looked through for what came after a case: 16,384 entries, of some 2,300 cases."""
NOTES_MAX = 32
"""How many of the last hour's notes are read: in a busy house those of the last half minute, in a quiet one all."""


class Rest(NamedTuple):
    """What shows of an entry that was written after the last of a chain."""

    gone: str = ""
    """How one knows of one that is gone; empty where nothing shows it."""
    whole: bool = False
    """Whether the log was looked through to its end, and holds none."""


async def held_against(
    log: Log | None, witnessed: Witnessed | None, found: Found, *, ledger: Ledger, shelf: Shelf, at: datetime
) -> Dossier:
    """Put the dossier of a case together and say how far it holds.

    Of one that has a fault it tells the entries before that the log holds. The fault is raised (`TamperedError`) where
    there are none, or no log that could tell which: the last that reads well may be the one that was altered.
    """
    chain, fault = found.chain, found.fault
    if fault:
        chain = await sealed_part(chain, log, witnessed) if log else Chain(chain.case)
        if not chain.seq:
            raise fault
    dossier = await dossier_of(chain, ledger=ledger, shelf=shelf, at=at)
    dossier = dossier.model_copy(update={"traces": found.traces})
    dossier = await under_a_head(dossier, chain, log, witnessed)
    if fault:
        told = "is its first entry" if chain.seq == 1 else f"are its first {chain.seq} entries"
        because = f"{fault.detail}; what is told here {told}, as the signed log holds them"
        return dossier.model_copy(update={"broken": because, "sealed": None})
    return await to_its_end(dossier, chain, ledger, log, at)


async def under_a_head(dossier: Dossier, chain: Chain, log: Log | None, witnessed: Witnessed | None) -> Dossier:
    """Add where in the log a case and its decisions are, and under which head; unchanged where it is under none yet.

    Where the log holds something else, that is said instead.
    """
    if log is None:
        return dossier
    try:
        proof, witness = await proof_of(chain, log, witnessed)
        placed = [await _placed(question, chain, log, proof.head) for question in dossier.questions]
    except NotSealedError:
        return dossier
    except TamperedError as error:
        return dossier.model_copy(update={"broken": error.detail})
    head = proof.head.checkpoint
    sealed = Sealed(index=proof.place, size=head.size, root=head.root.hex(), key=log.first_key.text, witness=witness)
    return dossier.model_copy(update={"questions": tuple(placed), "sealed": sealed})


async def _placed(question: Question, chain: Chain, log: Log, head: Head) -> Question:
    one = question.approver
    if one is None:
        return question
    index = (await included(log, head, chain, one.place.seq)).place
    one = one.model_copy(update={"place": one.place.model_copy(update={"index": index})})
    return question.model_copy(update={"approver": one})


async def to_its_end(dossier: Dossier, chain: Chain, ledger: Ledger, log: Log | None, at: datetime) -> Dossier:
    """Say of a case whether its end was taken away, as far as that is quickly told; after `under_a_head`."""
    if dossier.broken:
        return dossier
    sealed = dossier.sealed
    try:
        rest = await rest_of(chain, ledger, log, (sealed.index, sealed.size) if sealed else None, at)
    except TamperedError as error:
        return dossier.model_copy(update={"broken": error.detail, "sealed": None})
    if rest.gone:
        return dossier.model_copy(update={"broken": rest.gone, "sealed": None})
    sealed = sealed.model_copy(update={"last": rest.whole}) if sealed else None
    return dossier.model_copy(update={"sealed": sealed})


async def rest_of(chain: Chain, ledger: Ledger, log: Log | None, place: tuple[int, int] | None, at: datetime) -> Rest:
    """Find out whether an entry came after the last of a chain and is gone: by the log, writers' notes and the store.

    *place*: where in the log the last one is, and how many the head covers under which it was found; None: it is under
    none, and so is none after it. `TamperedError` where the log cannot be looked through.
    """
    (logged, whole), noted, stored = await asyncio.gather(
        _logged(chain, log, *place) if log and place else _under_none(),
        _noted(chain, ledger, at),
        _stored(chain, ledger),
    )
    by = {"the signed log holds": logged, "its writer, or somebody in its name, noted": noted, "there still is": stored}
    gone = chain.seq + 1
    shown = [f"{how} {'it' if seq == gone else f'entry {seq}'}" for how, seq in by.items() if seq]
    if not shown or await _is_there(chain.case, gone, ledger):  # it may have come since the chain was read
        return Rest(whole=whole and not logged)
    return Rest(f"entry {gone} was written and is gone: {', '.join(shown)}")


async def _under_none() -> tuple[int, bool]:
    return 0, False


async def _logged(chain: Chain, log: Log, index: int, size: int) -> tuple[int, bool]:
    """Look through the log from a place on; say which later entry it holds, or 0, and whether all of it was read."""
    head = await log.head()
    if head is None or head.checkpoint.size < size:
        raise TamperedError("log", f"its head covers fewer entries than the {size} of one that was believed")
    size = head.checkpoint.size
    end = min(size, (index // WIDTH + BUNDLES_MAX) * WIDTH)
    found = await log.later(chain.case, chain.seq, index + 1, end, head)
    return found.seq if found else 0, end == size


async def _noted(chain: Chain, ledger: Ledger, at: datetime) -> int:
    notes = await noted_last(ledger.store, at, NOTES_MAX)
    return min((seq for seq in notes.heads.get(chain.case, ()) if seq > chain.seq), default=0)


async def _stored(chain: Chain, ledger: Ledger) -> int:
    """Say which later entry the store still holds: one beyond a gap, which a reader of the chain takes for its end."""
    first = entry_key(chain.case, chain.seq + 1)
    async for blob in ledger.store.list(f"cases/{chain.case}/", after=first):
        if found := place_of(blob.key):
            return found[1]
    return 0


async def _is_there(case: str, seq: int, ledger: Ledger) -> bool:
    try:
        await ledger.store.get(entry_key(case, seq))
    except NotFoundError:
        return False
    return True


async def sealed_part(chain: Chain, log: Log, witnessed: Witnessed | None) -> Chain:
    """Give the longest beginning of a chain that the signed log holds; empty where it holds none.

    What lies before a fault may itself have been altered: that an entry hangs together with others proves nothing.
    """
    held, unknown = Chain(chain.case), chain.seq
    while held.seq < unknown:  # of what the log holds it holds the beginning too
        seq = (held.seq + unknown + 1) // 2
        part = Chain(chain.case, chain.entries[:seq], digest_of(chain, seq))
        try:
            await proof_of(part, log, witnessed)
        except (NotSealedError, TamperedError):
            unknown = seq - 1
        else:
            held = part
    return held
