"""Real processes die, and stand still, at any moment: every case comes to its end, with one document or none.

`make storm` goes on for as long as one likes.
"""

import os
import sys
from pathlib import Path

import pytest

from infrastructure.local.stack.trouble import StackError
from tests.needs import missing
from tests.storm.campaign import Campaign, fought
from tests.storm.score import SLOW_S

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
CAMPAIGNS = (
    Campaign("postgresql", "nothing at all", cycles=19, stops=1, blackouts=1),
    Campaign("sqlite", "409 at work, 422 for something else", cycles=10, blackouts=1),
)


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda one: one.database)
def test_whoever_is_killed_while_cases_are_carried_nothing_is_ordered_twice_or_lost(campaign, capsys):
    home = Path(os.environ.get("ALMONER_TEST_HOME", ".almoner-test")).absolute() / "storm"
    home.parent.mkdir(exist_ok=True)
    try:
        score = fought(campaign, home)
    except StackError as trouble:
        missing(f"The stack cannot run here: {trouble}")
    with capsys.disabled():
        sys.stdout.write(f"\n{campaign.database}, {campaign.personality}:\n{score}\n{score.stories(SLOW_S)}\n")
    assert score.violations == []
    if campaign.database == "postgresql" and not score.agreed:  # the whole stack, with its bucket
        missing("There is no Go here to ask as an outsider: apt-get install golang-go golang-golang-x-mod-dev.")
    assert score.deaths == campaign.cycles - campaign.stops + campaign.blackouts
    assert score.kills["worker stopped"] == campaign.stops
    assert score.struck  # somebody was carrying something
    assert score.cases >= campaign.cycles
