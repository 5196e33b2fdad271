"""Verifying everything that the environment names, and saying what came of it in lines for people."""

from collections.abc import Sequence

from blocks import connect
from blocks.audit.told import Told
from blocks.audit.verdict import Verdict, verify
from blocks.errors import NotFoundError, UnreadableError
from blocks.ledger import Ledger
from blocks.sealing.log import CHECKPOINT, Log
from blocks.sealing.tsa import Roots
from blocks.wire.broken import NEXT
from blocks.wire.signed_note import PublicKey
from infrastructure.commands import ledger_bucket
from infrastructure.local.stack.trouble import StackError

WHERE_THE_KEY_IS = (
    "give --key NAME+ID+KEY, or set ALMONER_LOG_FIRST_KEY. Whoever began the log published it then; it stands in every "
    "pack's about.json; on a laptop `almoner env` prints it"
)


async def verify_everything(key: str = "", heads: Sequence[Told] = ()) -> Verdict:
    """Verify chains, log, witness, time-stamps, documents and versions, as far as the environment names them.

    *key*: the log's first public key, in place of the environment's. *heads*: of which the log must be a continuation.
    """
    ledger, bucket, seen_in, roots = connect.ledger(), connect.bucket(), connect.witness_bucket(), tsa_roots()
    log = Log(ledger.store, PublicKey.parse(key)) if key else connect.log()
    verdict = await verify(
        ledger, log, connect.witnessed(), bucket=bucket, witness_bucket=seen_in, roots=roots, heads=heads
    )
    notes = (*verdict.notes, *await ledger_bucket.told_of_policies(bucket, seen_in))
    return verdict._replace(notes=notes, unlooked=log is None and await _is_signed(ledger))


async def _is_signed(ledger: Ledger) -> bool:
    try:
        await ledger.store.get(CHECKPOINT)
    except NotFoundError:
        return False
    return True


def tsa_roots() -> Roots | None:
    """Read by whom time-stamps are believed. Raises `StackError` where the file that is named is no use."""
    try:
        return connect.tsa_roots()
    except (connect.SettingError, UnreadableError) as error:
        raise StackError(f"{error}.", "Name a file of certificates (PEM), or unset it: then nobody asks.") from error


def told(verdict: Verdict) -> list[str]:
    """Say what a verdict holds: what is wrong, what rests on trust, and how far it reaches."""
    counted = (
        f"{verdict.chains} chains, {verdict.entries} entries, {verdict.objects} documents, {verdict.results} results"
    )
    return [
        *(f"✗ {finding.where} was {finding.fault}: {finding.because}" for finding in verdict.findings),
        *(f"· {note}" for note in verdict.notes),
        _concluded(verdict, counted),
        _sealed(verdict),
        *_stamped(verdict),
        _kept(verdict),
        *([NEXT] if verdict.findings else []),
    ]


def _concluded(verdict: Verdict, counted: str) -> str:
    if verdict.findings:
        return f"{counted}: {len(verdict.findings)} do not hold"
    if verdict.unlooked:
        return f"! {counted}: they agree with each other, and were NOT held against the signed log"
    return f"✓ {counted}: all as written"


def _sealed(verdict: Verdict) -> str:
    if verdict.unlooked:
        return "! its first public key is missing: " + WHERE_THE_KEY_IS
    if verdict.sealed is None:
        return "! no signed log lies here: whether the end of a chain was taken away, nothing tells"
    seen = "no witness" if verdict.witnessed is None else f"{verdict.witnessed} of them seen by the witness"
    return f"  {verdict.sealed} entries under a signed head, {seen}; {verdict.waiting} wait for the next head"


def _stamped(verdict: Verdict) -> list[str]:
    if not verdict.stamps:
        return []
    counted = "one time-stamp" if verdict.stamps == 1 else f"{verdict.stamps:,} time-stamps"
    return [f"  {counted}, the last over {verdict.stamped}" if verdict.stamped else f"  {counted}, of which none holds"]


def _kept(verdict: Verdict) -> str:
    if verdict.covers:
        return f"  a pack: what was sealed from {verdict.covers.since} to {verdict.covers.until}, and no more"
    if verdict.kept_days is None:
        return "  a folder keeps no versions: what somebody wrote over, only the log can tell"
    if not verdict.kept_days:
        return "! the bucket has no Object Lock, or no default retention yet: who may write may take away what is there"
    kept = f"kept for {verdict.kept_days:,} days (Object Lock, COMPLIANCE)"
    return f"  whatever is written is {kept}; every version was looked at"
