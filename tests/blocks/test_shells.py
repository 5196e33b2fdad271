"""Blocks are opened by processes, within an event loop."""

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.shells import opened


async def test_a_block_is_asked_for_at_once_within_an_event_loop():
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(httpx.ConnectError),
    ):
        opened("tryton-erp/main")
