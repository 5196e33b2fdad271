"""Witness the ledger's log: `python -m infrastructure.witnessing`, run by somebody else than who runs the log.

`ALMONER_STORE` is read only; what was seen is kept in `ALMONER_WITNESS_STORE`, cosigned with `ALMONER_WITNESS_KEY`.
"""

import asyncio
import logging
import signal
from contextlib import suppress
from datetime import UTC, datetime

from blocks import connect
from blocks.errors import ConflictError, OutsideError
from blocks.sealing.witness import Witness
from infrastructure.ending import run_and_leave

logger = logging.getLogger("almoner.witness")
EVERY_S = 5.0


async def watch(witness: Witness, *, every_s: float = EVERY_S) -> None:
    """Look until cancelled. What does not continue is refused, kept as an alarm, and said at every look."""
    while True:
        try:
            alarm = await witness.look(datetime.now(UTC))
            if alarm:
                logger.critical("REFUSED: %s. The proof is %s in the witness's store", alarm.why, alarm.key)
        except (OutsideError, ConflictError) as error:
            logger.warning("nothing is cosigned for now: %s", error)
        await asyncio.sleep(every_s)


async def serve() -> None:
    """Watch until told to stop."""
    log = connect.log()
    if log is None:
        raise SystemExit("ALMONER_LOG_FIRST_KEY is not set: `almoner ledger keys` prints it")
    witness = Witness(log, connect.witness_store(), connect.secret_key("ALMONER_WITNESS_KEY"))
    watching = asyncio.ensure_future(watch(witness))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, watching.cancel)
    with suppress(asyncio.CancelledError):
        await watching


def main() -> None:
    """Watch."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve())


if __name__ == "__main__":
    run_and_leave(main)
