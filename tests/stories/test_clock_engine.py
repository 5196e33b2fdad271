"""The clock on Prefect's own engine: what a run and the dashboard's table say of what waits."""

import json
from datetime import timedelta

from prefect.client.orchestration import get_client

from flows.upkeep import clock
from tasks.artifacts import chain_of
from tests.clockwork import CLOCK, waiting, with_clock
from tests.hospital import Hospital
from tests.stories.engine import ON_AN_ENGINE

pytestmark = ON_AN_ENGINE


async def test_a_round_shows_what_it_did_and_a_table_of_all_that_waits_once_while_nothing_changes(tmp_path):
    hospital = await with_clock(await Hospital.opened(tmp_path), CLOCK)
    hospital.now = clock.utc_now() - timedelta(days=20)
    over = await waiting(hospital)
    hospital.now = clock.utc_now() - timedelta(minutes=1)
    case = await waiting(hospital)
    with hospital.bound():
        first, second = [await clock.keep_time(return_state=True) for _ in range(2)]
    assert (first.name, first.message) == ("Completed", "1 wait, 0 of them late. Most wait for Ana Silva (1); 1 ended")
    assert second.message == "1 wait, 0 of them late. Most wait for Ana Silva (1)"
    assert (await hospital.chain(over)).last("decided").body["decision"]["verdict"] == "expire"
    async with get_client() as client:  # its own method for this sends what its server refuses
        found = await client._client.post("/artifacts/filter", json={"artifacts": {"key": {"any_": ["waiting"]}}})
    (table,) = found.json()
    assert table["description"].startswith(f"**{second.message}**")
    assert case in str(table["data"])
    (line,) = (await hospital.ledger.read(chain_of(clock.utc_now()))).having("shown")
    kept = json.loads(await hospital.ledger.fetch(str(line.seen)))
    assert (kept["table"], kept["description"]) == (json.loads(table["data"]), table["description"])
