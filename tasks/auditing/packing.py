"""Packing a period for an auditor from elsewhere: one archive that needs nothing of ours. Knows no Prefect.

The same ledger under the same head is the same bytes: names are in order, and nothing in it says when it was packed.
It is cut at the head: what was written since is in no pack yet, though the ledger goes on while it is packed.
"""

import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import IO, NamedTuple
from zoneinfo import ZoneInfo

from blocks.audit.scope import JUDGED_BY, Scope
from blocks.books import DIRECTORY, POLICY, latest
from blocks.errors import NotFoundError, UnreadableError
from blocks.history import History
from blocks.ledger import Chain, Ledger, entry_key
from blocks.proofs.sessions import chain_of
from blocks.sealing.log import CHECKPOINT, KEYS, PREFIX, Head, Log
from blocks.sealing.stamps import kept_stamps
from blocks.sealing.tsa import Roots
from blocks.sealing.witness import Witnessed
from blocks.wire.canonical import canonical, digest
from blocks.wire.commitments import moment_text, read_commitment
from blocks.wire.exported import Writer
from blocks.wire.fhir_audit import FhirWriter
from blocks.wire.ocel import OcelWriter
from blocks.wire.tiles import levels_of, tiles_of
from blocks.wire.xes import XesWriter
from tasks.auditing.exporting import Span, chains_of, export
from tasks.auditing.proving import believed, stored
from tasks.results import results_by_case

ABOUT, LEDGER, ROOTS = "about.json", "ledger", "tsa-roots.pem"
"""Where a pack says what it is, where its part of the ledger lies, and by whom its time-stamps are believed."""
REFERRED = re.compile(rb'"(?:seen|object|policy|directory|shown)":"([0-9a-f]{64})"')
DATED = (1980, 1, 1, 0, 0, 0)
"""The moment that every file of the archive bears: the earliest that the format can say."""
FORMATS: dict[str, type[Writer]] = {"ocel.json": OcelWriter, "fhir.json": FhirWriter, "xes": XesWriter}
PIECE_BYTES = 1 << 20


class Period(NamedTuple):
    """A month of the hospital, such as 2026-10: its name, from when on, until before when."""

    name: str
    since: datetime
    until: datetime

    @classmethod
    def of(cls, name: str, zone: str) -> "Period":
        """Read a month; `UnreadableError` for what is none."""
        try:
            first = date.fromisoformat(f"{name}-01")
        except ValueError:
            raise UnreadableError("period", f"{name} is no month: write it as 2026-10") from None
        following = (first + timedelta(days=32)).replace(day=1)
        here = ZoneInfo(zone)
        since, until = (datetime(x.year, x.month, 1, tzinfo=here) for x in (first, following))
        return cls(name, since, until)

    def midnights(self) -> list[datetime]:
        """List the moments at which the hospital's days of it begin."""
        first, days = self.since.date(), (self.until.date() - self.since.date()).days
        return [datetime.combine(first + timedelta(days=n), time.min, self.since.tzinfo) for n in range(days)]


class Logged(NamedTuple):
    """What is under the head: of each chain how many entries, how many sealed in time; and which must be there."""

    held: dict[str, int]
    early: dict[str, int]
    within: frozenset[str]


class Packed(NamedTuple):
    """How much went into a pack: chains, entries, documents, entries of the log, events of the period, time-stamps."""

    chains: int
    entries: int
    objects: int
    log: int
    events: int
    stamps: int = 0


class Believing(NamedTuple):
    """Whom the hospital believes beside its log: the witness, and who says what time it was."""

    witness: Witnessed | None = None
    roots: Roots | None = None


NOBODY = Believing()


class _Archive:
    """A zip whose bytes depend on what is put in alone, and which lists the SHA-256 of each file at its end."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._sums: dict[str, str] = {}

    def put(self, name: str, data: bytes) -> None:
        self._archive.writestr(_file(name), data, zipfile.ZIP_DEFLATED)
        self._sums[name] = digest(data)

    def stream(self, name: str, source: IO[bytes]) -> None:
        running = hashlib.sha256()
        with self._archive.open(_file(name), "w", force_zip64=True) as to:
            while piece := source.read(PIECE_BYTES):
                running.update(piece)
                to.write(piece)
        self._sums[name] = running.hexdigest()

    def sum_up(self) -> None:
        text = "".join(f"{name}  {file}\n" for file, name in sorted(self._sums.items()))
        self._archive.writestr(_file("SHA256SUMS"), text, zipfile.ZIP_DEFLATED)


async def pack(
    period: Period,
    out: IO[bytes],
    ledger: Ledger,
    log: Log | None,
    papers: Mapping[str, bytes],
    *,
    believing: Believing = NOBODY,
) -> Packed:
    """Write the archive of a period: entries, objects, log, keys, what was in force, exports, README, verifier.

    *papers*: what is added as it stands, by name. Without a log it holds what the chains themselves show.
    """
    head, witness = await believed(log, believing.witness) if log else (None, "")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        archive = _Archive(zipped)
        for name, data in sorted(papers.items()):
            archive.put(name, data)
        about = {"period": period.name, "since": moment_text(period.since), "until": moment_text(period.until)}
        if log and head:
            about |= {"log": log.first_key.text} | ({"witness": witness} if witness else {})
        archive.put(ABOUT, canonical(about))
        archive.put("in_force.json", canonical(await _in_force(ledger, period)))
        logged = await _put_log(archive, log, head, period) if log and head else None
        stamps = await _put_stamps(archive, ledger, head, believing.roots) if head else 0
        counted, upto = await _put_ledger(archive, ledger, logged, period)
        events = await _put_exports(archive, ledger, period, upto)
        archive.sum_up()
    return Packed(*counted, head.checkpoint.size if head else 0, events, stamps)


async def _put_log(archive: _Archive, log: Log, head: Head, period: Period) -> Logged:
    """Pack the whole published log; return what it holds of each chain."""
    size, scope = head.checkpoint.size, Scope(moment_text(period.since), moment_text(period.until))
    archive.put(f"{LEDGER}/{CHECKPOINT}", head.note.data)
    async for blob in log.store.list(KEYS):
        archive.put(f"{LEDGER}/{blob.key}", await log.store.get(blob.key))
    for level in (None, *levels_of(size)):
        for tile in tiles_of(size, level):
            archive.put(f"{LEDGER}/{PREFIX}{tile.path}", await log.read_tile(tile))
    held, early, within = dict[str, int](), dict[str, int](), set[str]()
    async for _, leaf in log.leaves(size):
        if found := read_commitment(leaf):
            held[found.case] = max(found.seq, held.get(found.case, 0))
            if found.at < scope.until:
                early[found.case] = held[found.case]
            if scope.demands(found.case, found.at):
                within.add(found.case)
    return Logged(held, early, frozenset(within))


async def _put_stamps(archive: _Archive, ledger: Ledger, head: Head, roots: Roots | None) -> int:
    """Pack the time-stamps of heads that this one continues, and by whom they are believed."""
    kept = [one for one in (await kept_stamps(ledger.store))[0] if one.size <= head.checkpoint.size]
    for one in kept:
        for key, data in ((one.note_key, one.note), (one.answer_key, one.answer)):
            if data is not None:  # the verifier names it
                archive.put(f"{LEDGER}/{key}", data)
    if kept and roots:
        archive.put(ROOTS, roots.pem)
    return len(kept)


async def _put_ledger(
    archive: _Archive, ledger: Ledger, logged: Logged | None, period: Period
) -> tuple[tuple[int, int, int], dict[str, int]]:
    """Pack each chain in which something happened, from its first entry on, its results, and what it speaks of.

    Return how many chains, entries and documents there are, and how far each chain goes.
    """
    referred, sessions, upto = set[str](), set[str](), dict[str, int]()
    results = await results_by_case(ledger)

    async def put(chain: Chain) -> None:
        upto[chain.case] = _upto(chain, logged, period)
        for entry, text in zip(chain.entries, await stored(chain, ledger, upto[chain.case]), strict=False):
            archive.put(f"{LEDGER}/{entry_key(chain.case, entry.seq)}", text)
            referred.update(name.decode() for name in REFERRED.findall(text))
            sessions.update(line.signed.session for line in entry.lines if line.signed)
        for key in (key for key, told in results.get(chain.case, ()) if told <= upto[chain.case]):
            archive.put(f"{LEDGER}/{key}", await ledger.store.get(key))

    async for chain in chains_of(ledger):
        if chain.case in JUDGED_BY or (logged and chain.case in logged.within) or _happened(chain, period, logged):
            await put(chain)
    for name in sorted({chain_of(session) for session in sessions} - set(upto)):
        await put(await ledger.read(name))
    kept = 0
    for name in sorted(referred):
        try:
            archive.put(f"{LEDGER}/objects/{name}", await ledger.store.get(f"objects/{name}"))
        except NotFoundError:
            continue  # the verifier names it
        kept += 1
    return (len(upto), sum(upto.values()), kept), upto


async def _put_exports(archive: _Archive, ledger: Ledger, period: Period, upto: Mapping[str, int]) -> int:
    events = 0
    for name, kind in FORMATS.items():
        with tempfile.TemporaryFile() as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
            events = (await export(kind(), text, ledger, Span(period.since, period.until), upto)).events
            text.flush()
            file.seek(0)
            archive.stream(f"exports/{period.name}.{name}", file)
            text.detach()
    return events


async def _in_force(ledger: Ledger, period: Period) -> list[dict[str, str]]:
    """List which policy and which directory was in force as each day began, at the hospital's midnight."""
    found, past = list[dict[str, str]](), History(ledger)
    for book in (POLICY, DIRECTORY):
        adopted = [line for line in await past.adopted(book) if line.at < period.until]
        for midnight in period.midnights():
            one, day = latest(adopted, midnight), midnight.date().isoformat()
            version = str(one.body["object"]) if one else ""
            if found and (found[-1]["what"], found[-1]["version"]) == (book, version):
                found[-1]["to"] = day
            elif one:
                told = {"by": one.actor, "adopted": moment_text(one.at), "from": day, "to": day}
                found.append({"what": book, "version": version, **told})
    return found


def _upto(chain: Chain, logged: Logged | None, period: Period) -> int:
    """Say how many of a chain's entries belong into the pack: all before the period's end that are under the head."""
    before = max((entry.seq for entry in chain.entries if any(x.at < period.until for x in entry.lines)), default=0)
    if logged is None:
        return before
    return min(chain.seq, logged.held.get(chain.case, 0), max(before, logged.early.get(chain.case, 0)))


def _happened(chain: Chain, period: Period, logged: Logged | None) -> bool:
    entries = chain.entries[: _upto(chain, logged, period)]
    return any(period.since <= line.at < period.until for entry in entries for line in entry.lines)


def _file(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, DATED)
