"""Campaigns: towns built one after the other, on SQLite and PostgreSQL, under every personality of the ERP."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.storm.killing import Storm
from tests.storm.score import Score
from tests.storm.town import Database, town

WORKERS = {"sqlite": 1, "postgresql": 2}
"""On SQLite the server's writers wait for each other, up to minutes: one worker there."""


class Campaign(NamedTuple):
    """What one town goes through."""

    database: Database
    personality: str
    cycles: int
    stops: int = 0
    seed: int = 1
    blackouts: int = 0


def fought(campaign: Campaign, home: Path, told: Callable[[Score], None] = lambda _: None) -> Score:
    """Build the town, let the storm rage, take it down. Raises StackError where there is no stack here."""

    async def fight() -> Score:
        async with town(
            home, campaign.database, campaign.personality, campaign.seed, WORKERS[campaign.database]
        ) as built:
            return await Storm(built, campaign.cycles, campaign.stops, told, campaign.blackouts).rage()

    return asyncio.run(fight())
