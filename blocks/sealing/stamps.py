"""Time-stamps of signed heads, kept beside them: what was stamped, and what the authority answered.

    log/stamps/<size>-<digest>.note     the signed head, as it was stamped; its SHA-256 is the digest
    log/stamps/<size>-<digest>.tsr      the authority's answer (RFC 3161, DER)

Each is created where nothing is, and never written over. `book~fingerprint` says which was taken on which day.
"""

import asyncio
import re
from typing import NamedTuple

from blocks.errors import ConflictError, NotFoundError
from blocks.ports import Store
from blocks.sealing.log import PREFIX, Head
from blocks.wire.canonical import digest

STAMPS = f"{PREFIX}stamps/"
NAME = re.compile(rf"{STAMPS}(\d{{12}})-([0-9a-f]{{64}})\.(note|tsr)")
AT_ONCE = 16


class KeptStamp(NamedTuple):
    """A head that was stamped, of how many entries, and the answer; None for what is not there any more."""

    name: str
    size: int
    digest: str
    note: bytes | None
    answer: bytes | None

    @property
    def answer_key(self) -> str:
        """Where the answer lies."""
        return f"{self.name}.tsr"

    @property
    def note_key(self) -> str:
        """Where what was stamped lies."""
        return f"{self.name}.note"


def stamp_name(head: Head) -> str:
    """Name the stamp of a head: by its size and its digest."""
    return f"{STAMPS}{head.checkpoint.size:012}-{digest(head.note.data)}"


async def keep_stamp(store: Store, head: Head, answer: bytes) -> KeptStamp:
    """Keep a stamp; of two that were asked for at once, the one that was first. The note comes before its answer."""
    name = stamp_name(head)
    kept = KeptStamp(name, head.checkpoint.size, digest(head.note.data), head.note.data, answer)
    await store.create(kept.note_key, head.note.data)
    try:
        await store.create(kept.answer_key, answer)
    except ConflictError:
        return kept._replace(answer=await store.get(kept.answer_key))
    return kept


async def kept_stamps(store: Store) -> tuple[list[KeptStamp], list[str]]:
    """Read all stamps, smallest head first, and list what lies among them and is none. A note alone is no stamp yet."""
    keys = [blob.key async for blob in store.list(STAMPS)]
    names = sorted({key.rpartition(".")[0] for key in keys if NAME.fullmatch(key) and key.endswith(".tsr")})
    room = asyncio.Semaphore(AT_ONCE)

    async def read(key: str) -> bytes | None:
        async with room:
            try:
                return await store.get(key)
            except NotFoundError:
                return None

    async def kept(name: str) -> KeptStamp:
        size, _, found = name.removeprefix(STAMPS).partition("-")
        return KeptStamp(name, int(size), found, await read(f"{name}.note"), await read(f"{name}.tsr"))

    return list(await asyncio.gather(*map(kept, names))), [key for key in keys if not NAME.fullmatch(key)]
