"""What lies over what was written once: on a bucket that keeps versions, nothing is lost when somebody writes over it.

Whoever may write can put a second version over an entry, or a delete marker. Readers are then shown the last; the first
is still there and still proves what was written, for as long as the bucket's lock holds. A folder has no versions.
"""

from collections.abc import AsyncIterator, Sequence

from blocks.errors import NotFoundError
from blocks.finding import Finding
from blocks.log import CHECKPOINT
from blocks.retention import LockedBucket, Version
from blocks.sealer import LOCK
from blocks.wire.canonical import digest
from blocks.wire.commitments import Committed

WRITTEN_OVER = frozenset({LOCK, CHECKPOINT})
"""What is written over as it goes: each version of them is a head that was signed."""
NOT_OURS = "drop/"
"""Where other systems put files, and take them away."""


async def shadowed(bucket: LockedBucket, committed: Committed | None) -> list[Finding]:
    """Name everything that was written once and has something over it; of a chain, the first entry."""
    found = dict[str, Finding]()
    async for versions in _by_key(bucket):
        if len(versions) > 1 or versions[0].hides:
            finding = await _shadow(bucket, versions, committed)
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


async def _shadow(bucket: LockedBucket, versions: Sequence[Version], committed: Committed | None) -> Finding | None:
    key, last = versions[0].key, next((one for one in versions if one.latest), versions[0])
    if key.startswith(NOT_OURS) or (key in WRITTEN_OVER and not last.hides):
        return None
    real = [one for one in versions if not one.hides]  # a server lists the newest first
    if not real:
        return Finding(_case(key), key, "shadowed", "there is a delete marker, and nothing under it")
    first = real[-1]
    try:
        data = await bucket.read(first)
        if not last.hides and (last.id == first.id or await bucket.read(last) == data):
            return None  # a marker that was lifted, or the same bytes again: readers are shown what was written
    except NotFoundError as error:
        return Finding(_case(key), key, "shadowed", f"its first version cannot be read ({error})")
    done = "it is hidden by a delete marker" if last.hides else "a second version was put over it"
    proves = _proves(key, data, committed)
    return Finding(_case(key), key, "shadowed", f"{done} at {last.at:%Y-%m-%d %H:%M:%S} UTC; {proves} ({first.id})")


def _proves(key: str, data: bytes, committed: Committed | None) -> str:
    """Say whether the first version is what was written, as far as anything else tells."""
    known, parts = None, key.split("/")
    if parts[0] == "objects":
        known = parts[1]
    elif parts[0] == "cases" and committed is not None and key.endswith(".json"):
        seq = parts[-1].removesuffix(".json")
        known = committed.get(parts[1], int(seq)) if seq.isdecimal() else None
    if known is None:
        return "the first version is still there"
    if digest(data) == known:
        return "the first version is still there, and proves what was written"
    return "the first version there is not what was written either"


def _case(key: str) -> str:
    top, _, rest = key.partition("/")
    return rest.partition("/")[0] if top == "cases" else top


def told_as_shadowed(found: Sequence[Finding], shadows: Sequence[Finding]) -> list[Finding]:
    """Tell of what is shadowed that it is, instead of what a reader sees of it; all else as it was found."""
    places = {one.where for one in shadows}
    return [*(one for one in found if one.where not in places), *shadows]
