"""`python -m tests.crashes.syscalls [--every N]`: kill the posting worker at every system call that touches anything.

strace injects SIGKILL as the call is entered: so each call is once the last that was made, and once the first that
was not. Another process then takes the case up over what was left on disk, and the ERP's own books are checked.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import uvicorn

from blocks.ledger import Ledger, TamperedError
from blocks.store import FolderStore
from blocks.wire.report import in_doubt
from tasks.results import is_finished
from tasks.upkeep.lookout import Lookout
from tests.crashes import posting
from tests.crashes.posting import IN_DOUBT, UNAVAILABLE, FolderDesk
from tests.crashes.zygote import ENDED, Place, Zygote, killing, places, traced
from tests.fakes.erp_server import PERSONALITIES, ErpServer
from tests.invariants import Violation
from tests.judging import judged_by, opened, under_a_head
from tests.settling import settled
from tests.stores import TimedFolder

TRACED = ("400 and the address of the first", "a look-up that lags", "nothing at all")
ROUNDS_MAX = 12
DIE_MIN = 0.9
"""How many must die of those that are to: a few calls depend on what comes first over the wire."""


@contextmanager
def served(server: ErpServer) -> Iterator[str]:
    """Serve the little ERP on a free port of loopback."""
    config = uvicorn.Config(server.app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    web = uvicorn.Server(config)
    thread = threading.Thread(target=web.run, daemon=True)
    thread.start()
    while not (web.started and web.servers):
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{web.servers[0].sockets[0].getsockname()[1]}"
    finally:
        web.should_exit = True
        thread.join()


class Bench:
    """One prepared case, approved and not yet ordered, to be carried any number of times from the same start."""

    def __init__(self, personality: str, zygote: Zygote, folder: Path) -> None:
        self.personality, self._zygote, self._folder = personality, zygote, folder
        self.deaths = 0
        """How many have died of it: a call that is made no more, or not yet, kills nobody."""
        self._case, self._now = asyncio.run(self._prepared())

    async def _prepared(self) -> tuple[str, datetime]:
        root = self._folder / "start"
        hospital = await opened(root / "store")
        hospital.desk = FolderDesk(root)
        case = await hospital.submit("KNEE-TIB-4", 1)
        await hospital.wake(case)
        await hospital.answer(case, "ivo.petrov")
        await under_a_head(hospital.ledger, FolderStore(root / "witness"), hospital.now)
        return case, hospital.now

    def places(self, since: str = "") -> list[Place]:
        """List the system calls of a life without a death; *since*: from the first whose arguments say so."""
        log = self._folder / "log"
        with self.town() as (asked, _):
            assert self._zygote.carry(asked, *traced(log)) == ENDED
        return places(log, since)

    def faults(self, *places: Place, without: str = "") -> list[str]:
        """Say what is wrong after some deaths."""
        return [f"{places}: {one.invariant} {one.what}" for one in self.found(*places, without=without)]

    def found(self, *places: Place, without: str = "") -> list[Violation]:
        """Kill the worker at a call, and whoever takes it up at the next; let another end it, and list what is wrong.

        *without*: the guard without which it is taken up.
        """
        with self.town() as (first, server):
            asked, wrong = first, list[Violation]()
            for place in places:
                status = self._zygote.carry(asked, *killing(place))
                self.deaths += status == -signal.SIGKILL
                if status not in (-signal.SIGKILL, ENDED, IN_DOUBT, UNAVAILABLE):
                    wrong.append(Violation("fell", asked["case"], f"who was to die ended with {status}"))
                asked = later(asked, server) | {"without": without}
            return wrong + self.taken_up(asked, server)

    def taken_up(self, asked: dict[str, str], server: ErpServer) -> list[Violation]:
        """Let upkeep ring until the case has ended, people look where there is doubt; list what is violated then."""
        with suppress(TamperedError):  # nobody carries what does not hold together, and the check says so
            asked = self._carried_on(asked, server)
        return asyncio.run(_checked(asked, server))

    def _carried_on(self, asked: dict[str, str], server: ErpServer) -> dict[str, str]:
        status = UNAVAILABLE
        for _ in range(ROUNDS_MAX):
            if asyncio.run(_stands_still(asked)):
                status = self._zygote.carry(asked)
            if status == ENDED:
                break
            asked = later(asked, server)
            asyncio.run(_settled(asked, server))
        return asked

    @contextmanager
    def town(self) -> Iterator[tuple[dict[str, str], ErpServer]]:
        root = self._folder / "town"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self._folder / "start", root)
        server = ErpServer(PERSONALITIES[self.personality], clock=self._now.timestamp)
        with served(server) as url:
            asked = {"root": str(root), "erp": url, "personality": self.personality, "case": self._case}
            yield {**asked, "now": self._now.isoformat()}, server


def later(asked: dict[str, str], server: ErpServer) -> dict[str, str]:
    """Let some minutes pass."""
    now = datetime.fromisoformat(asked["now"]) + timedelta(seconds=200)
    server.clock = now.timestamp
    return {**asked, "now": now.isoformat()}


def _ledger(asked: dict[str, str]) -> Ledger:
    """Open the ledger; as it goes by the clock of the story, what was written is as old as it says."""
    store = TimedFolder(Path(asked["root"]) / "store")
    store.clock = lambda: datetime.fromisoformat(asked["now"])
    return Ledger(store)


async def _stands_still(asked: dict[str, str]) -> bool:
    """Say whether upkeep would ring for it."""
    now = datetime.fromisoformat(asked["now"])
    return asked["case"] in await Lookout(clock=lambda: now).standing_still(_ledger(asked))


async def _settled(asked: dict[str, str], server: ErpServer) -> None:
    """Where it is in doubt, let a person look into the ERP's own books, and say what they saw."""
    at, ledger = datetime.fromisoformat(asked["now"]), _ledger(asked)
    server.books.personality = server.personality
    if in_doubt(await ledger.read(asked["case"])):
        await settled(asked["case"], ledger=ledger, erp=server.books, books=server, at=at)


async def _checked(asked: dict[str, str], server: ErpServer) -> list[Violation]:
    ledger = _ledger(asked)
    root, at = Path(asked["root"]), datetime.fromisoformat(asked["now"])
    found = await judged_by(ledger, server, FolderDesk(root), own=FolderStore(root / "witness"), at=at)
    if any(one.invariant == "I5" for one in found):
        return found
    chain = await ledger.read(asked["case"])
    return found if await is_finished(chain, ledger) else [*found, Violation("I2", chain.case, "has no end")]


def killed(personality: str, *, every: int = 1) -> tuple[int, int, list[str]]:
    """Kill at every n-th call; return how many calls there are, at how many it died, and what was wrong.

    That it outlived more than a few of them is wrong too: then it was not they that were tried.
    """
    zygote = Zygote(posting.__name__)
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(personality, zygote, Path(folder))
            places = bench.places()
            tried = places[::every]
            faults = [fault for place in tried for fault in bench.faults(place)]
            if bench.deaths < DIE_MIN * len(tried):
                faults.append(f"{len(tried)} were to die, and {bench.deaths} did")
            return len(places), bench.deaths, faults
    finally:
        zygote.close()


def main() -> int:
    """Kill at every call, under each of some personalities; return 1 where anything was violated."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--every", type=int, default=1, help="kill at every n-th call alone (1)")
    every, wrong = made.parse_args().every, 0
    for personality in TRACED:
        calls, deaths, faults = killed(personality, every=every)
        wrong += len(faults)
        sys.stdout.write(f"{personality}: {deaths} deaths at {calls} system calls, {len(faults)} violations\n")
        sys.stdout.write("".join(f"  {fault}\n" for fault in faults[:20]))
        sys.stdout.flush()
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
