"""The pack: an auditor unpacks it in an empty folder, runs the verifier that is in it, and trusts nobody."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from blocks.books import DIRECTORY
from blocks.errors import UnreadableError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.rulebook import Shelf, adopt
from blocks.sealing.log import Log
from blocks.sealing.tsa import Roots
from blocks.sealing.witness import Witnessed
from blocks.store import FolderStore
from blocks.wire.canonical import canonical
from infrastructure.auditor.check_pack import check_pack
from infrastructure.commands.ledger_pack import papers
from infrastructure.local.hospital.__main__ import directory
from tasks.auditing.packing import Believing, Packed, Period, pack
from tasks.results import keep_result, result_of
from tests.hospital import MORNING, Hospital, plain_policy
from tests.sealing import KEY, WITNESS, seal, witness

NOVEMBER = Period.of("2026-11", "America/Chicago")
DECEMBER = Period.of("2026-12", "America/Chicago")
OURS = (KEY.public.text, WITNESS.public.text)


@pytest.fixture
async def months(hospital: Hospital) -> tuple[Hospital, str, str]:
    """A case of November that was ordered after two approvals, one that ends in December, and both heads sealed."""
    november = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU", reason="Two ventilated at once")
    await hospital.wake(november)
    await hospital.answer(november, "ana.silva")
    await hospital.wake(november)
    await hospital.answer(november, "frida.ng")
    outcome = await hospital.wake(november)
    assert outcome is not None
    await keep_result(result_of(await hospital.chain(november), outcome), hospital.ledger)
    both = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(both)
    await seal(hospital)
    hospital.now += timedelta(days=14)
    await hospital.answer(both, "ivo.petrov")
    await hospital.wake(both)
    return hospital, november, both


async def packed(
    hospital: Hospital, period: Period, log: Log | None, seen: Witnessed | None = None, roots: Roots | None = None
) -> tuple[bytes, Packed]:
    out = io.BytesIO()
    told = await pack(period, out, hospital.ledger, log, papers(), believing=Believing(seen, roots))
    return out.getvalue(), told


async def unpacked(months: tuple[Hospital, str, str], folder: Path, period: Period = NOVEMBER) -> Path:
    log = await seal(months[0])
    data, _ = await packed(months[0], period, log, await witness(months[0], folder.with_name("witness")))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    return folder


async def test_what_the_dashboard_showed_in_the_month_is_in_it_and_a_result_of_another_entry_is_found(months, tmp_path):
    hospital, november, _ = months
    table = await hospital.ledger.keep(b'{"artifact":"waiting"}')
    line = Line(act="shown", key="waiting", actor="process:upkeep", at=MORNING, seen=table)
    await hospital.ledger.enter("shown~2026-11-23", lambda _: line)
    folder = await unpacked(months, tmp_path / "audit")
    assert (folder / "ledger" / "objects" / table).is_file()
    (result,) = (folder / "ledger" / "results").glob(f"*/{november}/*.json")
    found = check_pack(folder, *OURS)
    assert (found.wrong, "1 results tell of entries that are here" in found.holds) == ([], True)
    result.write_bytes(result.read_bytes().replace(b'"head":"', b'"head":"f'))
    assert any("tells of an entry" in wrong for wrong in check_pack(folder, *OURS).wrong)


async def test_the_auditor_runs_what_is_in_the_archive_in_an_empty_folder_and_it_holds(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    command = [sys.executable, "-m", "auditor.check_pack", ".", "--key", OURS[0], "--witness", OURS[1]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: ASYNC221, S603
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.startswith("✓ ") for line in done.stdout.splitlines())
    assert f"entries are under the head signed by {OURS[0]}" in done.stdout


async def test_the_same_ledger_under_the_same_head_is_the_same_bytes(months):
    log = await seal(months[0])
    assert (await packed(months[0], NOVEMBER, log))[0] == (await packed(months[0], NOVEMBER, log))[0]


async def test_a_month_holds_its_own_entries_and_what_is_needed_to_judge_them(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    _, november, both = months
    cases = {path.name for path in (folder / "ledger" / "cases").iterdir()}
    assert {november, both, "book~policy", "book~directory"} <= cases
    in_november = len(list((folder / "ledger" / "cases" / both).iterdir()))
    later = await unpacked(months, tmp_path / "december", DECEMBER)
    cases = {path.name for path in (later / "ledger" / "cases").iterdir()}
    assert both in cases
    assert november not in cases
    assert len(list((later / "ledger" / "cases" / both).iterdir())) > in_november
    assert check_pack(later, *OURS).wrong == []


async def test_it_says_which_policy_and_directory_were_in_force_on_which_days(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    told = json.loads((folder / "in_force.json").read_bytes())
    assert [(x["what"], x["from"], x["to"]) for x in told] == [
        ("book~policy", "2026-11-01", "2026-11-30"),
        ("book~directory", "2026-11-01", "2026-11-30"),
    ]
    assert all((folder / "ledger" / "objects" / x["version"]).exists() for x in told)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Los_Angeles"])
@pytest.mark.parametrize("named", [True, False], ids=["zone", "line of before zones were named"])
async def test_what_was_in_force_on_a_day_is_what_the_shelf_says_at_the_hospitals_midnight(tmp_path, zone, named):
    ledger = Ledger(FolderStore(tmp_path))
    await adopt(ledger, plain_policy(), actor="door:test", at=MORNING)
    for day in (date(2026, 1, 1), date(2026, 11, 15)):
        staff = directory().model_copy(update={"zone": zone, "effective_from": day})
        body = {"object": await ledger.keep(canonical(staff)), "effective_from": day.isoformat()}
        body |= {"zone": zone} if named else {}
        line = Line(act="adopted", actor="door:test", at=MORNING - timedelta(days=30), body=body)
        await ledger.append(await ledger.read(DIRECTORY), [line])
    out, month = io.BytesIO(), Period.of("2026-11", zone)
    await pack(month, out, ledger, None, {})
    told = json.loads(zipfile.ZipFile(out).read("in_force.json"))
    said = {(x["what"], x["from"], x["to"]): x["version"] for x in told}
    days = [midnight.date().isoformat() for midnight in month.midnights()]
    assert (days[0], days[-1], len(days)) == ("2026-11-01", "2026-11-30", 30)
    for day, midnight in zip(days, month.midnights(), strict=True):
        assert (midnight.hour, str(midnight.tzinfo)) == (0, zone)
        (version,) = [v for (what, first, last), v in said.items() if what == DIRECTORY and first <= day <= last]
        assert version == (await Shelf(ledger).in_force(midnight)).directory_version
    first_day = "2026-11-16" if zone == "Asia/Kolkata" and not named else "2026-11-15"
    assert [first for what, first, _ in said if what == DIRECTORY] == ["2026-11-01", first_day]


async def test_a_pack_without_a_log_says_that_it_is_under_no_head(months, tmp_path):
    data, told = await packed(months[0], NOVEMBER, None)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    found = check_pack(tmp_path)
    assert (told.log, found.wrong) == (0, [])
    assert any(x.startswith("NOT under a signed head") for x in found.holds)
    assert check_pack(tmp_path, OURS[0]).wrong == [
        "it is under no signed head, so the key that you gave has signed nothing"
    ]


async def test_no_message_as_it_came_is_in_it(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    assert not [x for x in folder.rglob("*") if {"inbox", "quarantine"} & set(x.parts)]


def rewritten(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file, and the list of sums with it, as somebody would who knows about it."""
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    resummed(folder)


def resummed(folder: Path) -> None:
    names = [line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    lines = [f"{sha256((folder / x).read_bytes()).hexdigest()}  {x}\n" for x in names if (folder / x).is_file()]
    (folder / "SHA256SUMS").write_text("".join(lines))


async def test_an_altered_note_is_named_to_the_entry(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    case = months[1]
    last = max((folder / "ledger" / "cases" / case).iterdir())
    name = last.relative_to(folder).as_posix()
    rewritten(folder, name, lambda data: data.replace(b"Cordis", b"Corsid"))
    assert any(f"{case}/{int(last.stem)} is not what the log commits to" in x for x in check_pack(folder, *OURS).wrong)


async def test_a_case_that_was_taken_out_is_named(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    for path in (folder / "ledger" / "cases" / months[1]).iterdir():
        path.unlink()
    resummed(folder)
    wrong = check_pack(folder, *OURS).wrong
    assert f"{months[1]}/1 is in the log of this period, and not in the archive" in wrong


async def test_a_document_that_was_exchanged_or_taken_out_is_named(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    one, other, *_ = sorted((folder / "ledger" / "objects").iterdir())
    one.write_bytes(b"{}")
    other.unlink()
    resummed(folder)
    wrong = check_pack(folder, *OURS).wrong
    assert f"document {one.name} is not what its name says" in wrong
    assert f"document {other.name} is missing" in wrong


async def test_another_log_another_key_and_a_file_slipped_in_are_named(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    (folder / "ledger" / "cases" / "RQ-EXTRA").mkdir()
    (folder / "ledger" / "cases" / "RQ-EXTRA" / "00000001.json").write_bytes(b"{}")
    assert "ledger/cases/RQ-EXTRA/00000001.json is in no list: it was added" in check_pack(folder, *OURS).wrong
    assert any("not the one given" in x for x in check_pack(folder, "another+key").wrong)
    rewritten(folder, "ledger/log/checkpoint", lambda data: data.replace(b"\n", b"\n1", 1))
    assert "the head is not signed by the log's key" in check_pack(folder, *OURS).wrong


async def test_an_export_with_an_event_too_few_is_named(months, tmp_path):
    folder = await unpacked(months, tmp_path / "audit")
    rewritten(folder, "exports/2026-11.xes", lambda data: data.replace(b"<event>", b"<happening>", 1))
    assert any(x.startswith("XES has ") for x in check_pack(folder, *OURS).wrong)


def test_a_month_is_the_hospitals_own():
    assert NOVEMBER.since.astimezone(UTC) == datetime(2026, 11, 1, 5, tzinfo=UTC)
    assert NOVEMBER.until.astimezone(UTC) == datetime(2026, 12, 1, 6, tzinfo=UTC)
    for name in ("2026", "2026-13", "November"):
        with pytest.raises(UnreadableError, match="is no month: write it as 2026-10"):
            Period.of(name, "UTC")
