"""Verifying documents: each lies under the digest of what it says."""

import asyncio

from blocks.audit.finding import Finding
from blocks.errors import NotFoundError
from blocks.ledger import Ledger
from blocks.wire.canonical import digest


async def object_fault(ledger: Ledger, name: str, room: asyncio.Semaphore) -> Finding | None:
    """Say what is wrong with a document that an entry refers to, or None."""
    async with room:
        try:
            data = await ledger.store.get(f"objects/{name}")
        except NotFoundError:
            return Finding("objects", f"objects/{name}", "removed", "an entry refers to it")
    if digest(data) != name:
        return Finding("objects", f"objects/{name}", "altered", "its content is not what its name says")
    return None
