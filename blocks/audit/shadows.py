"""What lies over what was written once: on a bucket that keeps versions, nothing is lost when somebody writes over it.

Whoever may write can put a second version over an entry, or a delete marker. Readers are then shown the last; the first
is still there and still proves what was written, for as long as the bucket's lock holds. A folder has no versions.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from blocks.audit.finding import WITNESS, Finding
from blocks.audit.log import LogFound
from blocks.errors import NotFoundError
from blocks.ledger import TamperedError
from blocks.retention import LockedBucket, Version
from blocks.sealing.log import CHECKPOINT, SKEW, read_head
from blocks.sealing.sealer import LOCK
from blocks.sealing.witness import SEEN, Witnessed
from blocks.wire.canonical import digest
from blocks.wire.commitments import Committed

WRITTEN_OVER = frozenset({LOCK, CHECKPOINT, SEEN})
"""What is written over as it goes: each version of them is a head that was signed, and the last is the largest."""
NOT_OURS = "drop/"
"""Where other systems put files, and take them away."""
NONE = Committed()


class Heads(NamedTuple):
    """How to judge the versions of a head."""

    size: Callable[[bytes], int | None]
    """Reads how many entries a head covers; None for what nobody signed."""
    since: datetime | None = None
    """When the head that is shown was made: a larger one was written later. None: nobody knows."""


async def shadowed(bucket: LockedBucket, found: LogFound | None, findings: Collection[Finding] = ()) -> list[Finding]:
    """Name everything that was written once and has something over it; of a chain, the first entry.

    Where the log was looked at, its heads are judged too: an old one that was put back over a later is named.
    *findings*: what else was found.
    """
    if found is None:
        return await _look(bucket, NONE, {})

    def size(data: bytes) -> int | None:
        head = read_head(data, found.tenures)
        return head.checkpoint.size if head else None

    heads = Heads(size, datetime.fromisoformat(found.sealed_at) if found.sealed_at else None)
    # A log that was rewritten says of what it put in an original's place that this is what was written.
    rewritten = any(one.fault == "rewritten" for one in findings)
    return await _look(bucket, NONE if rewritten else found.committed, {LOCK: heads, CHECKPOINT: heads})


async def witness_shadowed(bucket: LockedBucket, witnessed: Witnessed, found: LogFound | None) -> list[Finding]:
    """Name what lies over what a witness saw, in the bucket of its own; a head there bears the log's signature too."""

    def size(data: bytes) -> int | None:
        head = witnessed.read(data)
        return head.checkpoint.size if head and (found is None or read_head(data, found.tenures)) else None

    try:
        since = datetime.fromtimestamp(await witnessed.at(), UTC)
    except TamperedError:
        since = None
    return [one._replace(case=WITNESS) for one in await _look(bucket, NONE, {SEEN: Heads(size, since)})]


async def _look(bucket: LockedBucket, committed: Committed, heads: Mapping[str, Heads]) -> list[Finding]:
    found = dict[str, Finding]()
    async for versions in _by_key(bucket):
        if len(versions) > 1 or versions[0].hides:
            finding = await _shadow(bucket, versions, committed, heads)
            if finding:
                place = finding.case if finding.where.startswith("cases/") else finding.where
                found.setdefault(place, finding)
    return list(found.values())


async def _by_key(bucket: LockedBucket) -> AsyncIterator[list[Version]]:
    held = list[Version]()
    async for version in bucket.versions():
        if held and held[0].key != version.key:
            yield held
            held = []
        held.append(version)
    if held:
        yield held


async def _shadow(
    bucket: LockedBucket, versions: Sequence[Version], committed: Committed, heads: Mapping[str, Heads]
) -> Finding | None:
    key, last = versions[0].key, next((one for one in versions if one.latest), versions[0])
    if key.startswith(NOT_OURS):
        return None
    real = [one for one in versions if not one.hides]  # a server lists the newest first
    if not real:
        return Finding(_case(key), key, "shadowed", "there is a delete marker, and nothing under it")
    if key in WRITTEN_OVER and not last.hides:
        return await _rolled_back(bucket, real, heads[key]) if key in heads else None
    first = real[0] if key in WRITTEN_OVER else real[-1]
    try:
        data = await bucket.read(first)
        if not last.hides and (last.id == first.id or await bucket.read(last) == data):
            return None  # a marker that was lifted, or the same bytes again: readers are shown what was written
    except NotFoundError as error:
        return Finding(_case(key), key, "shadowed", f"its first version cannot be read ({error})")
    done = "it is hidden by a delete marker" if last.hides else "a second version was put over it"
    proves = _proves(key, data, committed)
    return Finding(_case(key), key, "shadowed", f"{done} at {_at(last)}; {proves} ({first.id})")


async def _rolled_back(bucket: LockedBucket, real: Sequence[Version], heads: Heads) -> Finding | None:
    """Name a head that lies over a later one; of those before it, only what was written since it was made is read."""
    last = real[0]
    shown = heads.size(await bucket.read(last))
    for older in real[1:]:
        if shown is not None and heads.since and older.at < heads.since - SKEW:
            return None
        there = heads.size(await bucket.read(older))
        if there is not None and shown is None:
            because = f"what was put over it at {_at(last)} is no signed head; that of {there} entries is still there"
            return Finding(_case(last.key), last.key, "shadowed", f"{because} ({older.id})")
        if there is not None and shown is not None and there > shown:
            because = f"an old head, of {shown} entries, was put over it at {_at(last)}; that of {there} is still there"
            return Finding(_case(last.key), last.key, "replayed", f"{because} ({older.id})")
    return None


def _proves(key: str, data: bytes, committed: Committed) -> str:
    """Say whether the first version is what was written, as far as anything else tells."""
    known, parts = None, key.split("/")
    if key in WRITTEN_OVER:
        return "the head is still there"
    if parts[0] == "objects":
        known = parts[1]
    elif parts[0] == "cases" and key.endswith(".json"):
        seq = parts[-1].removesuffix(".json")
        known = committed.get(parts[1], int(seq)) if seq.isdecimal() else None
    if known is None:
        return "the first version is still there"
    if digest(data) == known:
        return "the first version is still there, and proves what was written"
    return "the first version there is not what was written either"


def _at(version: Version) -> str:
    return f"{version.at:%Y-%m-%d %H:%M:%S} UTC"


def _case(key: str) -> str:
    top, _, rest = key.partition("/")
    return rest.partition("/")[0] if top == "cases" else top


def told_as_shadowed(found: Sequence[Finding], shadows: Sequence[Finding]) -> list[Finding]:
    """Tell of what is shadowed that it is, instead of what a reader sees of it; all else as it was found."""
    places = {(one.case == WITNESS, one.where) for one in shadows}
    return [*(one for one in found if (one.case == WITNESS, one.where) not in places), *shadows]
