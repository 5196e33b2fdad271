"""Verifying the log's heads: the published one and the lock, while the log may be growing."""

import asyncio

from blocks.audit.finding import Finding
from blocks.errors import NotFoundError
from blocks.ledger import TamperedError
from blocks.sealing.log import CHECKPOINT, Head, Log, Tenure, read_head
from blocks.sealing.sealer import LOCK
from blocks.wire.tiles import Tile, tiles_of

LOOKS, LOOK_EVERY_S = 5, 0.1
"""A head is published within a moment of its tiles: one looks again so often before an old one is said to be shown."""


async def current_head(log: Log, tenures: tuple[Tenure, ...], findings: list[Finding]) -> Head | None:
    """Read the published head, then the lock, which is never behind it, and ahead only for a moment."""
    published = await read_published(log, CHECKPOINT, tenures, findings)
    lock = await read_published(log, LOCK, tenures, findings)
    if published is None or lock is None:
        return published
    committed = lock.checkpoint
    for _ in range(LOOKS):
        if committed.size <= published.checkpoint.size:
            break
        if not await _is_there(log, list(tiles_of(committed.size, 0))[-1]):
            return published  # its tiles are still being written
        await asyncio.sleep(LOOK_EVERY_S)
        published = await read_published(log, CHECKPOINT, tenures, findings) or published
    shown = published.checkpoint
    if committed.size > shown.size:
        because = f"it is an old head, of {shown.size} entries; {committed.size} were published"
        findings.append(Finding("log", CHECKPOINT, "replayed", because))
    elif committed.size < shown.size and (await _lock_now(log, tenures)) < shown.size:
        because = f"it holds an old head, of {committed.size} entries; {shown.size} were published"
        findings.append(Finding("log", LOCK, "replayed", because))
    elif committed.size == shown.size and committed.root != shown.root:
        findings.append(Finding("log", CHECKPOINT, "rewritten", "the lock holds another head of the same size"))
    return published


async def _lock_now(log: Log, tenures: tuple[Tenure, ...]) -> int:
    """Say how many entries the lock holds now: it may have been read before what was published."""
    head = await read_published(log, LOCK, tenures, [])
    return head.checkpoint.size if head else 0


async def read_published(log: Log, key: str, tenures: tuple[Tenure, ...], findings: list[Finding]) -> Head | None:
    """Read a head that the log's key signed, or say why there is none."""
    try:
        found = read_head(await log.store.get(key), tenures)
    except NotFoundError:
        findings.append(Finding("log", key, "removed", "the log has no head here: it was not begun, or taken away"))
        return None
    if found is None:
        findings.append(Finding("log", key, "altered", "it is not a head that the log's key signed"))
    return found


async def _is_there(log: Log, tile: Tile) -> bool:
    try:
        await log.read_tile(tile)
    except TamperedError:
        return False
    return True
