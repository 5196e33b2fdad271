"""`almoner people`, as somebody types it, over a ledger in a folder."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from blocks.records.money import Money
from blocks.records.people import Directory
from blocks.rulebook import Shelf, adopt
from blocks.wire.hris import GRANTS, PEOPLE
from infrastructure.commands.people import app
from infrastructure.local.hospital.__main__ import directory
from tasks.case import utc_now
from tests.hospital import Hospital
from tests.tasks.signing.emergencies import night_policy


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hospital:
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    return asyncio.run(Hospital.opened(tmp_path / "store"))


def type_in(hospital: Hospital, *words: str) -> Result:
    with hospital.bound():
        return CliRunner().invoke(app, list(words))


FROM = ("--from", "2026-01-02", "--no-slack", "--as", "paula.reyes")


def taken_over(hospital: Hospital, people: str, grants: str) -> Result:
    """Let one propose an extract, and another put it in force."""
    told = type_in(hospital, "import", people, grants, *FROM)
    assert told.exit_code == 0, told.output
    version = told.stdout.split("almoner people approve ")[1].strip()
    done = type_in(hospital, "approve", version, "--as", "frida.ng")
    assert done.stdout == "✓ in force from 2026-01-02: paula.reyes wrote it, frida.ng approved it\n", done.output
    return told


def in_force(hospital: Hospital) -> Directory:
    return asyncio.run(Shelf(hospital.ledger).in_force(utc_now())).directory


def extract(folder: Path, people: Directory, **left: bool) -> tuple[str, str]:
    """Write a directory as an HR system would; *left* names who has left meanwhile."""
    rows, grants = [",".join(PEOPLE)], [",".join(GRANTS)]
    for one in people.people:
        active = "no" if left.get(one.id.split(".")[0]) or not one.active else "yes"
        told = (one.id, one.name, one.email, one.title, one.manager or "", active, ";".join(one.cost_centres))
        rows.append(",".join(f'"{field}"' for field in told))
        for grant in one.grants:
            limit = (str(grant.limit.amount), grant.limit.currency) if grant.limit else ("", "")
            grants.append(",".join((one.id, grant.role, ";".join(grant.cost_centres), *limit)))
    (folder / "people.csv").write_text("\n".join(rows))
    (folder / "grants.csv").write_text("\n".join(grants))
    return str(folder / "people.csv"), str(folder / "grants.csv")


def test_an_extract_that_says_the_same_changes_nothing(hospital, tmp_path):
    told = type_in(hospital, "import", *extract(tmp_path, in_force(hospital)), *FROM)
    assert (told.exit_code, told.output) == (0, "nothing changes\n")


def test_who_left_is_named_and_may_decide_no_more(hospital, tmp_path):
    files = extract(tmp_path, in_force(hospital), ana=True)
    dry = type_in(hospital, "import", *files, "--from", "2026-01-02", "--no-slack", "--dry-run")
    assert "ana.silva has left" in dry.output
    assert in_force(hospital).person("ana.silva").active
    told = taken_over(hospital, *files)
    assert "ana.silva has left" in told.output
    ana = in_force(hospital).person("ana.silva")
    assert (ana.active, ana.slack_user) == (False, "U0ANA")


def as_managers(hospital: Hospital) -> None:
    """Let Ana Silva answer for LAB and approve up to $5,000 as a manager."""
    now = in_force(hospital)
    bounds = {"owns": ("LAB",), "manager_limit": Money.of(5000, "USD")}
    bound = tuple(one.model_copy(update=bounds) if one.id == "ana.silva" else one for one in now.people)
    asyncio.run(adopt(hospital.ledger, now.model_copy(update={"people": bound}), actor="door:test", at=hospital.now))


def test_an_extract_without_the_column_of_limits_leaves_each_as_it_was(hospital, tmp_path):
    as_managers(hospital)
    told = type_in(hospital, "import", *extract(tmp_path, in_force(hospital)), *FROM)
    assert (told.exit_code, told.output) == (0, "nothing changes\n")


def test_an_extract_that_says_no_limit_is_told_to_mean_any_amount(hospital, tmp_path):
    as_managers(hospital)
    people, grants = extract(tmp_path, in_force(hospital))
    head, *rows = Path(people).read_text().splitlines()
    Path(people).write_text("\n".join([f"{head},manager_limit,currency", *(f"{row},," for row in rows)]))
    told = type_in(hospital, "import", people, grants, *FROM)
    assert "ana.silva manager_limit: $5,000.00 → any amount" in told.output.splitlines(), told.output


def test_whom_the_policy_in_force_needs_is_told_and_who_does_not_ask_stays_silent(hospital, tmp_path):
    asyncio.run(adopt(hospital.ledger, directory(), actor="door:test", at=hospital.now))
    told = taken_over(hospital, *extract(tmp_path, directory(), ivo=True))
    (gap,) = [line for line in told.output.splitlines() if line.startswith("⚠ policy: ")]
    assert "nobody active may decide as implant-coordinator for ED, ICU, IT, LAB, OR, PHA" in gap
    assert gap.endswith("→ name one there with a limit of 250,000.00 USD")
    assert [one.id for one in in_force(hospital).people if not one.asks] == [
        one.id for one in directory().people if not one.asks
    ]


def test_what_waits_is_listed_and_its_author_may_put_in_force_what_only_takes_away(hospital, tmp_path):
    files = extract(tmp_path, in_force(hospital), ana=True)
    told = type_in(hospital, "import", *files, "--from", "2026-01-02", "--no-slack", "--as", "frida.ng")
    assert "Nobody gains anything, so you may put it in force: almoner people approve" in told.output
    listed = type_in(hospital, "proposals").output.splitlines()
    assert listed[0].endswith("by frida.ng, from 2026-01-02")
    assert listed[1:] == ["  ana.silva has left"]
    version = listed[0][:12]
    assert "which you are not" in type_in(hospital, "approve", version, "--as", "leo.brandt").stderr
    assert type_in(hospital, "approve", version, "--as", "frida.ng").exit_code == 0
    assert type_in(hospital, "approve", version, "--as", "carl.moss").stdout.startswith("It is in force already")
    assert type_in(hospital, "proposals").output == "Nothing waits for approval.\n"


def test_one_bad_row_and_nothing_changes(hospital, tmp_path):
    before = in_force(hospital)
    people, grants = extract(tmp_path, in_force(hospital))
    Path(people).write_text(Path(people).read_text() + '\n"x y","","","","","maybe",""')
    told = type_in(hospital, "import", people, grants, *FROM)
    assert told.exit_code == 1
    assert "active: 'maybe': write yes or no" in told.output
    assert "Nothing was changed" in told.output
    assert in_force(hospital) == before


def test_a_circle_of_managers_is_refused(hospital, tmp_path):
    above = {"ana.silva": "leo.brandt", "leo.brandt": "ana.silva"}
    now = in_force(hospital)
    turned = tuple(one.model_copy(update={"manager": above.get(one.id, one.manager)}) for one in now.people)
    people, grants = extract(tmp_path, now.model_copy(update={"people": turned}))
    told = type_in(hospital, "import", people, grants, *FROM)
    assert told.exit_code == 1
    assert "is among their own managers" in told.output


def test_a_delegation_is_made_listed_and_ended(hospital):
    until = f"{utc_now():%Y-%m-%d}"
    made = type_in(hospital, "delegate", "leo.brandt", "--as", "ana.silva", "--until", until, "--limit", "5000")
    assert made.exit_code == 0, made.output
    key = made.output.rsplit(": ", 1)[1].strip()
    assert "leo.brandt for ana.silva" in (listed := type_in(hospital, "duties").output)
    assert "up to $5,000.00" in listed
    assert type_in(hospital, "end", key, "--as", "frida.ng").exit_code == 1
    assert type_in(hospital, "end", key, "--as", "leo.brandt").exit_code == 0
    assert "Nobody stands in" in type_in(hospital, "duties").output


def test_however_long_their_ids_one_lends_to_another_and_is_away(hospital):
    now, until = in_force(hospital), f"{utc_now():%Y-%m-%d}"
    names = {
        "ana.silva": "ana-maria.da-silva-e-vasconcelos",
        "leo.brandt": "leopold-maximilian.von-brandt",
    }
    named = json.loads(now.model_dump_json())
    for one in named["people"]:
        one["id"], one["manager"] = names.get(one["id"], one["id"]), names.get(one["manager"], one["manager"])
    asyncio.run(adopt(hospital.ledger, Directory.model_validate(named), actor="door:test", at=hospital.now))
    ana, leo = names.values()
    for words in (("delegate", leo), ("away", ana)):
        told = type_in(hospital, *words, "--as", ana, "--until", until)
        assert told.exit_code == 0, told.output
    keys = [line.rsplit("[", 1)[1].removesuffix("]") for line in type_in(hospital, "duties").stdout.splitlines()]
    assert [type_in(hospital, "end", key, "--as", ana).exit_code for key in keys] == [0, 0]


def test_an_absence_is_told_and_listed(hospital):
    until = f"{utc_now():%Y-%m-%d}"
    assert type_in(hospital, "away", "ana.silva", "--as", "ana.silva", "--until", until).exit_code == 0
    assert "ana.silva is away" in type_in(hospital, "duties").output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("delegate", "nobody.here", "--as", "ana.silva", "--until", "2099-01-01"), "to: nobody.here is not an active"),
        (("delegate", "leo.brandt", "--as", "ana.silva", "--until", "2099-01-01"), "are too long"),
        (("delegate", "leo.brandt", "--as", "ana.silva", "--until", "2020-01-01"), "is not after the start"),
        (("away", "ana.silva", "--as", "rita.okafor", "--until", "2099-01-01"), "or their manager can say so"),
        (("end", "no-such-key", "--as", "ana.silva"), "no such delegation or absence"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_what_is_not_taken_is_told_with_the_field_and_the_reason(hospital, words, why):
    told = type_in(hospital, *words)
    assert told.exit_code == 1
    assert why in told.output


def test_emergency_access_is_asked_for_agreed_to_and_reviewed_at_the_command_line(hospital: Hospital):
    tonight = night_policy(effective_from=utc_now().date().replace(month=1, day=2))
    asyncio.run(adopt(hospital.ledger, tonight, actor="door:test", at=hospital.now))
    night = ("emergency", "ask", "department-manager", "--cost-centre", "OR", "--hours", "8", "--why", "Nobody answers")
    told = type_in(hospital, *night, "--as", "mei.tan")
    assert "two of these have to agree: Ana Silva, Paula Reyes, Frida Ng" in told.stdout, told.output
    key = told.stdout.split("agree ")[-1].strip()
    assert "waits for 2 to agree" in type_in(hospital, "emergency", "list").stdout
    assert type_in(hospital, "emergency", "agree", key, "--as", "mei.tan").exit_code == 1
    assert "A second person has to agree" in type_in(hospital, "emergency", "agree", key, "--as", "ana.silva").stdout
    assert "Mei Tan may decide" in type_in(hospital, "emergency", "agree", key, "--as", "paula.reyes").stdout
    assert "in force, granted by Ana Silva and Paula Reyes" in type_in(hospital, "emergency", "list").stdout
    ended = type_in(hospital, "emergency", "end", key, "--as", "mei.tan")
    assert ended.stdout == f"✓ {key} has ended; it is to be reviewed\n", ended.output
    assert "Nothing was decided by it." in type_in(hospital, "emergency", "review", key, "--as", "carl.moss").stdout
    done = type_in(hospital, "emergency", "review", key, "--objected", "it was no emergency", "--as", "carl.moss")
    assert done.stdout == f"✓ {key}: objected\n", done.output
    assert "objected by Carl Moss: it was no emergency" in type_in(hospital, "emergency", "list").stdout


@pytest.mark.parametrize("hours", ["1e9", "1e308", "nan", "0", "-1"])
def test_hours_that_are_none_are_told(hospital, hours):
    asyncio.run(adopt(hospital.ledger, night_policy(), actor="door:test", at=utc_now()))
    ask = ("emergency", "ask", "department-manager", "--cost-centre", "OR", "--why", "x", "--as", "mei.tan")
    told = type_in(hospital, *ask, f"--hours={hours}")
    assert (told.exit_code, told.stderr) == (1, "✗ hours: say how many, from 0.1 to 1000.0, such as 8\n")


def test_without_slack_an_emergency_is_asked_for_and_one_is_told_to_tell_them_oneself(hospital, monkeypatch):
    asyncio.run(adopt(hospital.ledger, night_policy(), actor="door:test", at=utc_now()))
    monkeypatch.setattr(hospital, "desk", None)
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    ask = ("emergency", "ask", "department-manager", "--cost-centre", "OR", "--why", "x", "--as", "mei.tan")
    told = type_in(hospital, *ask, "--hours", "8")
    assert told.exit_code == 0, told.output
    assert "two of these have to agree: Ana Silva, Paula Reyes, Frida Ng" in told.stdout
    assert "Nobody was told in Slack, so please tell them: SLACK_BOT_TOKEN is not set" in told.stderr


def test_words_about_a_field_name_it_once(hospital):
    told = type_in(hospital, "delegate", "leo.brandt", "--until", "2020-01-01", "--as", "ana.silva")
    assert told.stderr.startswith("✗ until: 2020-01-02 06:00 is not after the start, ")
