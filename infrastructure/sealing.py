"""Keep the ledger under signed heads: `python -m infrastructure.sealing`.

A round a second puts what writers noted into the Merkle log. In between, now and then, all chains are looked through
for entries of which a crash lost the note. Any number may run; they take turns by the log's lock.
"""

import asyncio
import logging
import signal
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter

from blocks import connect
from blocks.errors import OutsideError
from blocks.ledger import TamperedError
from blocks.sealing.sealer import Sealer
from infrastructure.ending import run_and_leave

logger = logging.getLogger("almoner.sealing")
EVERY_S = 1.0
SWEEP_SHARE = 0.02
"""The part of its time that a sweep may take, with everything the store must do for it."""
SWEEP_EVERY_MIN_S = 300.0


async def rounds(sealer: Sealer, *, every_s: float = EVERY_S) -> None:
    """Seal until cancelled. A store that does not answer is asked again; what is tampered with stops it."""
    while True:
        try:
            head = await sealer.round(datetime.now(UTC))
            if head:
                logger.info("sealed: %d entries", head.size)
        except TamperedError:
            raise
        except OutsideError as error:
            logger.warning("nothing is sealed for now: %s", error)
        await asyncio.sleep(every_s)


async def sweeps(sealer: Sealer) -> None:
    """Look through all chains, from the start on and as often as its share of the time allows, until cancelled."""
    while True:
        began = perf_counter()
        try:
            found = await sealer.sweep()
            if found:
                logger.warning("found %d entries that nobody had noted", found)
        except OutsideError as error:
            logger.warning("the sweep was broken off: %s", error)
        await asyncio.sleep(max(SWEEP_EVERY_MIN_S, (perf_counter() - began) / SWEEP_SHARE))


async def serve() -> None:
    """Seal until told to stop."""
    loop, key = asyncio.get_running_loop(), connect.secret_key("ALMONER_LOG_KEY")
    sealer = Sealer(connect.ledger(), key, by_store=True)
    await sealer.follow()
    working = asyncio.gather(rounds(sealer), sweeps(sealer))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    with suppress(asyncio.CancelledError):
        await working


def main() -> None:
    """Seal."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve())


if __name__ == "__main__":
    run_and_leave(main)
