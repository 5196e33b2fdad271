"""Bundling: a case's whole chain and the proof that it is in the log, in one small file. Knows no Prefect."""

from datetime import datetime

from blocks.ledger import Chain, Ledger, TamperedError
from blocks.proofs.keyring import PASSKEYS
from blocks.sealing.bundle import Known, Proven, bundled
from blocks.sealing.log import KEYS, Log
from blocks.sealing.witness import Witnessed
from tasks.auditing.proving import included, proof_of, stored
from tasks.auditing.soundness import rest_of


async def bundle_of(
    chain: Chain, ledger: Ledger, log: Log | None, witnessed: Witnessed | None = None, *, at: datetime
) -> bytes:
    """Write the proof of a case; `NotSealedError` where its last entry is not in the log yet.

    Under the head that the witness cosigned last, where that is recent enough. Without a log it holds what the chain
    itself shows, and says so. `TamperedError` where it is not what was sealed, or its end was taken away: each entry of
    what is left would be proven, and whoever checks it offline could not tell that the decision is missing.
    """
    texts, signers = await stored(chain, ledger, chain.seq), await _signers(chain, ledger)
    signed = {n: (await stored(signers, ledger, n))[-1] for n in _places(chain, signers)}
    if log is None:
        await _assert_whole(chain, ledger, None, None, at)
        return bundled(chain.case, texts, [Proven(text) for text in signed.values()])
    proof, witness = await proof_of(chain, log, witnessed)
    await _assert_whole(chain, ledger, log, (proof.place, proof.head.checkpoint.size), at)
    enrolled = [Proven(text, await included(log, proof.head, signers, n)) for n, text in signed.items()]
    handovers = [(await ledger.store.get(blob.key)).decode() async for blob in ledger.store.list(KEYS)]
    known = Known(log.first_key.text, tuple(handovers), witness)
    return bundled(chain.case, texts, enrolled, proof=proof, known=known)


async def _assert_whole(
    chain: Chain, ledger: Ledger, log: Log | None, place: tuple[int, int] | None, at: datetime
) -> None:
    rest = await rest_of(chain, ledger, log, place, at)
    if rest.gone:
        raise TamperedError("ledger", rest.gone)


async def _signers(chain: Chain, ledger: Ledger) -> Chain:
    """Read the book of passkeys, where one signed anything in the case."""
    return await ledger.read(PASSKEYS) if _credentials(chain) else Chain(PASSKEYS)


def _credentials(chain: Chain) -> set[str]:
    decisions = (line.body["decision"] for line in chain.having("decided"))
    return {one["proof"]["credential"] for one in decisions if one.get("proof")}


def _places(chain: Chain, signers: Chain) -> list[int]:
    """List the entries of the book in which the passkeys that signed were enrolled, or withdrawn."""
    wanted = _credentials(chain)
    return [
        entry.seq
        for entry in signers.entries
        if any(line.act in ("enrolled", "withdrawn") and line.key in wanted for line in entry.lines)
    ]
