"""A pack of one month is judged by three programs: ours, the one that is in it, and one in Go. They must agree.

The log in it is of all time, the chains are of the month: what is left out on purpose is no fault, and what was taken
away is named.
"""

import asyncio
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from blocks.sealing.tsa import Authority as Asked
from blocks.sealing.tsa import Roots
from blocks.wire.signed_note import Checkpoint
from infrastructure.auditor.check_log import Given
from infrastructure.auditor.check_pack import check_pack
from infrastructure.commands.ledger import app
from infrastructure.commands.ledger_pack import papers
from tasks.auditing.packing import Believing, Period, pack
from tasks.auditing.stamping import stamp_head
from tests.authority import Authority
from tests.hospital import Hospital
from tests.needs import openssl
from tests.sealing import KEY, WITNESS, seal, witness
from tests.tampering.verifier import built

KEYS = (KEY.public.text, WITNESS.public.text)
CHICAGO = "America/Chicago"
NOW = datetime.now(ZoneInfo(CHICAGO))
"""The authority's clock is the real one, so the months are the last four."""
MONTHS = tuple(
    f"{NOW.year + (NOW.month - back - 1) // 12}-{(NOW.month - back - 1) % 12 + 1:02}" for back in (3, 2, 1, 0)
)
BEFORE, MONTH, LAST = MONTHS[1:]


@dataclass(frozen=True)
class Town:
    """A hospital's months: each has a case of its own, and one that is asked in it and ends in the next."""

    folder: Path
    program: Path
    own: dict[str, str]
    both: dict[str, str]

    def copy(self, month: str, to: Path) -> Path:
        shutil.copytree(self.folder / month, to)
        return to

    def wrongs(self, folder: Path, **given: Path) -> tuple[list[str], list[str], list[str]]:
        """What each of the three finds wrong: ours, the pack's own, Go's."""
        words = ["verify", "--pack", str(folder), "--key", KEYS[0], "--witness", KEYS[1]]
        ours = CliRunner().invoke(app, words)
        assert ours.exit_code in (0, 1), (ours.output, ours.exception)
        command = [str(self.program), "-pack", str(folder), "-key", KEYS[0], "-witness-key", KEYS[1]]
        go = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own program
        assert go.returncode in (0, 1), go.stderr
        return (
            [line for line in ours.stdout.splitlines() if line.startswith("✗")],
            check_pack(folder, given=Given(*KEYS, **given)).wrong,
            [] if go.returncode == 0 else go.stdout.splitlines(),
        )


async def lived(root: Path, authority: Authority) -> tuple[Hospital, dict[str, str], dict[str, str]]:
    """Live through the months, sealed every day that something happens, and stamped at last."""
    hospital = await Hospital.opened(root / "store")
    own, both = dict[str, str](), dict[str, str]()
    for month in MONTHS:
        hospital.now = datetime.now(UTC) if month == LAST else datetime.fromisoformat(f"{month}-20T15:00:00+00:00")
        if both:
            open_case = list(both.values())[-1]
            await hospital.answer(open_case, "ivo.petrov")
            await hospital.wake(open_case)
        own[month] = await hospital.submit("IVSET-20", 40)
        await hospital.wake(own[month])
        both[month] = await hospital.submit("KNEE-TIB-4", 1, reason=f"the tray of {month}")
        await hospital.wake(both[month])
        await seal(hospital)
    await stamp_head(hospital.ledger, await seal(hospital), Asked(authority.url), hospital.now)
    await seal(hospital)
    return hospital, own, both


async def packed(hospital: Hospital, month: str, to: Path, authority: Authority) -> None:
    out, seen = io.BytesIO(), await witness(hospital, to.with_name("witness"))
    believing = Believing(seen, Roots.read(authority.roots.read_bytes()))
    await pack(Period.of(month, CHICAGO), out, hospital.ledger, await seal(hospital), papers(), believing=believing)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(to)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    root = tmp_path_factory.mktemp("town")
    with Authority(root / "tsa").open() as authority:

        async def made() -> tuple[dict[str, str], dict[str, str]]:
            hospital, own, both = await lived(root, authority)
            for month in MONTHS:
                await packed(hospital, month, root / month, authority)
            return own, both

        own, both = asyncio.run(made())
    return Town(root, built(root), own, both)


@pytest.mark.parametrize("month", MONTHS)
def test_a_month_holds_by_all_three_and_each_says_what_it_covers(town, month):
    assert town.wrongs(town.folder / month) == ([], [], [])
    covers = Period.of(month, CHICAGO)
    since, until = (f"{x.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for x in (covers.since, covers.until))
    told = CliRunner().invoke(app, ["verify", "--pack", str(town.folder / month)]).stdout
    assert f"a pack: what was sealed from {since} to {until}, and no more" in told
    assert "one time-stamp, the last over" in told
    assert any(f"sealed from {since} to {until}: " in x for x in check_pack(town.folder / month).holds)
    command = [str(town.program), "-pack", str(town.folder / month), "-key", KEYS[0]]
    go = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  our own program
    assert f"ok: a pack of {month}: what was sealed from {since} to {until}" in go


def test_a_month_holds_the_whole_chain_of_what_was_active_in_it_and_nothing_of_others(town):
    for before, month in pairwise(MONTHS):
        cases = {path.name for path in (town.folder / month / "ledger" / "cases").iterdir() if "~" not in path.name}
        assert cases == {town.own[month], town.both[month], town.both[before]}


def edited(folder: Path) -> Path:
    """Write the list of sums anew, as somebody would who knows about it."""
    names = [line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    lines = [f"{sha256((folder / x).read_bytes()).hexdigest()}  {x}\n" for x in names if (folder / x).is_file()]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def entry(folder: Path, case: str, seq: int) -> Path:
    return folder / "ledger" / "cases" / case / f"{seq:08}.json"


def last_of(folder: Path, case: str) -> int:
    return len(list((folder / "ledger" / "cases" / case).iterdir()))


def gone(path: Path) -> None:
    path.unlink()


def changed(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"at":"2', b'"at":"3', 1))


@pytest.mark.parametrize("done", [gone, changed], ids=["removed", "altered"])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("whose", ["own", "of the month before", "book~policy", "book~directory", "book~fingerprint"])
def test_an_entry_that_was_removed_or_altered_is_named_by_all_three(
    town, tmp_path, done: Callable[[Path], None], place: str, whose: str
):
    month = LAST if whose == "book~fingerprint" else MONTH
    folder = town.copy(month, tmp_path / "pack")
    case = {"own": town.own[month], "of the month before": town.both[BEFORE]}.get(whose, whose)
    until = last_of(folder, case)
    seq = {"first": 1, "middle": (until + 1) // 2, "last": until}[place]
    done(entry(folder, case, seq))
    for by, wrong in zip(("ours", "pack", "go"), town.wrongs(edited(folder)), strict=True):
        named = (f"{case}/{seq} ", f"{case}/{seq:08}.json", f"{case}/{seq + 1} does not follow", f"{case}/")
        assert any(name in line for line in wrong for name in named[: 2 if by != "pack" else 4]), (by, wrong)


def test_a_whole_case_of_the_month_that_was_removed_is_named_by_all_three(town, tmp_path):
    folder = town.copy(MONTH, tmp_path / "pack")
    shutil.rmtree(folder / "ledger" / "cases" / town.own[MONTH])
    for wrong in town.wrongs(edited(folder)):
        assert any(f"{town.own['2026-10']}/" in line for line in wrong)


def test_a_narrower_period_is_told_by_all_three_in_what_they_say_they_covered(town, tmp_path):
    """Nobody signs what a pack claims to be: each program says what it looked at, and who asked for more sees it."""
    folder = town.copy(MONTH, tmp_path / "pack")
    about = json.loads((folder / "about.json").read_bytes())
    (folder / "about.json").write_text(json.dumps(about | {"since": f"{MONTH}-25T00:00:00Z"}))
    shutil.rmtree(folder / "ledger" / "cases" / town.own[MONTH])
    assert town.wrongs(edited(folder))[0] == town.wrongs(folder)[2] == []
    told = CliRunner().invoke(app, ["verify", "--pack", str(folder), "--key", KEYS[0]]).stdout
    assert f"from {MONTH}-25T00:00:00Z" in told


@pytest.mark.parametrize("extra", ["RQ-FORGED", None], ids=["a case", "an entry"])
def test_what_was_slipped_in_is_named_by_all_three(town, tmp_path, extra):
    folder = town.copy(MONTH, tmp_path / "pack")
    case = extra or town.own[MONTH]
    seq = 1 if extra else last_of(folder, case) + 1
    before = "" if extra else sha256(entry(folder, case, seq - 1).read_bytes()).hexdigest()
    line = {"act": "noted", "actor": "person:x", "at": f"{MONTH}-20T15:00:00Z", "body": {}, "key": ""}
    line |= {"policy": None, "seen": None, "source": None}
    forged = {"case": case, "lines": [line], "prev": before, "seq": seq}
    entry(folder, case, seq).parent.mkdir(exist_ok=True)
    entry(folder, case, seq).write_text(json.dumps(forged, sort_keys=True, separators=(",", ":")))
    for wrong in town.wrongs(folder):
        assert any(f"{case}/" in line for line in wrong)


def test_the_next_months_log_goes_on_from_an_earlier_packs_and_another_does_not(town, tmp_path):
    held = check_pack(town.folder / LAST, given=Given(*KEYS, earlier=town.folder / MONTH))
    assert held.wrong == []
    assert any("goes on from the" in x for x in held.holds)
    other = town.copy(MONTH, tmp_path / "other")
    note = other / "ledger" / "log" / "checkpoint"
    size = int(note.read_text().split("\n")[1])
    note.write_bytes(Checkpoint(KEY.name, size - 3, b"\7" * 32).signed([KEY]).data)
    wrong = check_pack(town.folder / LAST, given=Given(*KEYS, earlier=other)).wrong
    assert "the log does not go on from where it was in the earlier pack" in wrong
    note.write_bytes(Checkpoint(KEY.name, size + 3, b"\7" * 32).signed([KEY]).data)
    wrong = check_pack(town.folder / LAST, given=Given(*KEYS, earlier=other)).wrong
    assert f"the log has {size} entries here, and had {size + 3} in the earlier pack" in wrong


def test_a_time_stamp_holds_by_openssl_in_one_command_and_by_the_packs_own_check(town):
    folder = town.folder / LAST
    (answer,) = (folder / "ledger" / "log" / "stamps").glob("*.tsr")
    command = [openssl(), "ts", "-verify", "-data", str(answer.with_suffix(".note")), "-in", str(answer)]
    done = subprocess.run([*command, "-CAfile", str(folder / "tsa-roots.pem")], capture_output=True, check=False)  # noqa: S603
    assert b"Verification: OK" in done.stdout + done.stderr
    told = check_pack(folder, given=Given(*KEYS, roots=folder / "tsa-roots.pem"))
    assert "time-stamped heads: 1, by an authority that is vouched for by the roots in tsa-roots.pem" in told.holds


def test_a_time_stamp_that_was_altered_taken_away_or_is_by_another_is_named(town, tmp_path):
    folder = town.copy(LAST, tmp_path / "pack")
    (answer,) = (folder / "ledger" / "log" / "stamps").glob("*.tsr")
    data = answer.read_bytes()
    answer.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    ours, own, _ = town.wrongs(edited(folder))
    assert f"✗ ledger/log/stamps/{answer.name}".replace("ledger/", "") in ours[0]
    assert f"the time-stamp {answer.stem} is not the one that was taken" in own
    answer.unlink()
    ours, own, _ = town.wrongs(edited(folder))
    assert "was removed" in ours[0]
    assert f"the time-stamp {answer.stem} is missing: it was taken" in own
    answer.write_bytes(data)
    other = Authority(tmp_path / "other", "Elsewhere")
    wrong = town.wrongs(edited(folder), roots=other.roots)[1]
    assert any(x.startswith(f"the time-stamp {answer.stem} does not hold: ") for x in wrong)


def test_the_program_in_the_pack_runs_alone_and_says_so_where_the_month_goes_on(town):
    command = [sys.executable, "-m", "auditor.check_pack", ".", "--key", KEYS[0], "--earlier", f"../{BEFORE}"]
    done = subprocess.run(command, cwd=town.folder / MONTH, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.startswith("✓ ") for line in done.stdout.splitlines())


async def test_what_is_written_while_it_is_packed_is_in_no_part_of_it(tmp_path):
    """The ledger goes on: a pack is cut at its head, entries and exports alike."""
    hospital = await Hospital.opened(tmp_path / "store")
    await hospital.wake(await hospital.submit("IVSET-20", 40))
    log = await seal(hospital)
    hospital.now += timedelta(minutes=1)
    late = await hospital.submit("KNEE-TIB-4", 1)
    out = io.BytesIO()
    await pack(Period.of("2026-11", CHICAGO), out, hospital.ledger, log, papers())
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path / "pack")
    assert check_pack(tmp_path / "pack", KEYS[0]).wrong == []
    assert late not in (tmp_path / "pack" / "exports" / "2026-11.xes").read_text()
