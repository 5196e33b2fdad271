"""`almoner ledger list`: every case with how it stands, also where the record of one does not hold."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infrastructure.commands.ledger import app
from tests.hospital import Hospital
from tests.tampered import tampered


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two cases that wait, in the store that the environment names."""

    async def made() -> list[str]:
        hospital = await Hospital.opened(tmp_path / "store")
        names = [await hospital.submit("KNEE-TIB-4", 1) for _ in range(2)]
        for name in names:
            await hospital.wake(name)
        return names

    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    return asyncio.run(made())


def test_one_that_does_not_hold_hides_no_other_and_ends_with_1(tmp_path, cases):
    bad, good = cases
    with tampered(tmp_path / "store", bad):
        told, machines = (CliRunner().invoke(app, ["list", *flags]) for flags in ([], ["--json"]))
    fault = f"does not hold (cases/{bad}/00000002.json does not follow the entry before it)"
    stands = "Waits for implant-coordinator of OR"
    lines = {line.partition(" ")[0]: line.partition(" entries  ")[2] for line in told.stdout.splitlines()}
    assert lines == {bad: f"✗ its record {fault}", good: stands}
    rows = {row["case"]: (row["stands"], row["fault"]) for row in json.loads(machines.stdout)}
    assert rows == {bad: ("", fault), good: (stands, "")}
    for ended in (told, machines):
        assert ended.exit_code == 1
        assert ended.stderr.splitlines() == [
            f"✗ do not hold: {bad}",
            "What to do now, step by step: infrastructure/runbooks/evidence.md",
        ]


@pytest.mark.usefixtures("cases")
def test_where_all_hold_it_ends_with_0():
    told = CliRunner().invoke(app, ["list"])
    assert (told.exit_code, told.stderr, len(told.stdout.splitlines())) == (0, "", 2)
