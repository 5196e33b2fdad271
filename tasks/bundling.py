"""Bundling: a case's whole chain and the proof that it is in the log, in one small file. Knows no Prefect."""

from blocks.errors import NotFoundError
from blocks.keyring import PASSKEYS
from blocks.ledger import Chain, Ledger
from blocks.log import KEYS, Head, Inclusion, Log
from blocks.wire.bundle import Known, Proven, bundled
from tasks.packing import cosigned_by, stored


class NotSealedError(NotFoundError):
    """An entry is under no signed head yet: it will be within seconds, where the log is kept."""


async def bundle_of(chain: Chain, ledger: Ledger, log: Log | None, witness: str = "") -> bytes:
    """Write the proof of a case; `NotSealedError` where its last entry is not in the log yet.

    Without a log it holds what the chain itself shows, and says so.
    """
    head = await log.head() if log else None
    if log and head is None:
        raise NotSealedError("the log has no signed head yet")
    texts, signers = await stored(chain, ledger, chain.seq), await _signers(chain, ledger)
    signed = {n: (await stored(signers, ledger, n))[-1] for n in _places(chain, signers)}
    if log is None or head is None:
        return bundled(chain.case, texts, [Proven(text) for text in signed.values()])
    enrolled = [Proven(text, await _included(log, head, signers, n)) for n, text in signed.items()]
    proof = await _included(log, head, chain, chain.seq)
    handovers = [(await ledger.store.get(blob.key)).decode() async for blob in ledger.store.list(KEYS)]
    known = Known(log.first_key.text, tuple(handovers), cosigned_by(witness, head))
    return bundled(chain.case, texts, enrolled, proof=proof, known=known)


async def _included(log: Log, head: Head, chain: Chain, seq: int) -> Inclusion:
    entry = chain.entries[seq - 1]
    found = await log.inclusion(chain.case, seq, since=min(line.at for line in entry.lines), head=head)
    if found is None:
        raise NotSealedError(f"entry {seq} of {chain.case} is under no signed head yet: try again in a few seconds")
    return found


async def _signers(chain: Chain, ledger: Ledger) -> Chain:
    """Read the book of passkeys, where one signed anything in the case."""
    return await ledger.read(PASSKEYS) if _credentials(chain) else Chain(PASSKEYS)


def _credentials(chain: Chain) -> set[str]:
    decisions = (line.body["decision"] for line in chain.having("decided"))
    return {one["proof"]["credential"] for one in decisions if one.get("proof")}


def _places(chain: Chain, signers: Chain) -> list[int]:
    """List the entries of the book in which the passkeys that signed were enrolled."""
    wanted = _credentials(chain)
    return [
        entry.seq
        for entry in signers.entries
        if any(line.act == "enrolled" and line.body["passkey"]["credential"] in wanted for line in entry.lines)
    ]
