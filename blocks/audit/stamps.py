"""Verifying the time-stamps of signed heads: what each stamps, who signed it, and whether the log's own times fit.

A stamp bounds the log's times from both sides. What is under a stamped head was there when it was stamped, so it cannot
say that it was sealed later; what came after cannot say that it was sealed before. So whoever rewrites a log with its
stolen key cannot give it older times than the last stamp that others have.
"""

from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from blocks.audit.finding import Fault, Finding
from blocks.audit.log import LogFound
from blocks.books import FINGERPRINT
from blocks.ledger import Ledger, TamperedError, entry_key
from blocks.records.ledger import Line
from blocks.sealing.log import CHECKPOINT, SKEW, read_head
from blocks.sealing.stamps import KeptStamp, kept_stamps
from blocks.sealing.tsa import Roots, Stamp, read_stamp, reason_not_believed
from blocks.wire.canonical import digest
from blocks.wire.commitments import moment_text

UNCHECKED = "not checked: no roots given (ALMONER_TSA_ROOTS), so nobody asked who signed the time-stamps"


class Stamps(NamedTuple):
    """What was found: how many stamps there are, the last that holds and over how many entries, and what is wrong."""

    kept: int
    last: Stamp | None
    covers: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What the last one covers, when it was made and by whom; empty where none holds."""
        last = self.last
        return f"{self.covers:,} entries at {last.at:%Y-%m-%d %H:%M} UTC by {last.by}" if last else ""


class _Judged(NamedTuple):
    kept: KeptStamp
    stamp: Stamp


class Seen(NamedTuple):
    """What there is: stamps that the ledger says were taken, by name, those that are kept, and what else lies there."""

    taken: dict[str, Line]
    kept: list[KeptStamp]
    strange: list[str]


async def stamps_of(ledger: Ledger) -> Seen:
    """Read what there is: before the log is read, so that no head is older than a stamp over it."""
    try:
        taken = {line.body["stamp"]: line for line in (await ledger.read(FINGERPRINT)).having("stamped")}
    except (TamperedError, ValidationError):
        taken = {}  # named where the chains are verified
    return Seen(taken, *await kept_stamps(ledger.store))


def audit_stamps(seen: Seen, found: LogFound, roots: Roots | None) -> Stamps:
    """Verify every stamp that is kept, and every one that the ledger says was taken."""
    findings, held = _gone(seen), list[_Judged]()
    for one in seen.kept:
        line, stamp = seen.taken.get(one.name), read_stamp(one.answer or b"")
        finding = _altered(one, line.body["answer"] if line else None) or _reason(one, found, roots)
        if finding or stamp is None:
            findings.append(finding or _of(one, "altered", "it is no stamp of RFC 3161"))
        else:
            held.append(_Judged(one, stamp))
    findings += _misdated(held, found)
    last = max(held, key=lambda one: one.kept.size, default=None)
    notes = (UNCHECKED,) if seen.kept and roots is None else ()
    return Stamps(len(seen.kept), last and last.stamp, last.kept.size if last else 0, tuple(findings), notes)


def _gone(seen: Seen) -> list[Finding]:
    there, lost = {one.name for one in seen.kept}, "the ledger says that it was taken on {}"
    gone = [(name, line.key) for name, line in seen.taken.items() if name not in there]
    strange = [Finding("log", key, "inserted", "it is no time-stamp of a head") for key in seen.strange]
    return [*(Finding("log", f"{name}.tsr", "removed", lost.format(day)) for name, day in gone), *strange]


def _altered(one: KeptStamp, answered: str | None) -> Finding | None:
    if one.note is None:
        return Finding("log", one.note_key, "removed", "a time-stamp is over it")
    if digest(one.note) != one.digest:
        return Finding("log", one.note_key, "altered", "it is not what its name says")
    if answered is not None and digest(one.answer or b"") != answered:
        return _of(one, "altered", "it is not the answer that the ledger says was kept")
    return None


def _reason(one: KeptStamp, found: LogFound, roots: Roots | None) -> Finding | None:
    """Say why a stamp proves nothing of this log, or what it proves against it."""
    note = one.note or b""
    if reason := reason_not_believed(one.answer or b"", note, roots):
        return _of(one, "unproven", reason)
    head = read_head(note, found.tenures)
    if head is None or head.checkpoint.size != one.size:
        return Finding("log", one.note_key, "altered", "it is not a head that the log's key signed")
    if one.size > found.size:
        because = f"it shows {found.size} entries; a head of {one.size} was time-stamped"
        return Finding("log", CHECKPOINT, "replayed", because)
    root = found.roots.get(one.size)
    if root is not None and root != head.checkpoint.root:
        because = f"it does not continue the head of {one.size} entries that was time-stamped"
        return Finding("log", CHECKPOINT, "rewritten", because)
    return None


def _misdated(held: list[_Judged], found: LogFound) -> list[Finding]:
    """Name entries that say they were sealed after a stamp that covers them, or before one that does not."""
    findings = []
    for kept, stamp in held:
        last, following = found.placed.get(kept.size - 1), found.placed.get(kept.size)
        if last and _moment(last.at) > stamp.at + SKEW:
            because = f"it says that it was sealed at {last.at}; it was time-stamped at {moment_text(stamp.at)}"
            findings.append(Finding(last.case, entry_key(last.case, last.seq), "postdated", because))
        if following and _moment(following.at) < stamp.at - SKEW:
            because = (
                f"it says that it was sealed at {following.at}; the head time-stamped at {moment_text(stamp.at)} "
                "did not have it"
            )
            findings.append(Finding(following.case, entry_key(following.case, following.seq), "backdated", because))
    return findings


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _of(one: KeptStamp, fault: Fault, because: str) -> Finding:
    return Finding("log", one.answer_key, fault, because)
