"""Verifying the ledger: every chain from its first entry, and what was done to the first that is wrong.

An approval that takes a passkey is checked against the enrolled public keys: see `blocks.proofs.prover`.
What a chain alone cannot show, that its last entries or all of it were taken away, the Merkle log shows, and of the
last moments what writers noted: see `blocks.audit.log` and `blocks.sealing.notes`.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError

from blocks.audit.finding import Finding
from blocks.audit.log import LogFound, audit_log
from blocks.audit.notes import gone, harmed, told_otherwise
from blocks.audit.objects import object_fault
from blocks.audit.scope import Scope
from blocks.audit.shadows import shadowed, told_as_shadowed, witness_shadowed
from blocks.audit.stamps import Stamps, audit_stamps, stamps_of
from blocks.audit.told import Told, audit_told, told_of
from blocks.ledger import Ledger, entry_key
from blocks.proofs.prover import Prover
from blocks.records.ledger import GENESIS, Entry
from blocks.retention import LockedBucket
from blocks.sealing.log import Log
from blocks.sealing.notes import Head, read_notes
from blocks.sealing.tsa import Roots
from blocks.sealing.witness import Witnessed
from blocks.wire.canonical import canonical, digest, is_canonical

LATE = timedelta(seconds=60)
"""An entry that is so old and under no signed head is a finding; usually it takes two seconds."""
NOTED_SINCE = timedelta(hours=1)
"""Of notes older than the last sealed entry by so much everything is in the log."""
AT_ONCE = 16
TELLING = re.compile(
    rb'"act":"(?:asked|escalated|decided|settled|adopted|delegated|proposed|invited|enrolled|withdrawn|emergency-[a-z]+|revers[a-z-]+)"'
    rb'|"signed":[{]|"source":"cli'
)
"""What stands in an entry that may need proof; all others need not be read for it."""
VOUCHED = re.compile(rb'"act":"(?:settled|revers)')
"""What nobody may say of what they asked for themselves."""
RESULT = re.compile(r"results/[^/]+/([^/]+)/(\d+)~([0-9a-f]{64})\.json")
"""Where a result lies: see `tasks.results`."""
REFERRED = re.compile(rb'"(?:seen|object|policy)":"([0-9a-f]{64})"')


class Verdict(NamedTuple):
    """What verification found. `findings` names the first wrong entry of each chain."""

    chains: int
    entries: int
    objects: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """What holds and still rests on trust: passkeys trusted on first use, acts that are claims."""
    sealed: int | None = None
    """Entries under the log's signed head; None where the log was not looked at."""
    waiting: int = 0
    """Entries of the last moments, not yet under a head."""
    witnessed: int | None = None
    """Entries under the largest head that the witness cosigned; None where there is none."""
    stamps: int = 0
    """Time-stamps of signed heads."""
    stamped: str = ""
    """Up to how many entries, when and by whom the last was given; empty where none holds."""
    covers: Scope | None = None
    """Of which period this is, where it is a pack and not a whole ledger."""
    results: int = 0
    """Results of cases that ended, each of which names an entry of its case."""
    kept_days: int | None = None
    """For how long the bucket keeps whatever is written to it; 0: it promises nothing; None: it was not looked at."""

    unlooked: bool = False
    """Whether a signed log lies there, and nobody gave the key to look at it by."""

    @property
    def verified(self) -> bool:
        """Whether everything was looked at, and holds."""
        return not self.findings and not self.unlooked


class Text(NamedTuple):
    """An entry as stored: the number its key says, and its bytes."""

    seq: int
    data: bytes


async def verify(  # noqa: PLR0913  each is what somebody who verifies may have, or not
    ledger: Ledger,
    log: Log | None = None,
    witnessed: Witnessed | None = None,
    *,
    bucket: LockedBucket | None = None,
    witness_bucket: LockedBucket | None = None,
    roots: Roots | None = None,
    scope: Scope | None = None,
    heads: Sequence[Told] = (),
    now: datetime | None = None,
) -> Verdict:
    """Verify every chain, the log over them as far as its key is known, and every object that an entry refers to.

    *bucket*, *witness_bucket*: where ledger and witness keep versions, so that what was put over an entry or a head can
    be told from what was taken away. *roots*: whom one believes what time it was. *scope*: of which period the ledger
    is, where it is a pack. *heads*: which the log must continue, beside those that the ledger says were told.
    """
    began = now or datetime.now(UTC)  # what is written while this goes on is not late
    seen = await stamps_of(ledger)
    told = [*heads, *([] if scope else await told_of(ledger))]
    sizes = [*(one.size for one in seen.kept), *(one.size for one in told if one.size)]
    found = await audit_log(log, witnessed, sizes=sizes, scope=scope, now=began) if log else None
    verdict = await _Audit(ledger, found, began, now, scope).verdict()
    if found:
        verdict = verdict._replace(findings=(*verdict.findings, *audit_told(told, found)))
        verdict = _with_stamps(verdict, audit_stamps(seen, found, roots))
    shadows = await shadowed(bucket, found, verdict.findings) if bucket else []
    if witness_bucket and witnessed:
        shadows += await witness_shadowed(witness_bucket, witnessed, found)
    findings = tuple(sorted(set(told_as_shadowed(verdict.findings, shadows)), key=lambda one: one.rank))
    if bucket is None:
        return verdict._replace(findings=findings)
    lock = await bucket.lock()
    return verdict._replace(findings=findings, kept_days=lock.days if lock else 0)


def _with_stamps(verdict: Verdict, stamps: Stamps) -> Verdict:
    findings, notes = tuple(sorted({*verdict.findings, *stamps.findings})), (*verdict.notes, *stamps.notes)
    return verdict._replace(findings=findings, notes=notes, stamps=stamps.kept, stamped=stamps.told)


class _Audit:
    def __init__(
        self, ledger: Ledger, found: LogFound | None, began: datetime, given: datetime | None, scope: Scope | None
    ) -> None:
        self.ledger, self.log, self.now, self.given, self.scope = ledger, found, began, given, scope
        self.room, self.prover = asyncio.Semaphore(AT_ONCE), Prover(ledger)
        self.found = list(found.findings) if found else []
        self.referred: set[str] = set()
        self.disputed: dict[str, set[int]] = {}
        self.waiting = 0
        self.results: dict[str, list[tuple[str, int, str]]] = {}

    async def verdict(self) -> Verdict:
        """Verify, the log first."""
        sealed_at = datetime.fromisoformat(self.log.sealed_at) if self.log and self.log.sealed_at else None
        since = min(sealed_at, self.now) - NOTED_SINCE if sealed_at else None  # a sealer's clock may have been ahead
        notes = await read_notes(self.ledger.store, since=since)
        self.disputed = notes.disputed
        self.found += harmed(notes)
        results = await self._list_results()  # before the chains, which have what these name by then
        cases = [case async for case, _ in self.ledger.cases()]
        counts = await asyncio.gather(*(self._check(case, notes.heads.get(case, {})) for case in cases))
        logged_cases = (self.log.demanded if self.scope else self.log.committed.cases()) if self.log else ()
        known = {*notes.heads, *logged_cases}
        for case in known - set(cases):
            self.found.append(
                gone(case, len(self._logged(case, notes.heads.get(case, {}))), sealed=case in logged_cases)
            )
        names = sorted(self.referred)
        self.found += [x for x in await asyncio.gather(*(object_fault(self.ledger, x, self.room) for x in names)) if x]
        sealed, witnessed = (self.log.size, self.log.witnessed) if self.log else (None, None)
        told = tuple(sorted(set(self.found)))
        trusting = self.prover.notes
        verdict = Verdict(len(cases), sum(counts), len(names), told, trusting, sealed, self.waiting, witnessed)
        return verdict._replace(covers=self.scope, results=results)

    async def _check(self, case: str, noted: dict[int, Head]) -> int:
        async with self.room:
            texts = [text async for text in read_texts(self.ledger, case)]
        for text in texts:
            self.referred.update(name.decode() for name in REFERRED.findall(text.data))
        self.found += told_otherwise(case, noted, self.disputed.get(case, ()), self.log and self.log.committed)
        logged = self._logged(case, noted)
        if self.scope and self.log:  # of what came after the period, nothing must be there
            upto = max(len(texts), self.log.demanded.get(case, 0))
            logged = {seq: head for seq, head in logged.items() if seq <= upto}
        finding = first_fault(case, texts, logged) or self._unsealed(case, texts, noted)
        finding = finding or self._result_of_another(case, texts)
        self.found.extend([finding] if finding else await _unproven(self.prover, case, texts))
        return len(texts)

    async def _list_results(self) -> int:
        """Note which entry of its case each result names; how many there are."""
        count = 0
        async for blob in self.ledger.store.list("results/"):
            if named := RESULT.fullmatch(blob.key):
                self.results.setdefault(named[1], []).append((blob.key, int(named[2]), named[3]))
                count += 1
        return count

    def _result_of_another(self, case: str, texts: list[Text]) -> Finding | None:
        """Name a result that tells of an entry which the case does not have."""
        for key, seq, head in self.results.get(case, ()):
            if not 0 < seq <= len(texts) or digest(texts[seq - 1].data) != head:
                return Finding(case, key, "inserted", f"it tells the case up to an entry {seq} that is not there")
        return None

    def _logged(self, case: str, noted: dict[int, Head]) -> dict[int, Head]:
        """Give a chain's entries as the log holds them, and as they were noted since."""
        if self.log is None:
            return noted
        return noted | {seq: Head(seq, name) for seq, name in self.log.committed.of(case).items()}

    def _unsealed(self, case: str, texts: list[Text], noted: dict[int, Head]) -> Finding | None:
        """Name the first entry that should be under a signed head by now, and is not."""
        for text in texts if self.log else ():
            if self.log and self.log.committed.get(case, text.seq) is not None:
                continue
            at = max(line.at for line in Entry.model_validate_json(text.data).lines)
            if at < self.now - LATE or at > (self.given or datetime.now(UTC)) + LATE:
                where = entry_key(case, text.seq)
                if text.seq in noted:
                    return Finding(case, where, "unsealed", f"it was noted, but no signed head holds it since {at}")
                return Finding(case, where, "inserted", "no signed head holds it, and no writer noted it")
            self.waiting += 1
        return None


async def read_texts(ledger: Ledger, case: str) -> AsyncIterator[Text]:
    """Read a chain's entries as stored, in order of their keys, whatever is in them."""
    async for blob in ledger.store.list(f"cases/{case}/"):
        name = re.fullmatch(r"(\d+)\.json", blob.key.rpartition("/")[2])
        if name:
            yield Text(int(name[1]), await ledger.store.get(blob.key))


def first_fault(case: str, texts: list[Text], logged: dict[int, Head]) -> Finding | None:
    """Name the first entry of a chain that is wrong and what was done to it, or None where all hold."""
    head = GENESIS
    for place, text in enumerate(texts, 1):
        where = entry_key(case, place)
        if text.seq != place:
            return Finding(case, where, "removed", f"entry {place} is missing, {text.seq} follows {place - 1}")
        entry = read_entry(text.data)
        known = logged.get(place)
        if entry is None:
            return Finding(case, where, "altered", "it is not an entry in canonical form")
        if (entry.case, entry.seq) != (case, place):
            return Finding(case, where, "reordered", f"it says that it is entry {entry.seq} of {entry.case}")
        if known and known.digest != digest(text.data):
            if _is_next(texts[place:], entry, known):
                return Finding(case, where, "inserted", "the entry logged here comes after it")
            return Finding(case, where, "altered", "it is not the entry that was logged when it was written")
        if entry.prev != head:
            return _broken_link(case, place, texts, entry, logged)
        head = digest(text.data)
    if logged and max(logged) > len(texts):
        missing = len(texts) + 1
        return Finding(case, entry_key(case, missing), "removed", f"it was logged as written, up to {max(logged)}")
    return None


def read_entry(data: bytes) -> Entry | None:
    """Read an entry, or None where the bytes are none."""
    try:
        entry = Entry.model_validate_json(data)
    except ValidationError:
        return None
    return entry if is_canonical(data) else None


def _is_next(following: list[Text], entry: Entry, known: Head) -> bool:
    """Say whether the entry that was logged in this place comes next, as it was or under another number."""
    moved = read_entry(following[0].data) if following else None
    if moved is None:
        return False
    unmoved = moved.model_copy(update={"seq": entry.seq, "prev": entry.prev})
    return known.digest in (digest(following[0].data), digest(canonical(unmoved)))


def _broken_link(case: str, place: int, texts: list[Text], entry: Entry, logged: dict[int, Head]) -> Finding:
    """Tell an altered entry from an inserted one: the entry after an inserted one names the one before it."""
    before = entry_key(case, place - 1) if place > 1 else entry_key(case, place)
    two_back = digest(texts[place - 3].data) if place > 2 else GENESIS  # noqa: PLR2004  the entry before the last
    if place > 1 and entry.prev == two_back:
        return Finding(case, before, "inserted", f"entry {place} follows the one before it")
    if place > 1 and place - 1 in logged:
        return Finding(case, entry_key(case, place), "inserted", f"it does not follow entry {place - 1} as logged")
    return Finding(case, before, "altered", f"entry {place} names another digest for it")


async def _unproven(prover: Prover, case: str, texts: list[Text]) -> list[Finding]:
    """Name what in a sound chain takes a passkey, or a session, and is not proven by one."""
    telling = [x for x in texts if TELLING.search(x.data)]
    if telling and telling[0] is not texts[0] and any(VOUCHED.search(x.data) for x in telling):
        telling.insert(0, texts[0])  # who asked for what was bought
    entries = [Entry.model_validate_json(x.data) for x in telling]
    found = await prover.unproven(case, entries)
    return [Finding(case, entry_key(case, seq), "unproven", because) for seq, because in found]


def to_json(verdict: Verdict) -> str:
    """Print a verdict for machines."""
    told = {**verdict._asdict(), "findings": [x._asdict() for x in verdict.findings], "verified": verdict.verified}
    return json.dumps(told)
