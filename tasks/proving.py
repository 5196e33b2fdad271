"""Proving: which head is believed, where in its log an entry is, and an entry as it is stored. Knows no Prefect."""

from blocks.errors import NotFoundError
from blocks.ledger import Chain, Ledger, entry_key
from blocks.log import Head, Inclusion, Log, read_head
from blocks.wire.canonical import canonical, digest
from blocks.witness import Witnessed


class NotSealedError(NotFoundError):
    """An entry is under no signed head yet: it will be within seconds, where the log is kept."""


async def believed(log: Log, witnessed: Witnessed | None) -> tuple[Head | None, str]:
    """Read the head to prove by, and the witness's key, as text: the largest that was cosigned, else the log's own."""
    seen = await witnessed.head() if witnessed else None
    if witnessed and seen and read_head(seen.note.data, await log.tenures()):
        return seen, witnessed.key.text
    return await log.head(), ""


async def included(log: Log, head: Head, chain: Chain, seq: int) -> Inclusion:
    """Prove that an entry of a chain is under a head; `NotSealedError` where it is not, or not yet."""
    entry = chain.entries[seq - 1]
    found = await log.inclusion(chain.case, seq, since=min(line.at for line in entry.lines), head=head)
    if found is None:
        raise NotSealedError(f"entry {seq} of {chain.case} is under no signed head yet: try again in a few seconds")
    return found


async def proof_of(chain: Chain, log: Log, witnessed: Witnessed | None) -> tuple[Inclusion, str]:
    """Prove a chain's last entry, and by it all; with the key, as text, of the witness who cosigned the head.

    The witness looks at the log once in a while: what is newer is proven under the log's own head.
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
