"""`almoner case`, as somebody types it, over a ledger in a folder."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from blocks.errors import UnavailableError
from blocks.ports import Personality
from blocks.rulebook import adopt
from blocks.wire.names import effect_key
from infrastructure.commands.case import app
from tasks.effects import InDoubtError
from tasks.parked import SHOWS_WITHIN
from tests.hospital import Hospital, plain_policy
from tests.tampered import tampered


class Town:
    """A hospital, the number of its one case, and who heard the bell."""

    def __init__(self, root: Path) -> None:
        self.rung: list[str] = []
        self.hospital, self.case = asyncio.run(in_doubt(root))

    def settle(self, *words: str, by: str = "paula.reyes") -> Result:
        with self.hospital.bound():
            return CliRunner().invoke(app, ["settle", self.case, "--as", by, *words])

    def acts(self) -> list[str]:
        return [line.act for line in asyncio.run(self.hospital.chain(self.case)).lines]


async def in_doubt(root: Path) -> tuple[Hospital, str]:
    hospital = await Hospital.opened(root, personality=Personality(key_kept_s=0, finds=False))
    case = await hospital.submit("IVSET-20", 40)
    hospital.erp.lose = 1
    with pytest.raises(InDoubtError):
        await hospital.wake(case)
    hospital.now += SHOWS_WITHIN + timedelta(minutes=1)
    return hospital, case


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr("tasks.durable.BACKOFF_S", 0)
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path))
    monkeypatch.delenv("ALMONER_BELL_URL", raising=False)
    return Town(tmp_path)


def test_of_a_case_that_does_not_hold_nothing_is_settled_and_the_next_step_is_said(town, tmp_path, capsys):
    with tampered(tmp_path, town.case), town.hospital.bound(), pytest.raises(SystemExit) as ended:
        app(["settle", town.case, "--as", "paula.reyes", "--not-made"], standalone_mode=False)
    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert told.startswith(f"✗ ledger: cases/{town.case}/00000002.json does not follow the entry before it\n")
    assert told.endswith("infrastructure/runbooks/evidence.md\n")


@pytest.fixture
def _bell(town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    class Bell(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            town.rung += json.loads(self.rfile.read(int(self.headers["content-length"])))["cases"]
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Bell) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("ALMONER_BELL_URL", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("_bell")
def test_what_is_said_is_in_the_ledger_and_the_bell_is_rung(town: Town):
    told = town.settle("--made", "1")
    assert (told.exit_code, told.stdout) == (0, "✓ The order was made, as 1.\n")
    assert town.rung == [town.case]
    assert town.acts()[-1] == "settled"
    assert asyncio.run(town.hospital.wake(town.case)).document == "1"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--not-made"], "✓ The order was not made; it is tried again."),
        (["--give-up", "no longer needed"], "✓ The order is given up: no longer needed."),
    ],
)
def test_where_nobody_hears_the_bell_it_says_when_the_case_goes_on(town: Town, words: list[str], says: str):
    told = town.settle(*words)
    assert told.exit_code == 0
    assert told.stdout == f"{says}\nNobody heard the bell: the case goes on with the next round of upkeep.\n"


def test_who_may_not_say_so_is_told_why(town: Town):
    told = town.settle("--not-made", by="rita.okafor")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == "✗ Rita Okafor asked for this: somebody else must say it.\n"
    assert town.acts()[-1] == "doubt"


@pytest.mark.parametrize("words", [[], ["--not-made", "--made", "1"], ["--made", "1", "--give-up", "x"]])
def test_exactly_one_thing_is_said(town: Town, words: list[str]):
    told = town.settle(*words)
    assert told.exit_code == 2
    assert "say one of --made NUMBER, --not-made, --give-up REASON" in " ".join(told.stderr.replace("│", "").split())
    assert town.acts()[-1] == "doubt"


def test_where_the_erp_does_not_answer_nothing_is_settled(town: Town):
    town.hospital.erp.personality = Personality(key_kept_s=0, finds=True)
    town.hospital.erp.fail = 1
    told = town.settle("--not-made")
    assert told.exit_code == 1
    assert told.stderr == "✗ Nothing was settled, FakeErp: it cannot be reached. Please try again.\n"
    assert town.acts()[-1] == "doubt"


@pytest.fixture
def ordered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Hospital, str]:
    """A hospital, and a case of it that has ordered."""
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path))
    monkeypatch.delenv("ALMONER_BELL_URL", raising=False)

    async def buy() -> tuple[Hospital, str]:
        hospital = await Hospital.opened(tmp_path)
        case = await hospital.submit("IVSET-20", 40)
        assert (await hospital.wake(case)).ended == "ordered"
        return hospital, case

    return asyncio.run(buy())


def cancel(hospital: Hospital, case: str, *words: str) -> Result:
    with hospital.bound():
        return CliRunner().invoke(app, ["cancel", case, "--because", "ordered twice", *words])


def test_what_was_ordered_is_cancelled_in_the_name_of_a_claim_that_says_so(ordered: tuple[Hospital, str]):
    told = cancel(*ordered, "--as", "rita.okafor")
    assert (told.exit_code, told.stdout.splitlines()[0]) == (
        0,
        f"✓ {ordered[1]} is being cancelled. You will hear how it ends.",
    )
    line = asyncio.run(ordered[0].chain(ordered[1])).last("cancelling")
    assert line is not None
    assert (line.actor, (line.source or "").partition("~")[0]) == ("person:rita.okafor", "cli-unproven")


def test_nobody_cancels_without_saying_who_they_are(ordered: tuple[Hospital, str]):
    told = cancel(*ordered)
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == "✗ say who you are: `almoner login YOU`\n"


def test_where_policy_asks_for_passkeys_a_claim_cancels_nothing(ordered: tuple[Hospital, str]):
    hospital, case = ordered
    policy = plain_policy().model_copy(update={"step_up_from": Decimal(1), "effective_from": date(2026, 1, 2)})
    asyncio.run(adopt(hospital.ledger, policy, actor="door:test", at=hospital.now))
    told = cancel(hospital, case, "--as", "rita.okafor")
    assert told.exit_code == 1
    assert "`almoner login rita.okafor`" in told.stderr
    assert asyncio.run(hospital.chain(case)).last("cancelling") is None


@pytest.fixture
def billed(ordered: tuple[Hospital, str], monkeypatch: pytest.MonkeyPatch) -> tuple[Hospital, str, str]:
    """A case that has ordered, and the journal entry of its bill."""
    monkeypatch.delenv("ALMONER_DESK", raising=False)
    hospital, case = ordered
    return hospital, case, f"J-{hospital.erp.bill(effect_key(case, 'order'))}"


def reverse(hospital: Hospital, *words: str) -> Result:
    with hospital.bound():
        return CliRunner().invoke(app, ["reverse", *words])


def test_one_asks_for_an_entry_to_be_reversed_and_another_agrees(billed: tuple[Hospital, str, str]):
    hospital, case, entry = billed
    told = reverse(hospital, case, entry, "--because", "billed twice", "--as", "paula.reyes")
    names = "Ana Silva or Ivo Petrov or Frida Ng or Carl Moss"
    assert (told.exit_code, told.stdout) == (0, f"✓ Journal entry {entry} is reversed once somebody agrees: {names}.\n")
    told = reverse(hospital, case, entry, "--agree", "--as", "frida.ng")
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        f"✓ Journal entry {entry} is being reversed. The card says how it ends.",
        "Nobody heard the bell: the case goes on with the next round of upkeep.",
    ]
    (card,) = (card for card in hospital.desk.messages.values() if "/reversal-" in card.key)
    assert card.text.startswith(f"Frida Ng agreed: {entry} is being reversed.")
    assert f"was reversed by {entry}-R" in asyncio.run(hospital.wake(case)).because


def test_who_asked_does_not_agree_and_is_told_so(billed: tuple[Hospital, str, str]):
    hospital, case, entry = billed
    reverse(hospital, case, entry, "--because", "billed twice", "--as", "paula.reyes")
    told = reverse(hospital, case, entry, "--agree", "--as", "paula.reyes")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.startswith("✗ Paula Reyes has asked for it: ")


def test_where_the_erp_does_not_answer_nothing_is_asked_for(billed: tuple[Hospital, str, str]):
    hospital, case, entry = billed
    hospital.erp.fail = 1
    told = reverse(hospital, case, entry, "--because", "billed twice", "--as", "paula.reyes")
    assert told.exit_code == 1
    assert told.stderr == "✗ Nothing was taken down, FakeErp: it cannot be reached. Please try again.\n"


def test_where_slack_does_not_take_the_card_it_says_how_else_one_agrees(
    billed: tuple[Hospital, str, str], monkeypatch: pytest.MonkeyPatch
):
    hospital, case, entry = billed

    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("Slack", "it cannot be reached")

    monkeypatch.setattr(hospital.desk, "post", away)
    told = reverse(hospital, case, entry, "--because", "billed twice", "--as", "paula.reyes")
    assert told.exit_code == 0
    assert f"to agree here: `almoner case reverse {case} {entry} --agree`" in told.stdout


@pytest.mark.parametrize("words", [[], ["--because", "x", "--agree"]])
def test_one_asks_or_agrees(billed: tuple[Hospital, str, str], words: list[str]):
    hospital, case, entry = billed
    told = reverse(hospital, case, entry, *words, "--as", "paula.reyes")
    assert told.exit_code == 2
    assert "say --because REASON" in told.stderr


def test_who_asks_again_gets_the_card_that_nobody_lived_to_draw(billed: tuple[Hospital, str, str]):
    hospital, case, entry = billed
    asyncio.run(hospital.reverse(case, entry, "paula.reyes"))
    told = reverse(hospital, case, entry, "--because", "billed twice", "--as", "paula.reyes")
    assert told.exit_code == 1
    assert "somebody else can agree" in told.stderr
    assert [card.key for card in hospital.desk.messages.values() if "/reversal-" in card.key] == [f"{case}/reversal-1"]
