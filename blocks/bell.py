"""Ringing the bell: tell whoever runs the processes that a case has something to read in the ledger.

A lost ring loses nothing but time: the ledger has it all, and upkeep rings again. Imports no Prefect.
"""

import logging
import os
from collections.abc import Iterable
from http import HTTPStatus

logger = logging.getLogger("almoner.bell")
TIMEOUT_S = 3


async def ring(cases: Iterable[str]) -> bool:
    """Ring for some cases; return whether somebody heard."""
    import aiohttp  # a fifth of a second that a door need not spend before its first answer

    address, rung = os.environ.get("ALMONER_BELL_URL"), list(cases)
    if not address or not rung:
        return False
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(f"{address}/ring", json={"cases": rung}) as answer,
        ):
            return answer.status < HTTPStatus.BAD_REQUEST
    except (TimeoutError, aiohttp.ClientError) as error:
        logger.warning("nobody heard the bell for %s (%r); upkeep rings again", ", ".join(rung[:5]), error)
        return False
