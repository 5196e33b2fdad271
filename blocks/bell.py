"""Ringing the bell: tell whoever runs the processes that a case has something to read in the ledger.

A lost ring loses nothing but time: the ledger has it all, and upkeep rings again. Imports no Prefect.
"""

import asyncio
import http.client
import json
import logging
import os
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

logger = logging.getLogger("almoner.bell")
TIMEOUT_S = 3


async def ring(cases: Iterable[str]) -> bool:
    """Ring for some cases; return whether somebody heard."""
    address, rung = os.environ.get("ALMONER_BELL_URL"), list(cases)
    if not address or not rung:
        return False
    try:
        return await asyncio.to_thread(_post, address, json.dumps({"cases": rung}).encode())
    except (OSError, http.client.HTTPException) as error:
        logger.warning("nobody heard the bell for %s (%r); upkeep rings again", ", ".join(rung[:5]), error)
        return False


def _post(address: str, body: bytes) -> bool:
    """Post to the bell; the standard library's client, as any other takes longer to import than this to do."""
    where = urlsplit(address)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    line = kind(where.hostname or "", where.port, timeout=TIMEOUT_S)
    try:
        line.request("POST", f"{where.path}/ring", body, {"content-type": "application/json"})
        return line.getresponse().status < HTTPStatus.BAD_REQUEST
    finally:
        line.close()
