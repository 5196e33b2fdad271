"""The posting worker as a process of its own, to be killed at any system call: `python -m tests.crashes.posting`.

It carries one approved case to its end.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from blocks.errors import UnavailableError
from blocks.ledger import Ledger
from blocks.ports import Card
from blocks.records.approval import Posted
from tasks import claims, durable
from tasks.case import OvertakenError, utc_now
from tasks.effects import InDoubtError
from tasks.results import keep_result, result_of
from tests.crashes.zygote import BROKEN, ENDED, forks
from tests.fakes.desk import FakeDesk
from tests.fakes.erp_client import HttpErp
from tests.fakes.erp_server import PERSONALITIES
from tests.faults.guards import without
from tests.hospital import Hospital
from tests.stores import TimedFolder

IN_DOUBT, UNAVAILABLE, OVERTAKEN = 3, 4, 6


class FolderDesk(FakeDesk):
    """A desk that outlives the process: one file, replaced at each change."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._file = root / "desk.json"
        if self._file.exists():
            for posted, card in json.loads(self._file.read_text()):
                self.messages[Posted.model_validate(posted)] = Card(*card)

    async def post(self, channel: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        posted = await super().post(channel, card, maybe_posted=maybe_posted)
        self._keep()
        return posted

    async def redraw(self, posted: Posted, card: Card) -> None:
        await super().redraw(posted, card)
        self._keep()

    def _keep(self) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps([(posted.model_dump(mode="json"), card) for posted, card in self.messages.items()]))
        draft.replace(self._file)


async def carry(asked: dict[str, Any]) -> int:
    """Carry the case as far as it goes; *without* a guard, where a twin wants that."""
    with without(asked.get("without", "")):
        return await _carried(asked)


async def _carried(asked: dict[str, Any]) -> int:
    claims.CALL_WITHIN_S = float(asked.get("within_s", claims.CALL_WITHIN_S))
    root = Path(asked["root"])
    erp = HttpErp(asked["erp"], PERSONALITIES[asked["personality"]], transport=None)
    store = TimedFolder(root / "store")
    ledger = Ledger(store)
    hospital = Hospital(ledger, erp, FolderDesk(root), _now(asked["now"]))
    store.clock = lambda: hospital.now
    try:
        outcome = await hospital.wake(asked["case"])
        if outcome is None:
            return BROKEN
        await keep_result(result_of(await hospital.chain(asked["case"]), outcome), ledger)
    except InDoubtError:
        return IN_DOUBT
    except UnavailableError:
        return UNAVAILABLE
    except OvertakenError:
        return OVERTAKEN
    return ENDED


def _now(told: str) -> datetime:
    """Read the time, or take this machine's own where none is told."""
    return datetime.fromisoformat(told) if told else utc_now()


if __name__ == "__main__":
    durable.BACKOFF_S = 0
    forks(carry)
