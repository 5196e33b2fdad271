"""No pickle is ever loaded: watched by Python's own audit hook, over a requisition on Prefect's own engine."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from blocks.audit.verdict import verify
from blocks.ledger import Ledger
from blocks.wire.canonical import is_canonical
from tasks.artifacts import chain_of, show_table
from tests.pickles import watched
from tests.stores import CrashError, CrashingStore
from tests.stories.engine import ON_AN_ENGINE, awake, request_of, run_of

pytestmark = ON_AN_ENGINE


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Path]:
    """Where Prefect keeps results, should anybody keep one."""
    where = tmp_path / "prefect"
    where.mkdir()
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: where}):
        yield where


async def test_a_requisition_from_beginning_to_end_loads_none(hospital, storage):
    case = await hospital.submit("KNEE-TIB-4", 1)
    with watched() as unpickled:
        async with run_of(case, await request_of(hospital, case)) as (client, run):
            assert (await awake(client, run, hospital)).is_paused()
            await hospital.answer(case, "ivo.petrov")
            await client.resume_flow_run(run.id)
            assert (await awake(client, run, hospital)).is_completed()
    assert unpickled == []
    assert not list(storage.iterdir())


async def test_what_the_dashboard_shows_of_a_case_is_kept_in_the_store_as_strict_json(hospital):
    case = await hospital.submit("IVSET-20", 40)
    async with run_of(case, await request_of(hospital, case)) as (client, run):
        await awake(client, run, hospital)
    (key,) = [blob.key async for blob in hospital.ledger.store.list("results/") if case in blob.key]
    data = await hospital.ledger.store.get(key)
    assert is_canonical(data)
    kept = json.loads(data)
    shown = await artifacts_of(case.lower())
    assert shown[case.lower()] == kept["markdown"]
    assert json.loads(shown[f"{case.lower()}-reasons"]) == kept["reasons"]


async def test_every_table_of_the_dashboard_is_kept_first_once_while_it_stays_the_same_and_loads_no_pickle(hospital):
    ledger, at = hospital.ledger, hospital.now
    rows = [{"case": "RQ-1", "waits for": "Ana Silva"}]

    @flow(persist_result=False)
    async def shows(table: list[dict[str, str]], days: int = 0) -> None:
        await show_table("kept-table", table, f"{len(table)} wait", ledger=ledger, at=at + timedelta(days=days))

    with watched() as unpickled:
        for table in (rows, rows, []):
            await shows(table)
            shown = await artifacts_of("kept-table")
            line = (await ledger.read(chain_of(at))).lines[-1]
            data = await ledger.fetch(line.seen)
            kept = json.loads(data)
            assert json.loads(shown["kept-table"]) == kept["table"] == table
            assert (kept["artifact"], kept["description"]) == ("kept-table", f"{len(table)} wait")
            assert is_canonical(data)
    assert unpickled == []
    assert [line.act for line in (await ledger.read(chain_of(at))).lines] == ["shown", "shown"]
    await shows([], days=1)
    assert (await ledger.read(chain_of(at + timedelta(days=1)))).seq == 1
    verdict = await verify(ledger)
    assert (verdict.verified, verdict.objects) == (True, 4)  # policy and directory, and two tables


async def test_a_table_that_cannot_be_kept_is_not_shown(hospital, tmp_path):
    store = CrashingStore(tmp_path / "store")
    store.crash_at(1, "before")
    with pytest.raises(CrashError):
        await show_table("never-shown", [{"a": "b"}], "one", ledger=Ledger(store), at=hospital.now)
    assert await artifacts_of("never-shown") == {}


async def artifacts_of(key: str) -> dict[str, str]:
    """Read a case's artifacts, of the API itself: the client's own method sends filters that it refuses."""
    wanted = {"artifacts": {"key": {"any_": [key, f"{key}-reasons"]}}}
    async with get_client() as client:
        answer = await client._client.post("/artifacts/latest/filter", json=wanted)
    return {one["key"]: one["data"] for one in answer.json()}


async def test_a_flow_that_would_keep_its_result_as_a_pickle_writes_none(storage):
    @flow(persist_result=True, result_serializer="pickle")
    async def careless() -> Decimal:
        return Decimal(1)

    with watched() as unpickled:
        await careless(return_state=True)
    assert not list(storage.iterdir())
    assert unpickled == []
