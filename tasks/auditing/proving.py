"""Proving: which head is believed, where in its log an entry is, and an entry as it is stored. Knows no Prefect."""

from blocks.errors import NotFoundError
from blocks.ledger import Chain, Ledger, TamperedError, entry_key
from blocks.sealing.log import Head, Inclusion, Log, committed, read_head
from blocks.sealing.witness import Witnessed
from blocks.wire.canonical import canonical, digest


class NotSealedError(NotFoundError):
    """An entry is under no signed head yet: it will be within seconds, where the log is kept."""


async def believed(log: Log, witnessed: Witnessed | None) -> tuple[Head | None, str]:
    """Read the head to prove by, and the witness's key, as text: the largest that was cosigned, else the log's own."""
    seen = await witnessed.head() if witnessed else None
    if witnessed and seen and read_head(seen.note.data, await log.tenures()):
        return seen, witnessed.key.text
    return await log.head(), ""


async def included(log: Log, head: Head, chain: Chain, seq: int) -> Inclusion:
    """Prove that an entry of a chain is under a head; `NotSealedError` where it is not, or not yet.

    `TamperedError` where the log holds another entry in its place, or its tiles do not lead to the signed head.
    """
    entry, where = chain.entries[seq - 1], entry_key(chain.case, seq)
    found = await log.inclusion(chain.case, seq, since=min(line.at for line in entry.lines), head=head)
    if found is None:
        raise NotSealedError(f"entry {seq} of {chain.case} is under no signed head yet: try again in a few seconds")
    held = committed(found.leaf, found.place)
    if held.digest != digest_of(chain, seq):
        raise TamperedError("log", f"{where} is not the entry that was sealed: the log holds {held.digest[:16]}…")
    if not found.holds:
        raise TamperedError("log", f"{where} is not proven: the log's tiles do not lead to the head that was signed")
    return found


def digest_of(chain: Chain, seq: int) -> str:
    """Give the digest of an entry, as the one after it names it."""
    return chain.entries[seq].prev if seq < chain.seq else chain.head


async def proof_of(chain: Chain, log: Log, witnessed: Witnessed | None) -> tuple[Inclusion, str]:
    """Prove a chain's last entry, and by it all; with the key, as text, of the witness who cosigned the head.

    `NotSealedError` and `TamperedError` as `included`. The witness looks at the log once in a while: what is newer is
    proven under the log's own head.
    """
    head, witness = await believed(log, witnessed)
    for tried, by in ((head, witness), (await log.head(), "") if witness else (None, "")):
        try:
            if tried:
                return await included(log, tried, chain, chain.seq), by
        except NotSealedError:
            continue
    raise NotSealedError(f"{chain.case} is not all under a signed head yet: try again in a few seconds")


async def stored(chain: Chain, ledger: Ledger, upto: int) -> list[bytes]:
    """Give a chain's first entries as they are stored: printed anew, unless an older release printed them otherwise."""
    follow = (*(entry.prev for entry in chain.entries[1:]), chain.head)
    texts = [canonical(entry) for entry in chain.entries[:upto]]
    return [
        text if digest(text) == name else await ledger.store.get(entry_key(chain.case, seq))
        for seq, (text, name) in enumerate(zip(texts, follow, strict=False), 1)
    ]
