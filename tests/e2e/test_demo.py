"""The demo's morning on the whole stack, read back from the ERP's books, the store and Prefect."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from blocks import connect
from blocks.records.outcome import Outcome
from blocks.wire.canonical import digest
from infrastructure.local.demo.scenario import morning
from tasks.results import result_of
from tests.e2e.house import House

Case = dict[str, Any]


@pytest.fixture(scope="module")
def told(house: House) -> dict[str, Any]:
    """What `almoner demo --auto --json` says, on the stack that runs already."""
    command = [sys.executable, "-m", "infrastructure.cli", "demo", "--auto", "--json"]
    environment = {**os.environ, "ALMONER_HOME": str(house.stack.site.home.path)}
    done = subprocess.run(  # noqa: S603 -- our own program
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture
def bought(told: dict[str, Any]) -> list[Case]:
    return [case for case in told["cases"] if case["erp_document"]]


def test_every_case_ends_as_the_scenario_says(told: dict[str, Any]) -> None:
    wanted = [(part.expected.outcome, part.approvals) for part in morning().cases]
    approvals = [[(one["by"], one["verdict"]) for one in case["approvals"]] for case in told["cases"]]
    assert list(zip([case["outcome"] for case in told["cases"]], approvals, strict=True)) == wanted
    assert all(case["because"] for case in told["cases"])


def test_the_ledger_verifies(told: dict[str, Any]) -> None:
    ledger = told["ledger"]
    assert ledger["verified"] is True
    written = sum(case["ledger_entries"] for case in told["cases"])
    assert ledger["entries"] >= written
    assert ledger["sealed"] >= written
    assert ledger["witnessed"] > 0


async def test_the_erp_holds_one_document_for_each_case_that_bought_and_none_for_the_others(
    house: House, told: dict[str, Any]
) -> None:
    for case in told["cases"]:
        name = case["case"]
        orders = await house.orders(name)
        issues = await house.documents("stock.shipment.internal", name, "issue")
        wanted = {"ordered": ([case["erp_document"]], []), "filled": ([], [case["erp_document"]])}
        found = ([one["number"] for one in orders], [one["number"] for one in issues])
        assert found == wanted.get(case["outcome"], ([], [])), name


async def test_each_case_is_one_run_named_as_it_ended(house: House, told: dict[str, Any]) -> None:
    for case in (one for one in told["cases"] if one["ledger_entries"]):
        run = await house.run_ends(case["case"], case["outcome"].capitalize())
        assert run["state_type"] == "COMPLETED"
        assert len(await house.runs(case["case"])) == 1


async def test_prefect_shows_the_report_and_the_reasons_of_each_case(house: House, bought: list[Case]) -> None:
    for case in bought:
        key = case["case"].lower()
        wanted = {"artifacts": {"key": {"any_": [key, f"{key}-reasons"]}}}
        found = {one["key"]: one for one in await house.prefect("POST", "/artifacts/filter", wanted)}
        assert {one["type"] for one in found.values()} == {"markdown", "table"}
        assert case["because"].split(":")[0] in found[key]["data"]
        assert json.loads(found[f"{key}-reasons"]["data"])


async def test_what_people_saw_and_how_it_ended_lies_in_object_storage(told: dict[str, Any]) -> None:
    ledger = connect.ledger()
    for case in (one for one in told["cases"] if one["ledger_entries"]):
        chain = await ledger.read(case["case"])
        for line in chain.having("decided"):
            assert line.seen
            assert digest(await ledger.fetch(line.seen)) == line.seen
        ended = chain.last("ended")
        assert ended
        assert Outcome.model_validate(ended.body["outcome"]).ended == case["outcome"]
        kept = json.loads(await ledger.store.get(result_of(chain, Outcome.model_validate(ended.body["outcome"])).key))
        assert kept["outcome"] == ended.body["outcome"]
        assert case["because"].split(":")[0] in kept["markdown"]


async def test_bad_rows_are_in_quarantine_with_field_and_reason(house: House, told: dict[str, Any]) -> None:
    bad = [case for case in told["cases"] if case["outcome"] == "quarantined"]
    assert [case["because"].split(":")[0] for case in bad] == ["quantity", "requester", "file"]
    for case in bad:
        assert (case["erp_document"], case["ledger_entries"]) == (None, 0)
        assert not await house.orders(case["case"])
