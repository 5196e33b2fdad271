"""`almoner ledger hold`, `release`, `holds`, and how `show` tells of it."""

import asyncio
import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from blocks import connect
from blocks.rulebook import Shelf, adopt
from infrastructure.commands.ledger import app
from infrastructure.commands.vault import app as vault
from infrastructure.local.hospital.__main__ import directory
from tasks.arrivals import Message, receive
from tasks.case import utc_now
from tests.hospital import plain_policy

RAW = json.dumps({"requester": "rita.okafor", "cost_centre": "OR", "item": "IVSET-20", "quantity": 40}).encode()
WHY = ["--because", "matter 2026-17"]


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ALMONER_VAULT", str(tmp_path / "keys"))
    monkeypatch.setenv("ALMONER_VAULT_KEY", base64.b64encode(b"m" * 32).decode())

    async def sent() -> str:
        ledger = connect.ledger()
        for document in (directory(), plain_policy()):  # no passkeys are asked for, so that --as says who asks
            await adopt(ledger, document, actor="door:test", at=utc_now())
        return (await receive(Message("inventory", "1", RAW), ledger, Shelf(ledger), utc_now())).case_or_raise()

    return asyncio.run(sent())


def said(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_hold_is_put_on_shown_listed_and_lifted(case: str):
    told = said("hold", case, "--as", "frida.ng", *WHY)
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith(f"✓ {case} is under legal hold.")
    assert "by frida.ng (matter 2026-17)" in said("show", case).stdout
    assert "by Frida Ng (matter 2026-17)" in said("explain", case).stdout
    assert "1 legal holds" in said("holds").stdout
    assert said("release", case, "--as", "frida.ng", "--because", "matter closed").exit_code == 0
    assert "legal hold" not in said("show", case).stdout
    assert "lifts the legal hold on" in said("show", "book~holds").stdout


def test_who_holds_what_was_forgotten_before_is_told_by_whom(case: str):
    message = ["message:inventory/1", "--as", "frida.ng", "--why", "asked for in writing"]
    assert CliRunner().invoke(vault, ["forget", *message]).exit_code == 0
    told = said("hold", case, "--as", "frida.ng", *WHY)
    assert told.exit_code == 0, told.stderr
    assert "⚠ frida.ng had it forgotten at " in told.stdout


def test_who_may_not_is_told_who_may(case: str):
    told = said("hold", case, "--as", "rita.okafor", *WHY)
    assert told.exit_code == 1
    assert "by a finance-director or chief-financial-officer alone" in told.stderr
    assert "0 legal holds" in said("holds").stdout
