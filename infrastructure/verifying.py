"""Verifying everything that the environment names, and saying what came of it in lines for people."""

from blocks import connect
from blocks.audit import Verdict, verify
from blocks.errors import UnreadableError
from blocks.tsa import Roots
from infrastructure.commands import ledger_bucket
from infrastructure.local.stack.trouble import StackError

NEXT = "What to do now, step by step: infrastructure/runbooks/evidence.md"


async def verify_everything() -> Verdict:
    """Verify chains, log, witness, time-stamps, documents and versions, as far as the environment names them."""
    ledger, bucket, seen_in = connect.ledger(), connect.bucket(), connect.witness_bucket()
    verdict = await verify(
        ledger, connect.log(), connect.witnessed(), bucket=bucket, witness_bucket=seen_in, roots=tsa_roots()
    )
    return verdict._replace(notes=(*verdict.notes, *await ledger_bucket.told_of_policies(bucket, seen_in)))


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
        f"✓ {counted}: all as written" if verdict.verified else f"{counted}: {len(verdict.findings)} do not hold",
        _sealed(verdict),
        *_stamped(verdict),
        _kept(verdict),
        *([NEXT] if verdict.findings else []),
    ]


def _sealed(verdict: Verdict) -> str:
    if verdict.sealed is None:
        return "! the signed log was not looked at: set ALMONER_LOG_FIRST_KEY (`almoner ledger keys` prints it)"
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
