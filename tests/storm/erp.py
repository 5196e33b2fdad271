"""The little ERP as a server of its own that may be killed: what it has taken is on disk before anybody hears of it.

`python -m tests.storm.erp PORT JOURNAL PERSONALITY` serves it; `opened` reads its books, past its interface.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from blocks.records.purchasing import CancelDraft
from tests.fakes.erp import FakeErp
from tests.fakes.erp_server import DRAFTS, PERSONALITIES, Draft, ErpServer, Job

ANSWER_S = 0.03
"""How long after it was committed the answer to a post leaves: there are ERPs that take longer."""
ENOUGH = 10_000_000
"""No budget runs out, and no shelf: what is refused posts nothing."""
CENTRES, SHELVED = ("OR", "ICU", "ED", "PHA", "LAB", "IT"), ("GLOVE-M",)
TREATED = {
    name: how._replace(lag_s=3) if how.finds else how
    for name, how in PERSONALITIES.items()
    if how.knows_before_it_judges or not how.knows_keys
}
"""How it may treat a key; a look-up here lags by seconds. Who judges first is waited for by the minute: not here."""


@dataclass
class DurableErp(ErpServer):
    """An ERP whose journal outlives it."""

    journal: Path = Path()

    async def _taken(self, kind: str, key: str, reference: str, draft: Draft) -> Response:
        known = len(self.jobs)
        answer = await super()._taken(kind, key, reference, draft)
        for job in self.jobs[known:]:
            told = {"kind": kind, "key": key, "reference": reference, "draft": draft.model_dump(mode="json")}
            self._write({**told, "number": job.number, "at": job.at, "due": job.due})
        await asyncio.sleep(ANSWER_S)
        return answer

    async def _cancelled(self, request: Request) -> Response:
        answer = await super()._cancelled(request)
        if answer.status_code == 200:
            self._write({"cancel": await request.json()})
        return answer

    def _write(self, told: dict[str, Any]) -> None:
        with self.journal.open("ab") as file:  # a line is one write: it is there, or not
            file.write(json.dumps(told).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    async def replay(self) -> None:
        """Work off again what the journal has, in its order."""
        text = self.journal.read_bytes() if self.journal.exists() else b""
        for line in text.splitlines():
            told = json.loads(line)
            if "cancel" in told:
                await self._cancel_again(CancelDraft.model_validate(told["cancel"]))
            else:
                await self._take_again(told)

    async def _take_again(self, told: dict[str, Any]) -> None:
        draft = DRAFTS[told["kind"]].model_validate(told["draft"])
        job = Job(next(self._numbers), told["kind"], told["reference"], draft, told["at"], told["due"], told["key"])
        await self._work(job)
        assert job.number == told["number"]
        self.jobs.append(job)

    async def _cancel_again(self, draft: CancelDraft) -> None:
        job = next(
            x for x in self.jobs if x.booked and (x.reference, x.booked.document.number) == (draft.of, draft.number)
        )
        await self.books.cancel(draft.model_copy(update={"of": job.own}), key=job.own)
        job.booked = job.booked._replace(live=False) if job.booked else None


async def opened(journal: Path, personality: str) -> DurableErp:
    """Open an ERP over its journal."""
    books = FakeErp(year=datetime.now(UTC).year)
    erp = DurableErp(TREATED[personality], clock=time, shows_after_s=1.0, books=books, journal=journal)
    books.stock |= dict.fromkeys(SHELVED, ENOUGH)
    for centre in CENTRES:
        books.post(centre, -ENOUGH)
    await erp.replay()
    return erp


async def serve(port: int, journal: Path, personality: str) -> None:
    """Serve it on loopback until killed."""
    erp = await opened(journal, personality)
    config = uvicorn.Config(erp.app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
