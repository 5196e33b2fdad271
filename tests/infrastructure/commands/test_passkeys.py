"""`almoner passkeys`, as somebody types it."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from blocks.proofs.keyring import PASSKEYS
from blocks.records.passkeys import Confirmation
from infrastructure.commands import ledger as ledger_command
from infrastructure.commands.passkeys import app
from tasks.case import utc_now
from tests.hospital import Hospital
from tests.signing import Signers


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hospital:
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ALMONER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALMONER_DOORS_URL", "http://127.0.0.1:18080")
    return asyncio.run(Hospital.opened(tmp_path / "store"))


def say(hospital: Hospital, *words: str) -> Result:
    with hospital.bound():
        return CliRunner().invoke(app, list(words))


def token_in(told: Result) -> str:
    return re.search(r"http://localhost:18080/passkeys/(\S+)", told.stdout)[1]


def test_the_first_link_serves_at_once_and_later_ones_once_they_are_signed(hospital):
    signers = Signers(hospital.ledger, utc_now())
    told = say(hospital, "invite", "frida.ng")
    assert told.stdout.endswith("It is trusted on first use.\n"), told.output
    asyncio.run(signers.enrol_by(token_in(told), "frida.ng"))
    refused = say(hospital, "invite", "carl.moss")
    assert (refused.exit_code, "say --as YOU; frida.ng can" in refused.stderr) == (1, True)
    told = say(hospital, "invite", "carl.moss", "--as", "frida.ng")
    assert "It serves once you have signed it, Frida Ng. Confirm it within ten minutes: http" in told.stdout
    drawn = asyncio.run(hospital.chain(PASSKEYS)).last("confirming")
    signers.now = utc_now() + timedelta(seconds=1)
    assert asyncio.run(signers.sign(Confirmation.model_validate(drawn.body["request"]))).done
    asyncio.run(signers.enrol_by(token_in(told), "carl.moss"))
    listed = say(hospital, "list").stdout.splitlines()
    assert [line.split("UTC  ")[1] for line in listed[:2]] == ["trusted on first use", "vouched for by frida.ng"]
    with hospital.bound():
        verified = CliRunner().invoke(ledger_command.app, ["verify"])
    assert verified.exit_code == 0, verified.output
    assert "· passkey of frida.ng" in verified.stdout
    assert "carl.moss" not in verified.stdout


def test_who_cannot_be_invited_or_cannot_vouch_is_told_why(hospital):
    assert "is not an active person" in say(hospital, "invite", "gus.varga").stderr
    assert "nobody is not an active person" in say(hospital, "invite", "carl.moss", "--as", "nobody").stderr
    assert "frida.ng has no passkey to sign" in say(hospital, "invite", "carl.moss", "--as", "frida.ng").stderr


def test_a_recovery_says_that_it_will_be_named(hospital):
    signers = Signers(hospital.ledger, utc_now())
    asyncio.run(signers.enrol_by(token_in(say(hospital, "invite", "frida.ng")), "frida.ng"))
    told = say(hospital, "invite", "carl.moss", "--recover", "the phone is lost")
    assert told.stdout.endswith("`almoner ledger verify` will name it: nobody vouched for it.\n")


def test_where_nobody_is_left_to_say_so_a_passkey_is_withdrawn_to_recover(hospital):
    signers = Signers(hospital.ledger, utc_now())
    asyncio.run(signers.enrol_by(token_in(say(hospital, "invite", "frida.ng")), "frida.ng"))
    key = say(hospital, "list").stdout.split()[0]
    refused = say(hospital, "withdraw", key)
    assert (refused.exit_code, refused.stderr) == (1, "✗ say who you are: `almoner login YOU`\n")
    told = say(hospital, "withdraw", key, "--recover", "her phone was stolen")
    assert (told.exit_code, told.stdout) == (0, f"✓ withdrawn: {key} of frida.ng\n")
    assert say(hospital, "list").stdout == "0 enrolled\n"
