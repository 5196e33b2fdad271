"""What waits for a signed head: told of by writers' notes or found by a sweep, and looked at before it is sealed.

A note proves nothing: whoever may write to the store may write one. So the entry itself is read, and its own digest
goes into the log, not the noted one. What is not there waits apart for a minute (a store may lag), is then let go, and
that is said: a false note, or an entry that was taken away at once. Should it come later, the sweep finds it.
Of a chain, an entry is sealed after the one before it: so one number far off makes nobody count up to it.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from blocks.errors import NotFoundError
from blocks.ledger import Ledger, entry_key, place_of
from blocks.sealing.notes import note_keys, noted_since
from blocks.wire.canonical import digest
from blocks.wire.commitments import Committed

logger = logging.getLogger("almoner.sealer")
OVERLAP = timedelta(seconds=30)
"""Clocks differ, and a note may be written late."""
LATE = timedelta(hours=1)
"""So late by its writer's clock a note may come; of what is older, the sweep finds the entries."""
LISTED_EVERY = timedelta(seconds=60)
AWAY = timedelta(seconds=60)
"""So long an entry that was noted may be away before it is let go."""
AT_ONCE = 256

Key = tuple[str, int]
"""An entry by its case and number."""


class Absent(NamedTuple):
    """What was noted and was not there: its digest as noted, since when it is missed, and when to look again."""

    noted: str
    since: datetime
    again: datetime


@dataclass
class Unsealed:
    """Entries that the log does not hold yet. `waiting`: their digests as noted; empty where nobody noted them."""

    ledger: Ledger
    known: Committed
    waiting: dict[Key, str] = field(default_factory=dict)
    absent: dict[Key, Absent] = field(default_factory=dict)
    _notes: frozenset[str] = frozenset()
    _looked: datetime | None = None
    _listed: datetime | None = None

    async def hear(self, now: datetime) -> None:
        """Take up what was noted since the last time; once a minute also what writers whose clocks lag have noted."""
        store, last = self.ledger.store, min(self._looked or now, now)
        if self._listed is None:  # what was noted before is found by the sweep
            self._notes, self._listed = frozenset(await note_keys(store, now - LATE, now - OVERLAP)), now
        wide = abs(now - self._listed) >= LISTED_EVERY
        noted = await noted_since(store, now - LATE if wide else last - OVERLAP, known=self._notes)
        for key, name in noted.digests.items():
            if self.known.get(*key) is None:
                self.waiting.setdefault(key, name)
        self._notes = noted.keys if wide else self._notes | noted.keys
        self._looked, self._listed = now, now if wide else self._listed

    async def sweep(self) -> int:
        """Look through all chains for entries that nobody noted; how many there were. A gap is named, not crossed."""
        found, broken = 0, ""
        async for blob in self.ledger.store.list("cases/"):
            key = place_of(blob.key)
            if key is None or key in self.waiting or self.known.get(*key) is not None:
                continue
            if self._follows(key):
                self.waiting[key] = ""
                self.absent.pop(key, None)
                found += 1
            elif key[0] != broken:
                broken = key[0]
                logger.error("%s is not sealed: the entry before it is not there", blob.key)
        return found

    async def there(self, now: datetime, most: int) -> dict[Key, str]:
        """Read what waits, up to *most* of it: the digest of each entry that is there and follows what is sealed."""
        for key in [key for key, one in self.absent.items() if one.again <= now][:most]:
            self.waiting.setdefault(key, self.absent[key].noted)
        keys, found = sorted(list(self.waiting)[:most]), dict[Key, str]()
        for start in range(0, len(keys), AT_ONCE):
            part = keys[start : start + AT_ONCE]
            for key, name in zip(part, await asyncio.gather(*map(self._digest, part)), strict=True):
                before = key[0], key[1] - 1
                if name and (before[1] == 0 or before in found or self.known.get(*before) is not None):
                    found[key] = name
                    self._taken(key, name)
                else:
                    self._put_aside(key, now)
                    if name and before not in self.absent:
                        self.waiting.setdefault(before, "")  # its note may have been lost
        return found

    def forget(self, case: str, seq: int) -> None:
        """Hear that an entry is sealed."""
        self.waiting.pop((case, seq), None)
        self.absent.pop((case, seq), None)

    def _taken(self, key: Key, name: str) -> None:
        self.absent.pop(key, None)
        if self.waiting[key] not in ("", name):
            logger.error("%s is sealed as it is, and is not what was noted of it", entry_key(*key))

    def _put_aside(self, key: Key, now: datetime) -> None:
        """Let what is not there wait apart, twice as long each time, and let it go in the end."""
        noted = self.waiting.pop(key)
        since = self.absent[key].since if key in self.absent else now
        if now - since >= AWAY:
            del self.absent[key]
            likely = "a false note, or it was taken away" if noted else "the chain goes on after it"
            logger.error("%s cannot be sealed, it is not there: %s", entry_key(*key), likely)
        else:
            self.absent[key] = Absent(noted, since, now + max(now - since, timedelta(seconds=1)))

    def _follows(self, key: Key) -> bool:
        before = key[0], key[1] - 1
        return before[1] == 0 or before in self.waiting or self.known.get(*before) is not None

    async def _digest(self, key: Key) -> str | None:
        try:
            return digest(await self.ledger.store.get(entry_key(*key)))
        except NotFoundError:
            return None
