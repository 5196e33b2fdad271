"""Verifying the ledger: every chain from its first entry, and what was done to the first that is wrong.

An approval that takes a passkey is checked against the enrolled public keys: see `blocks.prover`.
What a chain alone cannot show, that its last entries or all of it were taken away, the log of heads shows:
see `blocks.heads`.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple

from pydantic import ValidationError

from blocks.errors import NotFoundError
from blocks.heads import Head, read_notes
from blocks.ledger import Ledger, entry_key
from blocks.prover import Prover
from blocks.records.ledger import GENESIS, Entry
from blocks.wire.canonical import canonical, digest, is_canonical

Fault = Literal["altered", "removed", "reordered", "inserted", "unproven"]
AT_ONCE = 16
TELLING = re.compile(
    rb'"act":"(?:asked|decided|adopted|delegated|proposed|invited|enrolled)"|"signed":[{]|"source":"cli'
)
"""What stands in an entry that may need proof; all others need not be read for it."""
REFERRED = re.compile(rb'"(?:seen|object|policy)":"([0-9a-f]{64})"')


class Finding(NamedTuple):
    """One entry or object that is not as it was written: which, what was done, and how one sees it."""

    case: str
    where: str
    fault: Fault
    because: str


class Verdict(NamedTuple):
    """What verification found. `findings` names the first wrong entry of each chain."""

    chains: int
    entries: int
    objects: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """What holds and still rests on trust: passkeys trusted on first use, acts that are claims."""

    @property
    def verified(self) -> bool:
        """Whether everything holds."""
        return not self.findings


class Text(NamedTuple):
    """An entry as stored: the number its key says, and its bytes."""

    seq: int
    data: bytes


async def verify(ledger: Ledger) -> Verdict:
    """Verify every chain, every head that was logged, and every object that an entry refers to."""
    notes = await read_notes(ledger.store)
    heads = notes.heads
    room = asyncio.Semaphore(AT_ONCE)
    found = [Finding("log", key, "altered", because) for key, because in notes.altered.items()]
    found += [Finding("log", key, "removed", because) for key, because in notes.removed.items()]
    chains, entries, prover = 0, 0, Prover(ledger)
    referred: set[str] = set()

    async def check(case: str) -> int:
        async with room:
            texts = [text async for text in read_texts(ledger, case)]
        for text in texts:
            referred.update(name.decode() for name in REFERRED.findall(text.data))
        finding = first_fault(case, texts, heads.pop(case, {}))
        found.extend([finding] if finding else await _unproven(prover, case, texts))
        return len(texts)

    cases = [case async for case, _ in ledger.cases()]
    for count in await asyncio.gather(*(check(case) for case in cases)):
        chains, entries = chains + 1, entries + count
    for case, logged in heads.items():
        found.append(Finding(case, entry_key(case, 1), "removed", f"{len(logged)} entries were logged, none is there"))
    found += [x for x in await asyncio.gather(*(_object_fault(ledger, name, room) for name in referred)) if x]
    return Verdict(chains, entries, len(referred), tuple(sorted(found)), prover.notes)


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
    entries = [Entry.model_validate_json(x.data) for x in texts if TELLING.search(x.data)]
    found = await prover.unproven(case, entries)
    return [Finding(case, entry_key(case, seq), "unproven", because) for seq, because in found]


async def _object_fault(ledger: Ledger, name: str, room: asyncio.Semaphore) -> Finding | None:
    async with room:
        try:
            data = await ledger.store.get(f"objects/{name}")
        except NotFoundError:
            return Finding("objects", f"objects/{name}", "removed", "an entry refers to it")
    if digest(data) != name:
        return Finding("objects", f"objects/{name}", "altered", "its content is not what its name says")
    return None


def to_json(verdict: Verdict) -> str:
    """Print a verdict for machines."""
    told = {**verdict._asdict(), "findings": [x._asdict() for x in verdict.findings], "verified": verdict.verified}
    return json.dumps(told)
