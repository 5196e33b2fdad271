"""`almoner vault`: reads a raw message or has it forgotten, and says what became of it."""

import asyncio
import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from blocks import connect
from blocks.rulebook import Shelf, adopt
from infrastructure.commands.vault import app
from infrastructure.local.hospital.__main__ import directory
from tasks.arrivals import Message, receive
from tasks.case import utc_now
from tests.hospital import plain_policy

RAW = json.dumps({"requester": "rita.okafor", "cost_centre": "OR", "item": "IVSET-20", "quantity": 40}).encode()
WHY = ["--why", "asked for in writing"]


@pytest.fixture(autouse=True)
def _message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ALMONER_VAULT", str(tmp_path / "keys"))
    monkeypatch.setenv("ALMONER_VAULT_KEY", base64.b64encode(b"m" * 32).decode())

    async def sent() -> None:
        ledger = connect.ledger()
        for document in (directory(), plain_policy()):  # no passkeys are asked for, so that --as says who asks
            await adopt(ledger, document, actor="door:test", at=utc_now())
        await receive(Message("inventory", "1", RAW), ledger, Shelf(ledger), utc_now())

    asyncio.run(sent())


def said(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_message_is_read_as_it_came_and_after_it_was_forgotten_by_nobody():
    read = ["open", "inbox/inventory/1", "--as", "frida.ng", *WHY]
    assert said(*read).stdout_bytes == RAW
    told = said("forget", "message:inventory/1", "--as", "frida.ng", *WHY)
    assert told.exit_code == 0
    assert told.stdout.startswith("✓ Forgotten. The ledger knows it as ")
    refused = said(*read)
    assert refused.exit_code == 1
    assert "its key was destroyed" in refused.stderr


def test_who_may_not_is_told_who_may():
    told = said("forget", "message:inventory/1", "--as", "rita.okafor", *WHY)
    assert told.exit_code == 1
    assert "by a finance-director or chief-financial-officer alone" in told.stderr


def test_the_master_key_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "master").write_text(f"{base64.b64encode(b'm' * 32).decode()}\n")
    monkeypatch.delenv("ALMONER_VAULT_KEY")
    monkeypatch.setenv("ALMONER_VAULT_KEY_FILE", str(tmp_path / "master"))
    assert said("open", "inbox/inventory/1", "--as", "frida.ng", *WHY).stdout_bytes == RAW
