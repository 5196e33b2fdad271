"""Packing a period for an auditor from elsewhere: one archive that needs nothing of ours. Knows no Prefect.

The same ledger under the same head is the same bytes: names are in order, and nothing in it says when it was packed.
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

from blocks.books import DIRECTORY, DUTIES, POLICY, latest
from blocks.errors import NotFoundError, UnreadableError
from blocks.keyring import PASSKEYS
from blocks.ledger import Chain, Ledger, entry_key
from blocks.log import CHECKPOINT, KEYS, PREFIX, Head, Log
from blocks.wire.canonical import canonical, digest
from blocks.wire.commitments import moment_text, read_commitment
from blocks.wire.exported import Writer
from blocks.wire.fhir_audit import FhirWriter
from blocks.wire.ocel import OcelWriter
from blocks.wire.tiles import levels_of, tiles_of
from blocks.wire.xes import XesWriter
from blocks.witness import Witnessed
from tasks.exporting import Span, chains_of, export
from tasks.proving import believed, stored

ALWAYS = frozenset({POLICY, DIRECTORY, DUTIES, PASSKEYS})
"""Books without which no decision can be judged: they are packed from their first entry, in every period."""
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


class Packed(NamedTuple):
    """How much went into a pack: chains, entries, documents, entries of the log, and events of the period."""

    chains: int
    entries: int
    objects: int
    log: int
    events: int


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
    witnessed: Witnessed | None = None,
) -> Packed:
    """Write the archive of a period: entries, objects, log, keys, what was in force, exports, README, verifier.

    *papers*: what is added as it stands, by name. Without a log it holds what the chains themselves show.
    """
    head, witness = await believed(log, witnessed) if log else (None, "")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        archive = _Archive(zipped)
        for name, data in sorted(papers.items()):
            archive.put(name, data)
        about = {"period": period.name, "since": moment_text(period.since), "until": moment_text(period.until)}
        if log and head:
            about |= {"log": log.first_key.text} | ({"witness": witness} if witness else {})
        archive.put("about.json", canonical(about))
        archive.put("in_force.json", canonical(await _in_force(ledger, period)))
        within = await _put_log(archive, log, head, period) if log and head else {}
        chains, entries, objects = await _put_ledger(archive, ledger, within, period)
        events = await _put_exports(archive, ledger, period)
        archive.sum_up()
    return Packed(chains, entries, objects, head.checkpoint.size if head else 0, events)


async def _put_log(archive: _Archive, log: Log, head: Head, period: Period) -> dict[str, int]:
    """Pack the whole published log; return how far each chain was sequenced within the period."""
    size, since, until = head.checkpoint.size, moment_text(period.since), moment_text(period.until)
    archive.put(f"ledger/{CHECKPOINT}", head.note.data)
    async for blob in log.store.list(KEYS):
        archive.put(f"ledger/{blob.key}", await log.store.get(blob.key))
    for level in (None, *levels_of(size)):
        for tile in tiles_of(size, level):
            archive.put(f"ledger/{PREFIX}{tile.path}", await log.read_tile(tile))
    within: dict[str, int] = {}
    async for _, leaf in log.leaves(size):
        found = read_commitment(leaf)
        if found and since <= found.at < until:
            within[found.case] = max(found.seq, within.get(found.case, 0))
    return within


async def _put_ledger(
    archive: _Archive, ledger: Ledger, within: dict[str, int], period: Period
) -> tuple[int, int, int]:
    """Pack each chain in which something happened, from its first entry on, and the documents it speaks of."""
    referred: set[str] = set()
    chains = entries = 0
    async for chain in chains_of(ledger):
        upto = max(within.get(chain.case, 0), _before(chain, period.until))
        if not (chain.case in ALWAYS or chain.case in within or _happened(chain, period)):
            continue
        for entry, text in zip(chain.entries[:upto], await stored(chain, ledger, upto), strict=True):
            archive.put(f"ledger/{entry_key(chain.case, entry.seq)}", text)
            referred.update(name.decode() for name in REFERRED.findall(text))
        chains, entries = chains + 1, entries + upto
    kept = 0
    for name in sorted(referred):
        try:
            archive.put(f"ledger/objects/{name}", await ledger.store.get(f"objects/{name}"))
        except NotFoundError:
            continue  # the verifier names it
        kept += 1
    return chains, entries, kept


async def _put_exports(archive: _Archive, ledger: Ledger, period: Period) -> int:
    events = 0
    for name, kind in FORMATS.items():
        with tempfile.TemporaryFile() as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
            events = (await export(kind(), text, ledger, Span(period.since, period.until))).events
            text.flush()
            file.seek(0)
            archive.stream(f"exports/{period.name}.{name}", file)
            text.detach()
    return events


async def _in_force(ledger: Ledger, period: Period) -> list[dict[str, str]]:
    """List which policy and which directory was in force as each day began, at the hospital's midnight."""
    found: list[dict[str, str]] = []
    for book in (POLICY, DIRECTORY):
        adopted = [line for line in (await ledger.read(book)).having("adopted") if line.at < period.until]
        for midnight in period.midnights():
            one, day = latest(adopted, midnight), midnight.date().isoformat()
            version = str(one.body["object"]) if one else ""
            if found and (found[-1]["what"], found[-1]["version"]) == (book, version):
                found[-1]["to"] = day
            elif one:
                told = {"by": one.actor, "adopted": moment_text(one.at), "from": day, "to": day}
                found.append({"what": book, "version": version, **told})
    return found


def _before(chain: Chain, until: datetime) -> int:
    return max((entry.seq for entry in chain.entries if any(x.at < until for x in entry.lines)), default=0)


def _happened(chain: Chain, period: Period) -> bool:
    return any(period.since <= line.at < period.until for line in chain.lines)


def _file(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, DATED)
