"""Sequencing the Merkle log without a database: what writers noted goes under a new signed head.

1. The new entries are staged: `log/staging/<size>-<root>`.
2. The signed head in `log/lock` is written over, if it is still the one that was read. That is the commit: of many who
   seal at once exactly one wins, and the others follow.
3. Tiles and bundles are created; then the head is published as `log/checkpoint`.

Killed between any two of these, whoever comes next finishes what the lock says from what was staged. So any process
may seal, and several may. What is new, `blocks.sealing.unsealed` knows. An entry is known by case and number: it is
sequenced once, whoever tells of it.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from blocks.errors import ConflictError, NotFoundError
from blocks.ledger import Ledger, TamperedError
from blocks.ports import Held
from blocks.sealing.log import CHECKPOINT, KEYS, PREFIX, TILES, Log, committed
from blocks.sealing.unsealed import Key, Unsealed
from blocks.wire.commitments import Commitment, Committed, moment_text
from blocks.wire.signed_note import Checkpoint, Note, SecretKey, read_checkpoint, read_note
from blocks.wire.tiles import Edge, bundled, grown, unbundled

logger = logging.getLogger("almoner.sealer")
LOCK = f"{PREFIX}lock"
STAGING = f"{PREFIX}staging/"
CLOCK_OFF = timedelta(seconds=5)
"""So far a sealer's clock may be from the store's."""
ROUND_MAX = 5_000
READ_AT_ONCE = 4096
NO_MORE = "nothing more is sealed"


class HandedOverError(TamperedError):
    """The log is signed by another key than ours: it was handed over, or somebody else signs."""


@dataclass
class Sealer:
    """Puts entries under signed heads. Its memory is what the log holds, read once and followed since."""

    ledger: Ledger
    key: SecretKey
    by_store: bool = False
    """Whether the store's clock counts, as it does wherever clocks are real: then what is sealed is dated by it."""
    edge: Edge = field(default_factory=Edge)
    known: Committed = field(default_factory=Committed)
    _ahead: timedelta = timedelta()
    """How far the store's clock is ahead of ours."""
    _last_at: str = ""
    _lock: Held | None = None

    def __post_init__(self) -> None:
        """Begin with nothing to seal."""
        self._unsealed = Unsealed(self.ledger, self.known)

    @property
    def waiting(self) -> dict[Key, str]:
        """What is to be sealed, by case and number."""
        return self._unsealed.waiting

    async def round(self, now: datetime) -> Checkpoint | None:
        """Take up what was noted and seal it; the new head, or None where nothing was new or another was first."""
        if self._lock is None:
            await self.follow()
        await self._unsealed.hear(now + self._ahead)
        return await self.seal(now)

    async def sweep(self) -> int:
        """Look through all chains for entries that nobody noted; how many there were."""
        return await self._unsealed.sweep()

    async def seal(self, now: datetime) -> Checkpoint | None:
        """Sequence what waits: stage, commit, publish. None where nothing is there to seal or another was first."""
        if not (self._unsealed.waiting or self._unsealed.absent):
            return None
        lock, moment = await self.follow(), now + self._ahead
        there, at = await self._unsealed.there(moment, ROUND_MAX), max(moment_text(moment), self._last_at)
        new = [Commitment(at, case, seq, name) for (case, seq), name in there.items()]
        leaves = [one.data for one in new]
        if not leaves:
            return None
        edge, files = grown(self.edge, leaves)
        head = Checkpoint(self.key.name, edge.size, edge.root)
        note = head.signed([self.key])
        await self.ledger.store.create(_staging_key(head), bundled(leaves))
        if self.by_store and await self._is_early(now, _staging_key(head)):
            return None
        try:
            version = await self.ledger.store.swap(LOCK, note.data, was=lock.version)
        except ConflictError:
            return None
        await self._publish(note, head, files)  # before it is remembered: else nobody here would finish it
        self._remember(edge, new)
        self._lock = Held(note.data, version)
        return head

    async def _is_early(self, now: datetime, staged: str) -> bool:
        """Say whether our clock is ahead of the store's, which stamps what was staged just now; set it right."""
        moment, ahead = now + self._ahead, await self.ledger.store.written_at(staged) - now
        if abs(ahead - self._ahead) > CLOCK_OFF:
            logger.warning("the clock here is %s from the store's: the store's counts", abs(ahead))
            self._ahead = ahead
        return moment > now + self._ahead + CLOCK_OFF

    async def follow(self) -> Held:
        """Read what others sealed, and finish what one of them began and could not publish; the lock as it is."""
        lock = await self._look_at_lock()
        if self._lock == lock:
            return lock
        while later := await self._later_than(lock):
            moved = await self._look_at_lock()
            if moved == lock:  # the lock is written first: whatever is published, it never is behind
                raise TamperedError("log", f"{LOCK} is behind what was published ({later} entries): {NO_MORE}")
            lock = moved
        note, head = self._believed(lock)
        published = await self._published()
        await self._read_to(min(published, head.size))
        if published < head.size or self.edge.size < head.size:
            await self._finish(note, head)
        if (self.edge.size, self.edge.root) != (head.size, head.root):
            raise TamperedError("log", f"{LOCK} does not continue what was in the log: {NO_MORE}")
        self._lock = lock
        return lock

    async def _later_than(self, lock: Held) -> int:
        """Say how many entries were published, where that is more than the lock holds; 0 where it is not.

        Bundles are written after the lock too. They are looked for once: later what is known here tells as much.
        """
        _, head = self._believed(lock)
        published = await self._published()
        if published > head.size:
            return published
        return await Log(self.ledger.store, self.key.public).beyond(head.size) if self._lock is None else 0

    async def _finish(self, note: Note, head: Checkpoint) -> None:
        """Publish from what was staged: of a head that whoever committed it may not have lived to publish."""
        leaves: list[bytes] = []
        if self.edge.size < head.size:
            leaves = unbundled(await self.ledger.store.get(_staging_key(head))) or []
        await self._read_to(head.size - len(leaves))
        edge, files = grown(self.edge, leaves)
        if edge.root != head.root:
            raise TamperedError("log", f"{LOCK} does not continue what was in the log: {NO_MORE}")
        await self._publish(note, head, files)
        self._grow(leaves)

    async def _read_to(self, size: int) -> None:
        """Read what is published after what is known, up to *size*, at which there was a head."""
        log, leaves = Log(self.ledger.store, self.key.public), []
        if size > self.edge.size:
            async for _, leaf in log.leaves(size, self.edge.size):
                leaves.append(leaf)
                if len(leaves) == READ_AT_ONCE:
                    self._grow(leaves)
                    leaves = []
        self._grow(leaves)

    def _grow(self, leaves: list[bytes]) -> None:
        new = [committed(leaf, self.edge.size + place) for place, leaf in enumerate(leaves)]
        self._remember(grown(self.edge, leaves)[0], new)

    def _remember(self, edge: Edge, new: list[Commitment]) -> None:
        self.edge = edge
        for one in new:
            self.known.add(one.case, one.seq, one.digest)
            self._unsealed.forget(one.case, one.seq)
            self._last_at = one.at

    async def _publish(self, note: Note, head: Checkpoint, files: dict[str, bytes]) -> None:
        """Write tiles and bundles, then the head, unless a later one stands there already."""
        store = self.ledger.store
        try:
            await asyncio.gather(*(store.create(PREFIX + path, data) for path, data in files.items()))
        except ConflictError as error:
            raise TamperedError("log", f"a tile of the log is not what its entries hash to: {error}") from error
        while not await self._publish_head(note, head):
            pass  # another published in between: look again

    async def _publish_head(self, note: Note, head: Checkpoint) -> bool:
        store = self.ledger.store
        try:
            held = await store.look(CHECKPOINT)
        except NotFoundError:
            held = None
        try:
            if held is None:
                await store.create(CHECKPOINT, note.data)
            elif _size(held) <= head.size and held.data != note.data:
                await store.swap(CHECKPOINT, note.data, was=held.version)
        except ConflictError:
            return False
        return True

    async def _published(self) -> int:
        try:
            return _size(await self.ledger.store.look(CHECKPOINT))
        except NotFoundError:
            return -1

    async def _look_at_lock(self) -> Held:
        """Read the lock. A log is begun where nothing of one is; where a lock is gone, nothing is signed."""
        store = self.ledger.store
        with suppress(NotFoundError):
            return await store.look(LOCK)
        if self._lock or await self._has_begun():
            try:
                return await store.look(LOCK)  # another may have begun it just now
            except NotFoundError:
                raise TamperedError("log", f"{LOCK} is gone, and the log is not empty: {NO_MORE}") from None
        empty = Checkpoint(self.key.name, 0, Edge().root).signed([self.key])
        with suppress(ConflictError):  # another began the log, and has sealed since
            await store.create(LOCK, empty.data)
        return await store.look(LOCK)

    async def _has_begun(self) -> bool:
        """Say whether anything is there that is only written once there is a lock."""
        for prefix in (STAGING, TILES, KEYS):
            async for _ in self.ledger.store.list(prefix):
                return True
        return await self._published() >= 0

    def _believed(self, lock: Held) -> tuple[Note, Checkpoint]:
        """Read the lock; whoever signed last is whose log it is."""
        note = read_note(lock.data)
        head = read_checkpoint(note) if note else None
        if note is None or head is None:
            raise TamperedError("log", f"{LOCK} is not a signed head")
        by = note.signatures[-1]
        if (by.name, by.key_id) != (self.key.name, self.key.public.key_id) or not self.key.public.signed(note):
            raise HandedOverError("log", f"{LOCK} is signed by {by.name}+{by.key_id.hex()}, not by the key given here")
        return note, head


def _staging_key(head: Checkpoint) -> str:
    return f"{STAGING}{head.size:012}-{head.root.hex()[:32]}"


def _size(held: Held) -> int:
    note = read_note(held.data)
    head = read_checkpoint(note) if note else None
    if head is None:
        raise TamperedError("log", f"{CHECKPOINT} is not a signed head")
    return head.size
