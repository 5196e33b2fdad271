"""The log's sequencer, killed at every system call: `python -m tests.crashes.sequencing [--every N]`.

Of a log with a bundle one entry short of full, it puts some more under a signed head, and dies at it. Whoever comes
next must bring every entry under one head, once, and that head must continue the one before. As a zygote
(`python -m tests.crashes.sequencing zygote`) it is the process that dies.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from blocks.errors import OutsideError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.sealing.log import Log, committed
from blocks.sealing.notes import HeadsLog
from blocks.sealing.sealer import Sealer
from blocks.store import FolderStore
from blocks.wire.merkle import extends
from blocks.wire.signed_note import Checkpoint, SecretKey
from blocks.wire.tiles import Edge, grown
from tests.crashes.zygote import ENDED, Place, Zygote, forks, killing, places, traced
from tests.samples import NOON

KEY = SecretKey.made("log.example/ledger")
BEFORE, MORE = 255, 3
"""What is under a head, and what is not yet: a bundle and a tile become full between them."""
Written = dict[tuple[str, int], str]


class Bench:
    """A log in which something waits to be sealed, to be sealed any number of times from the same start."""

    def __init__(self, zygote: Zygote, folder: Path) -> None:
        self._zygote, self._folder = zygote, folder
        self._written: Written = {}
        self._head = asyncio.run(self._prepared())

    async def _prepared(self) -> Checkpoint:
        store = FolderStore(self._folder / "start" / "store")
        await self._write(store, "RQ-1", BEFORE)
        head = await Sealer(Ledger(store), KEY).round(NOON)
        assert head is not None
        await self._write(store, "RQ-2", MORE)
        return head

    async def _write(self, store: FolderStore, case: str, entries: int) -> None:
        heads = HeadsLog(store, writer=case)
        ledger = Ledger(store, [heads])
        chain = await ledger.read(case)
        for _ in range(entries):
            chain = await ledger.append(chain, [Line(act="step", actor="process:test", at=NOON)])
            self._written[case, chain.seq] = chain.head
        await heads.flush(NOON)

    def places(self) -> list[Place]:
        """List the system calls of a round that nobody dies in."""
        log = self._folder / "log"
        assert self._zygote.carry(self._asked(), *traced(log)) == ENDED
        return places(log)

    def faults(self, place: Place) -> list[str]:
        """Kill the sequencer at a call, let another seal what is there, and say what is wrong."""
        asked = self._asked()
        status = self._zygote.carry(asked, *killing(place))
        wrong = [] if status == -signal.SIGKILL else [f"whoever was to die ended with {status}"]
        return [f"{place}: {one}" for one in [*wrong, *asyncio.run(self._judged(Path(asked["root"])))]]

    def _asked(self) -> dict[str, str]:
        root = self._folder / "town"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self._folder / "start", root)
        return {"root": str(root), "key": KEY.text, "now": NOON.isoformat()}

    async def _judged(self, root: Path) -> list[str]:
        """Take up what was left, and read the published log back against what was written."""
        store = FolderStore(root / "store")
        sealer, log = Sealer(Ledger(store), KEY), Log(store, KEY.public)
        try:
            await sealer.round(NOON + timedelta(seconds=1))
        except OutsideError as error:
            return [str(error)]
        head = await log.head()
        if head is None:
            return ["no head is published"]
        size, root_hash = head.checkpoint.size, head.checkpoint.root
        leaves = [leaf async for _, leaf in log.leaves(size)]
        found = [committed(leaf, index) for index, leaf in enumerate(leaves)]
        proof = await log.consistency(self._head.size, size)
        checks = {
            "the tree is not what its head says": grown(Edge(), leaves)[0].root == root_hash,
            "an entry is there twice": len({(one.case, one.seq) for one in found}) == len(found),
            "an entry is lost, or another": {(x.case, x.seq): x.digest for x in found} == self._written,
            "it does not continue the head before": extends(self._head.size, self._head.root, size, root_hash, proof),
        }
        return [what for what, holds in checks.items() if not holds]


async def seal(asked: dict[str, Any]) -> int:
    """Seal what waits, as the process that dies."""
    ledger = Ledger(FolderStore(Path(asked["root"]) / "store"))
    await Sealer(ledger, SecretKey.parse(asked["key"])).round(NOON)
    return ENDED


def killed(*, every: int = 1) -> tuple[int, int, list[str]]:
    """Kill at every n-th call; return how many calls there are, at how many it died, and what was wrong."""
    zygote = Zygote(__spec__.name, "zygote")
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(zygote, Path(folder))
            every_call = bench.places()
            tried = every_call[::every]
            return len(every_call), len(tried), [fault for place in tried for fault in bench.faults(place)]
    finally:
        zygote.close()


def main() -> int:
    """Kill at every call; return 1 where anything was violated."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("what", nargs="?", choices=["zygote"], help=argparse.SUPPRESS)
    made.add_argument("--every", type=int, default=1, help="kill at every n-th call alone (1)")
    told = made.parse_args()
    if told.what:
        forks(seal)
        return 0
    calls, deaths, faults = killed(every=told.every)
    sys.stdout.write(f"the sequencer: {deaths} deaths at {calls} system calls, {len(faults)} violations\n")
    sys.stdout.write("".join(f"  {fault}\n" for fault in faults[:20]))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
