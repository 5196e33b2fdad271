"""`almoner ledger explain, export, pack, check-bundle`: what an auditor types, and what is said."""

import asyncio
import json
import zipfile
from base64 import b64decode
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from blocks.records.purchasing import OrderDraft
from blocks.wire.names import effect_key
from infrastructure.auditor.check_pack import check_pack
from infrastructure.commands.ledger import app
from tests.hospital import Hospital
from tests.sealing import KEY, WITNESS

pytestmark = pytest.mark.usefixtures("case")


@pytest.fixture
def billed(tmp_path: Path, case: str) -> Hospital:
    """The hospital, with a second order, and one invoice of both."""

    async def made() -> Hospital:
        hospital = await Hospital.opened(tmp_path / "store")
        first = await hospital.chain(case)
        hospital.now, hospital.sent = first.lines[-1].at, 1
        for line in first.having("intent"):
            draft = OrderDraft.model_validate(line.body["draft"])
            await hospital.erp.order(draft, key=line.key)
        second = await hospital.submit("KNEE-TIB-4", 1)
        await hospital.wake(second)
        for approver in ("ivo.petrov", "ana.silva"):  # by then it is more than one may approve alone
            await hospital.answer(second, approver)
            await hospital.wake(second)
        number = hospital.erp.bill(effect_key(case, "order"), theirs="RE-2026/0815")
        hospital.erp.bill(effect_key(second, "order"), number=number, theirs="RE-2026/0815")
        return hospital

    return asyncio.run(made())


def said(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_an_orders_number_tells_who_decided_by_what_right_and_where_it_is_in_the_log(case):
    told = said("explain", "1")
    assert told.exit_code == 0
    for words in (case, "approve by Ivo Petrov", "by right: implant-coordinator", "under the head that log.example"):
        assert words in told.stdout
    assert "[bold]fine[/bold]" in told.stdout
    assert "the tray [left] for [/tmp]" in told.stdout


def test_a_case_is_shown_with_the_words_as_they_were_typed(case):
    told = said("show", case)
    assert told.exit_code == 0
    assert "[bold]fine[/bold]" in told.stdout


def test_one_ask_of_a_case_may_be_named(case):
    assert "implant-coordinator" in said("explain", f"{case}/1-implant-coordinator").stdout


def test_json_is_the_dossier(case):
    told = json.loads(said("explain", case, "--json").stdout)
    assert (told["case"], told["questions"][0]["approver"]["name"]) == (case, "Ivo Petrov")


def test_a_page_is_written_for_people(tmp_path, case):
    assert said("explain", "1", "--html", str(tmp_path / "page.html")).exit_code == 0
    assert case in (tmp_path / "page.html").read_text()


def test_what_is_not_there_is_told_on_two_lines_at_most_and_ends_with_1(billed):
    with billed.bound():
        told = said("explain", "no-such-order")
    assert (told.exit_code, len(told.stderr.splitlines())) == (1, 1)
    assert "the ledger has no case no-such-order" in told.stderr


def test_where_the_erp_cannot_be_asked_that_is_said_and_ends_with_3():
    told = said("explain", "INV-1")
    assert told.exit_code == 3
    assert "Invoices and journal entries are the ERP's, which could not be asked: ALMONER_ERP_URL" in told.stderr


def test_an_invoice_leads_to_each_of_its_cases_and_a_bundle_is_of_one(billed, tmp_path, case, capsys):
    with billed.bound():
        shown = said("explain", "RE-2026/0815")
        page = said("explain", "RE-2026/0815", "--html", str(tmp_path / "page.html"))
        with pytest.raises(SystemExit) as ended:
            app(["explain", "RE-2026/0815", "--bundle", str(tmp_path / "bundle")], standalone_mode=False)
    assert (shown.exit_code, page.exit_code, ended.value.code) == (0, 0, 2)
    assert shown.stdout.count("↩ supplier invoice INV-1 (RE-2026/0815 with the supplier) is posted") == 2
    assert shown.stdout.count("approve by Ivo Petrov") == 2
    assert case in (tmp_path / "page.html").read_text()
    assert f"That leads to 2 cases, and a bundle proves one: {case}, " in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_several_cases_are_an_array_for_machines(billed):
    with billed.bound():
        told = said("explain", "RE-2026/0815", "--json")
    assert len(json.loads(told.stdout)) == 2


@pytest.mark.parametrize("words", [["verify"], ["list"], ["show", "RQ-1"]])
def test_a_store_that_is_not_there_is_no_finding(words, monkeypatch, capsys):
    for name, value in {
        "ALMONER_STORE": "s3://evidence", "ALMONER_S3_URL": "http://127.0.0.1:9", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        app(words, standalone_mode=False)
    assert ended.value.code == 2
    assert "It could not be looked at: store: " in capsys.readouterr().err


def test_how_to_ask_for_an_invoice_of_an_orders_number_is_said_beside_the_answer(case):
    told = said("explain", "1", "--json")
    assert json.loads(told.stdout)["case"] == case
    assert "an invoice or a journal entry 1: erp:1" in told.stderr


def test_a_bundle_is_written_and_checked_and_a_broken_one_is_not_believed(tmp_path, case):
    file = tmp_path / "case.bundle"
    assert said("explain", "1", "--bundle", str(file)).exit_code == 0
    told = said("check-bundle", str(file), "--key", KEY.public.text, "--witness", WITNESS.public.text)
    assert told.exit_code == 0
    assert told.stdout.startswith(f"✓ {case}\n")
    other = WITNESS.public.text
    assert said("check-bundle", str(file), "--key", other).exit_code == 1
    file.write_text("{}")
    told = said("check-bundle", str(file)).stderr
    assert "this is no proof of a case" in told
    assert "`almoner ledger explain CASE --bundle FILE`" in told


@pytest.mark.parametrize(
    "words", [["explain", "{case}", "--bundle"], ["explain", "{case}", "--html"], ["export", "--xes", "--out"]]
)
def test_a_folder_that_is_not_there_is_named_with_what_to_do(tmp_path, case, words, capsys):
    with pytest.raises(SystemExit) as ended:
        app([*(word.format(case=case) for word in words), str(tmp_path / "none" / "x")], standalone_mode=False)
    said_of_it = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"There is no folder {tmp_path / 'none'} to write x into.\nMake it first" in said_of_it


def test_what_they_saw_by_what_books_it_was_judged_and_the_hospitals_own_time_are_told(case):
    told = said("explain", case).stdout
    assert "times are those of America/Chicago" in told.splitlines()[1]
    assert "saw: 1 × " in told
    assert "(KNEE-TIB-4) at $2,890.00: $2,890.00" in told
    assert "and the book of duties up to entry 0" in told
    assert "2026-11-23 08:00:00 as message" in told  # 14:00 UTC
    assert "UTC" not in told


@pytest.mark.parametrize("words", [[], ["--ocel", "--xes"]], ids=["none", "two"])
def test_an_export_has_one_format(words):
    assert said("export", *words).exit_code == 2


def test_an_export_says_how_many_events_it_holds(tmp_path):
    told = said("export", "--ocel", "--since", "2026-11-23", "--until", "2026-11-24", "--out", str(tmp_path / "x"))
    events = json.loads((tmp_path / "x").read_text())["events"]
    assert f"{len(events):,} events of " in told.stderr
    assert events


@pytest.mark.parametrize("words", [["export", "--xes"], ["pack", "--period", "2026-11"], ["explain", "{case}"]])
def test_from_a_chain_that_was_tampered_with_nothing_is_told_as_if_it_held(tmp_path, case, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entry = tmp_path / "store" / "cases" / case / "00000001.json"
    entry.write_bytes(entry.read_bytes().replace(b"KNEE", b"HIPS"))
    told = said(*(word.format(case=case) for word in words))
    assert told.exit_code == 1
    assert f"cases/{case}/00000002.json does not follow the entry before it" in told.stderr


def test_a_pack_holds_and_a_month_that_is_none_leaves_no_file(tmp_path):
    told = said("pack", "--period", "2026-11", "--out", str(tmp_path / "a.zip"))
    assert told.exit_code == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "audit")
    found = check_pack(tmp_path / "audit", KEY.public.text, WITNESS.public.text)
    assert found.wrong == []
    told = said("pack", "--period", "November", "--out", str(tmp_path / "b.zip"))
    assert told.exit_code == 1
    assert "November is no month: write it as 2026-10" in told.stderr
    assert not list(tmp_path.glob("*b.zip*"))


def test_a_pack_of_what_does_not_hold_says_what_its_auditor_will_read(tmp_path):
    (tile,) = (tmp_path / "store/log/tile/entries/000.p").glob("*")
    data = tile.read_bytes()
    tile.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    told = said("pack", "--period", "2026-11", "--out", str(tmp_path / "a.zip"))
    assert told.exit_code == 1
    assert "the log is not the one whose head was signed" in told.stderr
    assert "That is what the auditor will read." in told.stderr
    assert not list(tmp_path.glob(".almoner-pack-*"))


@pytest.mark.parametrize("words", [["verify"], ["pack", "--period", "2026-11"]], ids=["verify", "pack"])
def test_roots_of_a_time_stamp_authority_that_cannot_be_read_are_told_in_two_lines(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALMONER_TSA_ROOTS", str(tmp_path / "none.pem"))
    told = said(*words)
    assert told.exit_code == 2
    assert told.stderr.splitlines()[0].endswith("none.pem cannot be read (No such file or directory).")
    assert len(told.stderr.splitlines()) == 2
    assert not list(tmp_path.glob("*.zip*"))


def test_a_signed_log_whose_key_nobody_gave_is_no_success(monkeypatch):
    monkeypatch.delenv("ALMONER_LOG_FIRST_KEY")
    told = said("verify")
    assert told.exit_code == 3
    assert "✓" not in told.stdout
    assert "NOT held against the signed log" in told.stdout
    assert json.loads(said("verify", "--json").stdout)["verified"] is False
    assert said("verify", "--key", KEY.public.text).exit_code == 0


def test_a_fingerprint_that_was_kept_is_held_against_the_log(tmp_path):
    _, size, root, *_ = (tmp_path / "store/log/checkpoint").read_text().split("\n")
    kept = f"{size}:{b64decode(root).hex()}"
    assert said("verify", "--head", kept).exit_code == 0
    told = said("verify", "--head", f"{size}:{'0' * 64}")
    assert told.exit_code == 1
    assert "log/checkpoint was rewritten" in told.stdout
    assert told.stdout.rstrip().endswith("infrastructure/runbooks/evidence.md")
    assert "a head reads SIZE:ROOT" in said("verify", "--head", "nonsense").stderr
