"""`almoner login`, `whoami`, `logout`, and what is done in between, as somebody types it."""

import asyncio
import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from blocks.audit.verdict import verify
from blocks.books import DUTIES
from blocks.proofs.keyring import PASSKEYS, enrolled
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.rulebook import adopt
from infrastructure.commands import decide, login, logout, passkeys, people, whoami
from tasks.case import utc_now
from tests.hospital import MORNING, Hospital, plain_policy
from tests.signing import Signers

FRIDA = "frida.ng"
TODAY = f"{utc_now():%Y-%m-%d}"


class Desk:
    """A command line, and the phone of whoever sits at it."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.hospital = asyncio.run(Hospital.opened(root / "store"))
        self.signers = Signers(self.hospital.ledger)

    def type_in(self, app: typer.Typer, *words: str) -> Result:
        with self.hospital.bound():
            return CliRunner().invoke(app, [*words, "--home", str(self.home)])

    def log_in(self, person: str = FRIDA) -> str:
        with self.hospital.bound():
            return asyncio.run(self._log_in(person))

    async def _log_in(self, person: str) -> str:
        self.signers.now = utc_now()
        if person not in self.signers.phones:
            await self.signers.enrol(person)
        typing = asyncio.create_task(login.log_in(person, self.home, browser=False))
        while (request := await self._drawn()) is None:  # noqa: ASYNC110 -- the ledger rings no bell
            await asyncio.sleep(0.01)
        self.signers.now = utc_now()
        assert (await self.signers.sign(request)).done
        return await typing

    async def _drawn(self) -> Confirmation | None:
        """Find the session that has been drawn up and is not opened yet."""
        ledger = self.hospital.ledger
        async for case, seq in ledger.cases():
            if case.startswith("session~") and seq == 1:
                line = (await ledger.read(case)).lines[0]
                return Confirmation.model_validate(line.body["request"])
        return None

    def last(self, book: str) -> Line:
        return asyncio.run(self.hospital.chain(book)).lines[-1]

    def verified(self) -> bool:
        return asyncio.run(verify(self.hospital.ledger)).verified


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ALMONER_DOORS_URL", "http://127.0.0.1:18080")
    monkeypatch.setattr(login, "LOOK_EVERY_S", 0.01)
    return Desk(tmp_path)


def test_who_logs_in_acts_in_their_own_name_until_they_log_out(desk):
    assert desk.log_in().startswith("✓ logged in as Frida Ng until ")
    file = desk.home / "session.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert desk.type_in(whoami.app).stdout.startswith("Frida Ng (frida.ng): finance-director; until ")
    assert desk.type_in(people.app, "away", FRIDA, "--until", TODAY).exit_code == 0
    line = desk.last(DUTIES)
    assert (line.actor, line.source, line.signed is not None) == ("person:frida.ng", "cli", True)
    assert desk.type_in(logout.app).stdout == "✓ logged out: frida.ng is not logged in here any more\n"
    assert not file.exists()
    told = desk.type_in(whoami.app)
    assert (told.exit_code, told.stdout) == (1, "You are not logged in here: `almoner login YOU`.\n")
    assert desk.type_in(logout.app).stdout == "You are not logged in here.\n"
    assert desk.verified()


def test_a_session_that_others_can_read_is_nobodys(desk):
    desk.log_in()
    (desk.home / "session.json").chmod(0o644)
    told = desk.type_in(whoami.app)
    assert (told.exit_code, "can be read by others" in told.stderr) == (2, True)


def test_who_is_logged_in_cannot_be_somebody_else(desk):
    desk.log_in()
    told = desk.type_in(people.app, "away", "carl.moss", "--as", "carl.moss", "--until", TODAY)
    assert told.exit_code == 1
    assert "you are logged in as frida.ng: leave --as out, or `almoner logout` first" in told.stderr


def test_a_session_that_is_over_says_so_and_how_to_go_on(desk, monkeypatch):
    desk.log_in()
    later = utc_now() + timedelta(hours=9)
    monkeypatch.setattr("tasks.case.utc_now", lambda: later)
    told = desk.type_in(people.app, "away", FRIDA, "--until", "2099-01-01")
    assert told.exit_code == 1
    assert "your session ended at" in told.stderr
    assert "`almoner login frida.ng`" in told.stderr
    assert desk.type_in(logout.app).exit_code == 0
    assert desk.verified()


@pytest.mark.parametrize("act", ["away", "logout"])
def test_with_a_clock_set_back_before_the_log_in_nothing_is_signed_that_the_audit_would_name(desk, monkeypatch, act):
    desk.log_in()
    earlier = utc_now() - timedelta(hours=1)
    monkeypatch.setattr("tasks.case.utc_now", lambda: earlier)
    if act == "away":
        told = desk.type_in(people.app, "away", FRIDA, "--until", "2099-01-01")
        assert told.exit_code == 1
        assert "which is before you logged in: set the clock, or log in again" in told.stderr
    else:
        assert desk.type_in(logout.app).exit_code == 0
    assert desk.verified()


def test_to_withdraw_a_passkey_takes_a_log_in_and_whoever_logged_in_by_it_is_logged_out(desk):
    asyncio.run(desk.signers.enrol("ivo.petrov"))
    desk.log_in()
    keys = asyncio.run(enrolled(desk.hospital.ledger))
    ivos, fridas = (keys.of(one)[0].credential for one in ("ivo.petrov", FRIDA))
    told = desk.type_in(passkeys.app, "withdraw", ivos)
    assert (told.exit_code, told.stdout) == (0, f"✓ withdrawn: {ivos[:16]} of ivo.petrov\n"), told.output
    line = desk.last(PASSKEYS)
    assert (line.actor, line.source, line.signed is not None) == ("person:frida.ng", "cli", True)
    assert desk.verified()
    assert desk.type_in(passkeys.app, "withdraw", fridas).exit_code == 0
    told = desk.type_in(people.app, "away", FRIDA, "--until", TODAY)
    assert (told.exit_code, "the passkey by which you logged in has been withdrawn" in told.stderr) == (1, True)
    desk.type_in(logout.app)
    told = desk.type_in(passkeys.app, "withdraw", fridas)
    assert told.stderr == "✗ say who you are: `almoner login YOU`\n"


def test_what_is_done_in_a_session_of_a_withdrawn_passkey_is_named_by_the_audit(desk, monkeypatch):
    desk.log_in()
    key = asyncio.run(enrolled(desk.hospital.ledger)).of(FRIDA)[0].credential
    assert desk.type_in(passkeys.app, "withdraw", key).exit_code == 0
    monkeypatch.setattr("tasks.signing.sessions.reason_over", lambda *_: None)  # as whoever took the laptop would
    later = utc_now() + timedelta(minutes=2)
    monkeypatch.setattr("tasks.case.utc_now", lambda: later)
    assert desk.type_in(people.app, "away", FRIDA, "--until", "2099-01-01").exit_code == 0
    (found,) = asyncio.run(verify(desk.hospital.ledger)).findings
    assert "signed after the passkey by which the session was opened was withdrawn" in found.because


def test_without_a_session_a_claim_is_marked_as_one_until_passkeys_are_asked_for(desk):
    assert desk.type_in(people.app, "away", FRIDA, "--as", FRIDA, "--until", TODAY).exit_code == 0
    assert (desk.last(DUTIES).source or "").startswith("cli-unproven~")
    told = desk.type_in(people.app, "away", FRIDA, "--until", TODAY)
    assert (told.exit_code, told.stderr) == (1, "✗ say who you are: `almoner login YOU`\n")
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(5000)})
    asyncio.run(adopt(desk.hospital.ledger, strict, actor="door:test", at=MORNING))
    told = desk.type_in(people.app, "away", "carl.moss", "--as", "carl.moss", "--until", TODAY)
    assert told.stderr == (
        "✗ policy asks for passkeys, so --as alone does not say who you are: `almoner login carl.moss`\n"
    )


def test_who_has_a_passkey_is_never_merely_claimed(desk):
    desk.log_in()
    desk.type_in(logout.app)
    told = desk.type_in(people.app, "away", FRIDA, "--as", FRIDA, "--until", TODAY)
    assert "frida.ng has a passkey, so --as alone does not say that you are them" in told.stderr


def test_a_delegation_in_a_session_is_drawn_up_for_the_passkey_where_policy_asks_for_it(desk):
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(5000)})
    asyncio.run(adopt(desk.hospital.ledger, strict, actor="door:test", at=MORNING))
    desk.log_in()
    told = desk.type_in(people.app, "delegate", "leo.brandt", "--until", TODAY)
    assert told.exit_code == 0, told.output
    assert (
        "takes your passkey. Confirm it within ten minutes: http://localhost:18080/confirm/book~duties/" in told.stdout
    )
    assert desk.last(DUTIES).act == "confirming"
    request = Confirmation.model_validate(desk.last(DUTIES).body["request"])
    desk.signers.now = utc_now()
    assert asyncio.run(desk.signers.sign(request)).done
    assert desk.last(DUTIES).act == "delegated"
    assert desk.verified()


@pytest.mark.parametrize(
    ("person", "why"), [("carl.moss", "has no passkey yet"), ("nobody", "is not an active person")]
)
def test_who_cannot_log_in_is_told_why(desk, person, why):
    told = desk.type_in(login.app, person)
    assert (told.exit_code, why in told.stderr) == (1, True)


async def asked(hospital: Hospital, item: str) -> str:
    case = await hospital.submit(item, 1)
    assert await hospital.wake(case) is None
    return case


def test_a_decision_in_a_session_is_signed_and_what_is_large_takes_the_passkey_itself(desk):
    ivo = "ivo.petrov"
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(5000)})
    asyncio.run(adopt(desk.hospital.ledger, strict, actor="door:test", at=MORNING))
    small, large = (asyncio.run(asked(desk.hospital, item)) for item in ("KNEE-TIB-4", "HIP-STEM-12"))
    assert "Ivo Petrov" in desk.log_in(ivo)
    for case in (small, large):
        seen = desk.type_in(decide.app, case).stdout.split("shown as")[1].split()[0].rstrip(";")
        told = desk.type_in(decide.app, case, "approve", "--shown", seen)
        assert told.exit_code == 0, told.output
    assert desk.last(small).signed is not None
    assert "takes your passkey. Confirm it within ten minutes" in told.stdout
    assert desk.last(large).act == "confirming"
    assert desk.verified()
